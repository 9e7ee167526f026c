// What lies beside the blobs to say whose they are: `store.json`, with the identity of the store and how
// many process starts it had. It is only ever replaced as a whole, and durable before it is relied on.

import { randomUUID } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  anyText,
  count,
  DocumentError,
  fields,
  list,
  parseDocument,
  text,
} from '../base/document.ts'
import { makeFolders, syncFolder } from '../base/folder.ts'
import { folderOf } from '../base/store-location.ts'

/** Whose the blobs in a folder are. */
export interface BlobMark {
  /** The identity of the store. */
  readonly id: string
  /** At least so many process starts were given numbers by it. */
  readonly starts: number
  /** Identities that the folder had before, the oldest first. */
  readonly former: readonly string[]
}

const markForm = fields({ id: text, starts: count, former: list(anyText) })

/** What a folder of blobs tells of itself. */
export interface BlobFacts {
  /** Undefined if there is none, as before stores had identities. */
  readonly mark: BlobMark | undefined
  /** True if there is one that can't be understood. */
  readonly isMarkDamaged: boolean
  /** The greatest number of a start that has a folder; 0 if there is none. */
  readonly greatestStart: number
  /** True if there is a blob, finished or not. */
  readonly hasFiles: boolean
}

/** Former identities that are kept. */
const keptIdentities = 16

/** Looks at the blobs at `url`, where there needn't be any. */
export async function lookAtBlobs(url: URL): Promise<BlobFacts> {
  const folder = blobFolder(url)
  const starts = (await namesIn(folder)).filter((name) => /^\d{1,16}$/.test(name))
  const greatestStart = Math.max(0, ...starts.map(Number))
  let hasFiles = false
  for (const start of starts) {
    hasFiles = await holdsFiles(join(folder, start))
    if (hasFiles) break
  }
  const mark = await readMark(url)
  const isMarkDamaged = mark === 'damaged'
  return { mark: isMarkDamaged ? undefined : mark, isMarkDamaged, greatestStart, hasFiles }
}

/** The mark of the blobs at `url`; undefined if they have none. */
export async function readMark(url: URL): Promise<BlobMark | 'damaged' | undefined> {
  try {
    return parseDocument(markForm, await readFile(fileIn(blobFolder(url)), 'utf8'))
  } catch (error) {
    if (isAbsent(error)) return undefined
    if (error instanceof DocumentError) return 'damaged'
    throw error
  }
}

/** Marks the blobs at `url`, creating their folder if missing; durable when it resolves. */
export async function writeMark(url: URL, mark: BlobMark): Promise<void> {
  const folder = blobFolder(url)
  await makeFolders(folder)
  const former = mark.former.slice(-keptIdentities)
  // Several processes may write it at once.
  const part = join(folder, `store.json.${randomUUID()}.part`)
  try {
    const handle = await open(part, 'wx', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify({ ...mark, former })}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, fileIn(folder))
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  await syncFolder(folder)
}

function blobFolder(url: URL): string {
  return folderOf(url, 'the blobs')
}

function fileIn(folder: string): string {
  return join(folder, 'store.json')
}

/** True if a file lies anywhere below `folder`. */
async function holdsFiles(folder: string): Promise<boolean> {
  for (const entry of await entriesIn(folder)) {
    if (!entry.isDirectory() || (await holdsFiles(join(folder, entry.name)))) return true
  }
  return false
}

async function entriesIn(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await entriesIn(folder)).map(({ name }) => name)
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
