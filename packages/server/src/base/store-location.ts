// The locations of a store's rows and blobs, as URLs that `engine/open.ts` and `blob/open.ts` open.

import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export interface StoreLocation {
  readonly engine: URL
  readonly blobs: URL
}

/** The file that marks a data folder while a backup is restored into it. */
export const unfinishedRestore = 'restore.part'

/** The store in a data folder: rows in `engine/`, blobs in `blobs/`. */
export function storeIn(dataFolder: string): StoreLocation {
  const folder = resolve(dataFolder)
  return {
    engine: pathToFileURL(join(folder, 'engine')),
    blobs: pathToFileURL(join(folder, 'blobs')),
  }
}

/**
 * The folder that `url` names.
 * @param subject the name of the URL's purpose, for the message
 * @throws Error for any scheme but `file:`
 */
export function folderOf(url: URL, subject: string): string {
  if (url.protocol === 'file:' && url.host === '') return fileURLToPath(url)
  // Quote only scheme and host: the rest may contain a password.
  throw new Error(
    `can't open ${subject} at ${url.protocol}//${url.host}: only file:/// URLs are supported`,
  )
}
