// The licences of the packages whose code is part of a bundle, which have to go with it.

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'
import { readManifest, workspace } from './manifest.ts'

/** Writes the licence texts of all packages in the bundle that `metafile` describes. */
export async function writeNotices(metafile: Metafile, target: string): Promise<void> {
  const folders = new Set<string>()
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]
      if (bytesInOutput > 0 && folder !== undefined) folders.add(folder)
    }
  }
  const parts = ['This package contains code of the following packages.\n']
  for (const folder of [...folders].sort()) parts.push(await noticeOf(join(workspace, folder)))
  await writeFile(target, parts.join(`\n${'-'.repeat(80)}\n\n`))
}

async function noticeOf(folder: string): Promise<string> {
  const { name, version, license } = await readManifest(folder)
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return [`${name} ${version} (${license})\n`, ...texts].join('\n')
}
