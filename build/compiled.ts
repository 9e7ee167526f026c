// Files that the compiler made, copied into a package. `tsc --build` writes them below node_modules/.cache.

import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { workspace } from './manifest.ts'

/** The compiled files of `packages/<name>/src`. */
export function compiledFolder(name: string): string {
  return join(workspace, 'node_modules/.cache/types', name, 'src')
}

/** Declarations and the declarations that they import, from `entries`, as paths without `.d.ts`. */
export async function declarationsOf(
  folder: string,
  entries: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const visit = async (path: string): Promise<void> => {
    if (found.has(path)) return
    const text = await readFile(join(folder, `${path}.d.ts`), 'utf8')
    found.set(path, text)
    for (const [, name = ''] of text.matchAll(/(?:from|import\() ?'(\.[^']+)\.ts'/g)) {
      await visit(relative('.', join(dirname(path), name)))
    }
  }
  for (const entry of entries) await visit(entry)
  return found
}

/**
 * A declaration as a package has it: it imports JavaScript files, whose declarations lie beside them, and nothing
 * for an effect.
 */
export function publishedDeclaration(text: string): string {
  return text
    .replaceAll(/^import '.*';?\n/gm, '')
    .replaceAll(/((?:from|import\() ?'\.[^']+)\.ts'/g, "$1.js'")
}

/**
 * Copies one module of a library: the JavaScript, the declaration, the maps of both, and its source, to which
 * they lead.
 */
export async function copyModule(name: string, module: string): Promise<void> {
  const from = compiledFolder(name)
  const to = join(workspace, 'packages', name, 'dist')
  await mkdir(join(to, 'src'), { recursive: true })
  await copyFile(
    join(workspace, 'packages', name, 'src', `${module}.ts`),
    join(to, 'src', `${module}.ts`),
  )
  await copyFile(join(from, `${module}.js`), join(to, `${module}.js`))
  const declaration = await readFile(join(from, `${module}.d.ts`), 'utf8')
  await writeFile(join(to, `${module}.d.ts`), publishedDeclaration(declaration))
  for (const map of [`${module}.js.map`, `${module}.d.ts.map`]) {
    const found: unknown = JSON.parse(await readFile(join(from, map), 'utf8'))
    const own = { ...Object(found), sources: [`src/${module}.ts`] }
    await writeFile(join(to, map), JSON.stringify(own))
  }
}
