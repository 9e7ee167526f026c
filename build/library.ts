// Builds a library of the workspace, `pathlock` or `client`, into its `dist`, which can be published. The compiled
// files are those of `tsc --build`.

import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { copyModule } from './compiled.ts'
import { workspace, writeManifest } from './manifest.ts'
import { writeReadme } from './readme.ts'

/** Builds the library in `packages/<name>`. */
export async function buildLibrary(name: string): Promise<void> {
  const folder = join(workspace, 'packages', name)
  const dist = join(folder, 'dist')
  await rm(dist, { recursive: true, force: true })
  await mkdir(dist)
  const sources = (await readdir(join(folder, 'src'))).filter(
    (file) => file.endsWith('.ts') && !/\.(test|suite|fixture)\.ts$/.test(file),
  )
  for (const source of sources) await copyModule(name, source.slice(0, -'.ts'.length))
  await writeManifest(name, {
    exports: {
      '.': { types: './index.d.ts', default: './index.js' },
      './package.json': './package.json',
    },
    files: ['*.js', '*.d.ts', '*.map', 'src'],
    engines: { node: '>=20' },
  })
  await writeReadme(join('packages', name, 'README.md'), join(dist, 'README.md'))
  await copyFile(join(workspace, 'LICENSE'), join(dist, 'LICENSE'))
}
