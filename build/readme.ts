// The README of a published package. npm shows it away from the sources, so its links must be absolute.

import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { repositoryUrl, workspace } from './manifest.ts'

/** Copies the README at `source` (a path in the workspace) to the file `target`, with absolute links. */
export async function writeReadme(source: string, target: string): Promise<void> {
  const text = await readFile(join(workspace, source), 'utf8')
  const base = { repository: await repositoryUrl(), folder: dirname(source) }
  await writeFile(target, absoluteLinks(text, base))
}

/** Images are fetched by npm, and so must be files themselves rather than pages about them. */
const picture = /\.(svg|png|jpe?g|gif)$/

/** Makes the relative links and pictures of a Markdown text in `folder` absolute; anchors stay. */
export function absoluteLinks(
  text: string,
  { repository, folder }: { readonly repository: string; readonly folder: string },
): string {
  const absolute = (link: string): string => {
    if (/^([a-z][a-z+.-]*:|#|\/\/)/i.test(link)) return link
    const path = relative('.', join(folder, link))
    return `${repository}/${picture.test(path) ? 'raw' : 'blob'}/main/${path}`
  }
  return text
    .replaceAll(
      /(\]\()([^)\s]+)(\))/g,
      (_, open, link, close) => `${open}${absolute(link)}${close}`,
    )
    .replaceAll(/^(\[[^\]]+\]: )(\S+)$/gm, (_, open, link) => `${open}${absolute(link)}`)
    .replaceAll(/( (?:src|href)=")([^"]+)(")/g, (_, open, link, close) => {
      return `${open}${absolute(link)}${close}`
    })
}
