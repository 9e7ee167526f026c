// The manifest of a published package, made from that of its source. A source manifest is private, since in the
// workspace a package is TypeScript that Node runs as it is: only its `dist`, with a manifest of its own,
// can be published.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder of the workspace. */
export const workspace: string = join(import.meta.dirname, '..')

/** A package.json. */
export type Manifest = Readonly<Record<string, unknown>>

/** The fields of a published manifest that differ from the source's. */
export interface Published {
  readonly exports: Readonly<Record<string, unknown>>
  readonly files: readonly string[]
  readonly engines: { readonly node: string }
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Reads the package.json in `folder`. */
export async function readManifest(folder: string): Promise<Manifest> {
  const found: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  if (typeof found !== 'object' || found === null) throw new Error(`${folder} has no manifest`)
  return { ...found }
}

/** Where the sources are published: `https://…`, without a slash at its end. */
export async function repositoryUrl(): Promise<string> {
  const { repository } = await readManifest(workspace)
  if (typeof repository !== 'string' || !/^https:\/\/[^/]+\/.*[^/]$/.test(repository)) {
    throw new Error('the package.json of the workspace names no repository: "https://…"')
  }
  return repository
}

/** Writes the manifest of the package whose source is in `packages/<name>`. */
export async function writeManifest(name: string, published: Published): Promise<void> {
  const folder = join(workspace, 'packages', name)
  const { private: _, scripts: __, devDependencies: ___, ...source } = await readManifest(folder)
  const repository = await repositoryUrl()
  const manifest = {
    ...source,
    homepage: `${repository}#readme`,
    bugs: `${repository}/issues`,
    repository: { type: 'git', url: `git+${repository}.git`, directory: `packages/${name}` },
    publishConfig: { access: 'public' },
    ...published,
  }
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`
  await writeFile(join(folder, 'dist/package.json'), text)
}
