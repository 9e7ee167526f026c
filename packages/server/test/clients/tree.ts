// The tree of files that every client uploads and downloads: unusual names and sizes, and one file large enough for a
// multipart upload.

import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { bodyOf } from '../crash/content.ts'

/** The largest file: several parts for each client. */
export const largeFile = 'large/thirty.bin'
/** Size of `largeFile`. */
export const largeBytes: number = 30 * 1024 * 1024 + 12_345

const files: Readonly<Record<string, number>> = {
  'empty.txt': 0,
  'one.bin': 1,
  'plain.txt': 5_000,
  'hundred.bin': 102_400,
  'deep/er/and/deeper/file.txt': 77,
  'deep/er.txt': 78,
  'deep/er-and.txt': 79,
  'names/with space.txt': 10,
  'names/plus+plus.txt': 11,
  'names/percent%20.txt': 12,
  'names/é ü ñ.txt': 13,
  'names/日本語.txt': 14,
  'names/😀 emoji.txt': 15,
  "names/quote's (and) [brackets].txt": 16,
  'names/amp&ersand=equals,comma;semi.txt': 17,
  'names/hash#tilde~at@.txt': 18,
  'names/less<more>.txt': 19,
  'names/UPPER.txt': 20,
  'names/upper.txt': 21,
  'many/a': 100,
  'many/b': 200,
  'many/c': 300,
  [largeFile]: largeBytes,
}

/** Number of files that `makeTree` writes. */
export const fileCount: number = Object.keys(files).length

/** Writes the tree below a folder, dated an hour ago, as clients compare times. */
export async function makeTree(folder: string): Promise<void> {
  const hourAgo = new Date(Date.now() - 3_600_000)
  for (const [name, sizeBytes] of Object.entries(files)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bodyOf(name, sizeBytes))
    await utimes(path, hourAgo, hourAgo)
  }
}

/** The path and SHA-256 of every file below a folder, for comparison. */
export async function fingerprint(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const found: Record<string, string> = {}
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name)
    found[path.slice(folder.length + 1)] = await sha256File(path)
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** SHA-256 of a file in hex. */
export async function sha256File(path: string): Promise<string> {
  const hash: Hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** SHA-256 of bytes in hex. */
export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
