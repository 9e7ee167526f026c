// Builds the server, the command line and the embedding API into `packages/server/dist`, which can be published.
// It is bundled, since Node doesn't run TypeScript below node_modules, and starts faster from few files. So are
// most packages: installed whole, the AWS SDK alone would be half of the size. It is in files of its own, which
// only the commands that need it load.

import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { compiledFolder, declarationsOf, publishedDeclaration } from './compiled.ts'
import { readManifest, workspace, writeManifest } from './manifest.ts'
import { writeNotices } from './notices.ts'
import { writeReadme } from './readme.ts'

const folder = join(workspace, 'packages/server')
const dist = join(folder, 'dist')

/** The modules that programs import, by their names in `exports`. */
const apis: Readonly<Record<string, string>> = {
  '.': 'index',
  './testing': 'testing',
}

/** The files that are begun with, by their names in the package. All lie in one folder. */
const entries: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.values(apis).map((name) => [name, `src/${name}.ts`])),
  start: 'src/cli/start.ts',
  thread: 'src/select-content/thread.ts',
}

/**
 * Packages that stay dependencies: those with binaries, those with threads or files of their own, and those that
 * are optional. All others are part of the bundle, where only what is used of them is left.
 */
const installed: ReadonlySet<string> = new Set([
  'hyparquet',
  'hyparquet-compressors',
  'lmdb',
  'msgpackr',
  'pino',
  'pino-pretty',
])

/** Builds the package. */
export async function buildServer(): Promise<void> {
  await rm(dist, { recursive: true, force: true })
  await mkdir(dist)
  const manifest = await readManifest(folder)
  const dependencies = installedOf(manifest['dependencies'])
  const optionalDependencies = installedOf(manifest['optionalDependencies'])
  const external = Object.keys({ ...dependencies, ...optionalDependencies })
  const { metafile } = await build({
    entryPoints: Object.fromEntries(
      Object.entries(entries).map(([name, source]) => [name, join(folder, source)]),
    ),
    absWorkingDir: workspace,
    outdir: dist,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    // Packages that come in both forms are shaken better as modules.
    mainFields: ['module', 'main'],
    // Older syntax than the server needs, so that an older Node gets as far as the sentence about itself.
    target: 'node20',
    sourcemap: true,
    metafile: true,
    external,
    // Packages in the older form ask for Node's modules by a function that modules don't have.
    banner: {
      js: "import { createRequire as $createRequire } from 'node:module'; const require = $createRequire(import.meta.url);",
    },
    plugins: [besideTheBundle, withoutForeignMaps],
  })
  await writeCommand()
  await writeDeclarations()
  await writeNotices(metafile, join(dist, 'THIRD-PARTY-NOTICES.txt'))
  await writeManifest('server', {
    exports: {
      ...Object.fromEntries(
        Object.entries(apis).map(([path, name]) => [
          path,
          { types: `./types/${name}.d.ts`, default: `./${name}.js` },
        ]),
      ),
      './package.json': './package.json',
    },
    bin: { holdfast: 'holdfast.cjs' },
    files: ['*.js', '*.cjs', '*.map', 'types', 'THIRD-PARTY-NOTICES.txt'],
    engines: { node: '>=24' },
    dependencies,
    optionalDependencies,
  })
  await writeReadme('README.md', join(dist, 'README.md'))
  await copyFile(join(workspace, 'LICENSE'), join(dist, 'LICENSE'))
}

/** A module that is started by its file's address lies beside all others in the package, as JavaScript. */
const besideTheBundle: Plugin = {
  name: 'beside-the-bundle',
  setup({ onLoad }) {
    onLoad({ filter: /packages\/server\/src\/.*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      const address = /new URL\('\.\/([a-z-]+)\.ts', import\.meta\.url\)/g
      for (const [, name = ''] of text.matchAll(address)) {
        if (entries[name] === undefined)
          throw new Error(`${path} starts ${name}, which is no entry`)
      }
      return {
        contents: bundledRequires(text.replaceAll(address, "new URL('./$1.js', import.meta.url)")),
        loader: 'ts',
      }
    })
  },
}

/** `load('…')` of a package that is bundled, in the form that the bundler understands. */
function bundledRequires(text: string): string {
  const call = /\bload\(\s*('([^'/]+)[^']*')/g
  return text.replaceAll(call, (whole, path, name) => {
    return installed.has(name) ? whole : `require(${path}`
  })
}

/** A map that maps nothing. */
const emptyMap = Buffer.from(
  '{"version":3,"sources":[""],"sourcesContent":[""],"mappings":"A"}',
).toString('base64')

/** Leaves the sources of packages out of the maps, where they would be most of the size. */
const withoutForeignMaps: Plugin = {
  name: 'without-foreign-maps',
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/.*\.(js|mjs|cjs)$/ }, async ({ path }) => ({
      contents: `${await readFile(path, 'utf8')}\n//# sourceMappingURL=data:application/json;base64,${emptyMap}`,
      loader: 'js',
    }))
  },
}

/** The command: the checkout's own, but for the file that it starts and its hint for checkouts. */
async function writeCommand(): Promise<void> {
  let text = await readFile(join(folder, 'src/cli/main.cjs'), 'utf8')
  text = replaced(text, "import('./start.ts')", "import('./start.js')")
  text = replaced(text, /\/\*\* The remedy .*\nconst hint = .*\n\n/, '')
  text = replaced(text, /\$\{hint\}/, '')
  // The source of the command is linked to, so that Node reads it as a script; the package has no such link.
  text = replaced(text, /( `main\.ts` is a link.*\n)(\/\/.*\n)+/, '\n')
  const target = join(dist, 'holdfast.cjs')
  await writeFile(target, text)
  await chmod(target, 0o755)
}

/** @throws Error if `text` doesn't have `part` */
function replaced(text: string, part: string | RegExp, replacement: string): string {
  const result = text.replace(part, replacement)
  if (result === text) throw new Error(`the command doesn't have ${part} any more`)
  return result
}

async function writeDeclarations(): Promise<void> {
  const declarations = await declarationsOf(compiledFolder('server'), Object.values(apis))
  for (const [path, text] of declarations) {
    const target = join(dist, 'types', `${path}.d.ts`)
    await mkdir(dirname(target), { recursive: true })
    // Their maps lead to sources that the package doesn't have.
    await writeFile(target, publishedDeclaration(text).replace(/\n\/\/# sourceMappingURL.*/, '\n'))
  }
}

function installedOf(dependencies: unknown): Record<string, string> {
  const entries = Object.entries(Object(dependencies)).filter(([name]) => installed.has(name))
  return Object.fromEntries(entries.map(([name, version]) => [name, String(version)]))
}
