// Makes `dist` of a package (this one, or that in the folder named) one to publish (`npm publish ./dist`). In the workspace `import 'pathlock'`
// gets the TypeScript source, which Node runs as it is; a published package has to bring
// JavaScript, so it has a manifest of its own.

import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const root = resolve(process.argv[2] ?? join(import.meta.dirname, '..'))
const dist = join(root, 'dist')
const source: Record<string, unknown> = JSON.parse(
  await readFile(join(root, 'package.json'), 'utf8'),
)
const { scripts: _, devDependencies: __, ...manifest } = source
const published = {
  ...manifest,
  exports: { '.': { types: './index.d.ts', default: './index.js' } },
  files: ['*.js', '*.d.ts', '!*.test.*', '!*.suite.*', '!*.fixture.*'],
  engines: { node: '>=20' },
}
await writeFile(join(dist, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`)
await copyFile(join(root, 'README.md'), join(dist, 'README.md'))
