// A side of a comparison: the files of a folder, or the objects below a prefix, in the same order.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError } from '../../base/exit.ts'
import type { Glob } from './glob.ts'
import { type Asking, listObjects } from './listing.ts'
import { isLocal, localReason, type Skip } from './local.ts'
import { type RemoteName, show } from './name.ts'

/** A folder on this machine (its path ends in `/`), or in a bucket. */
export type Place =
  | { readonly kind: 'local'; readonly folder: string }
  | { readonly kind: 'remote'; readonly folder: RemoteName }

/** A file or an object. */
export interface SideEntry {
  /** The path below the folder, separated by slashes. */
  readonly name: string
  readonly sizeBytes: number
  readonly modified: Date
  /** The ETag with quotes; undefined for files. */
  readonly etag: string | undefined
}

/** The options of listing a place. */
export interface Reading {
  readonly asking: Asking
  readonly excluded: readonly Glob[]
  /** Reports an entry that could not be read. */
  readonly onSkipped: Skip
  /** Reports an entry that is never copied, such as a link. */
  readonly onOther: Skip
  /** True to include empty objects whose names end in `/`, which have no counterpart among files. */
  readonly hasMarks: boolean
  /** True for a bucket that doesn't exist yet, and has no entries. */
  readonly isAbsent?: boolean
}

/**
 * The entries of a place in the order of their names' bytes.
 * @throws CommandError if a server lists in another order
 */
export async function* entriesOf(place: Place, reading: Reading): AsyncGenerator<SideEntry> {
  if (reading.isAbsent === true) return
  const entries =
    place.kind === 'local' ? filesOf(place.folder, '', reading) : objectsOf(place.folder, reading)
  for await (const entry of entries) {
    if (!reading.excluded.some((glob) => glob.matches(entry.name))) yield entry
  }
}

/** A place, for messages. */
export function showPlace(place: Place): string {
  return place.kind === 'local' ? place.folder : show(place.folder)
}

/** An entry of a place, for messages. */
export function showEntry(place: Place, name: string): string {
  if (place.kind === 'local') return join(place.folder, name)
  return show({ bucket: place.folder.bucket, key: place.folder.key + name })
}

async function* objectsOf(
  folder: RemoteName,
  { asking, hasMarks }: Reading,
): AsyncGenerator<SideEntry> {
  let previous: Buffer | undefined
  for await (const { key, sizeBytes, modified, etag } of listObjects(asking, folder)) {
    const bytes = Buffer.from(key)
    if (previous !== undefined && Buffer.compare(previous, bytes) >= 0) {
      throw new CommandError(`the server lists ${show(folder)} in an order of its own, not by name`)
    }
    previous = bytes
    const name = key.slice(folder.key.length)
    const isMark = sizeBytes === 0 && key.endsWith('/')
    if (hasMarks || !isMark) yield { name, sizeBytes, modified, etag }
  }
}

async function* filesOf(
  folder: string,
  below: string,
  reading: Reading,
): AsyncGenerator<SideEntry> {
  const entries = await readFolder(folder, below, reading)
  for (const { name, isFolder, isFile } of entries) {
    const path = join(folder, name)
    if (isFolder) yield* filesOf(folder, name, reading)
    else if (!isFile) reading.onOther(path, 'no file')
    else {
      try {
        const { size, mtime } = await lstat(path)
        yield { name, sizeBytes: size, modified: mtime, etag: undefined }
      } catch (error) {
        const why = path.includes('\uFFFD') ? 'its name is not UTF-8' : localReason(error)
        reading.onSkipped(path, why)
      }
    }
  }
}

interface FolderEntry {
  readonly name: string
  readonly isFolder: boolean
  readonly isFile: boolean
}

/** The entries of one folder, sorted as if folder names ended in `/`, which is the order of keys. */
async function readFolder(
  folder: string,
  below: string,
  { onSkipped }: Reading,
): Promise<readonly FolderEntry[]> {
  const path = join(folder, below)
  try {
    const found = await readdir(path, { withFileTypes: true })
    const entries = found.map((entry) => {
      const isFolder = entry.isDirectory()
      const name = `${below}${entry.name}${isFolder ? '/' : ''}`
      return { name, isFolder, isFile: entry.isFile() }
    })
    return entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  } catch (error) {
    if (below === '' || !isLocal(error)) throw error
    onSkipped(path, localReason(error))
    return []
  }
}

/**
 * The quoted ETag of a file uploaded in parts of `partBytes`; the plain MD5 if that is undefined.
 */
export async function etagOfFile(path: string, partBytes: number | undefined): Promise<string> {
  if (partBytes === undefined) {
    const hash = createHash('md5')
    for await (const chunk of createReadStream(path)) hash.update(chunk)
    return `"${hash.digest('hex')}"`
  }
  const whole = createHash('md5')
  let part = createHash('md5')
  let parts = 0
  let filled = 0
  for await (const chunk of createReadStream(path)) {
    const bytes: Buffer = chunk
    for (let at = 0; at < bytes.byteLength; ) {
      const end = Math.min(bytes.byteLength, at + partBytes - filled)
      part.update(bytes.subarray(at, end))
      filled += end - at
      at = end
      if (filled < partBytes) continue
      whole.update(part.digest())
      parts += 1
      part = createHash('md5')
      filled = 0
    }
  }
  if (filled > 0) {
    whole.update(part.digest())
    parts += 1
  }
  return `"${whole.digest('hex')}-${parts}"`
}
