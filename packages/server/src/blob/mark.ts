// The mark files beside the blobs. `store.json` has the identity of the store and its number of process starts. Each
// start that writes or removes blobs has a `store-<start>.json` with a growing number, which detects restored older
// rows of the same starts. Mark files are replaced atomically, and are durable before anything relies on them.

import { randomUUID } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  anyText,
  count,
  DocumentError,
  type Form,
  fields,
  list,
  parseDocument,
  text,
} from '../base/document.ts'
import { makeFolders, syncFolder } from '../base/folder.ts'
import { folderOf } from '../base/store-location.ts'
import { asStartId, type StartId } from '../base/terms.ts'

/** The store to which the blobs in a folder belong. */
export interface BlobMark {
  /** The identity of the store. */
  readonly id: string
  /** A lower bound of the number of process starts. */
  readonly starts: number
  /** Former identities of the folder, the oldest first. */
  readonly former: readonly string[]
}

/** The bound of numbers of starts. A greater one is an error, since it would leave no numbers for later starts. */
const greatestCount = 2 ** 48

const markForm = fields({ id: text, starts: count, former: list(anyText) })
const startMarkForm = fields({ mark: count })

/** The facts that a folder of blobs holds about itself. */
export interface BlobFacts {
  /** Undefined if there is none, as in stores of versions without identities. */
  readonly mark: BlobMark | undefined
  /** True if a mark is malformed. */
  readonly isMarkDamaged: boolean
  /** The greatest number of a start with a folder; 0 if there is none. */
  readonly greatestStart: number
  /** The last mark of each start that has one. */
  readonly marks: ReadonlyMap<StartId, number>
  /** True if there are blobs, finished or not. */
  readonly hasFiles: boolean
}

/** The number of former identities that are kept. */
const keptIdentities = 16

/** Examines the blobs at `url`, which may be missing. */
export async function lookAtBlobs(url: URL): Promise<BlobFacts> {
  const folder = blobFolder(url)
  const starts = (await namesIn(folder)).filter((name) => /^\d{1,16}$/.test(name))
  const numbers = starts.map(Number).filter((number) => number <= greatestCount)
  let hasFiles = false
  for (const start of starts) {
    hasFiles = await holdsFiles(join(folder, start))
    if (hasFiles) break
  }
  const marks = await readStartMarks(folder)
  const mark = await readMark(url)
  const isMarkDamaged = mark === 'damaged' || marks === 'damaged'
  return {
    mark: mark === 'damaged' ? undefined : mark,
    isMarkDamaged,
    marks: marks === 'damaged' ? new Map() : marks,
    greatestStart: numbers.reduce((greatest, number) => Math.max(greatest, number), 0),
    hasFiles,
  }
}

async function readStartMarks(folder: string): Promise<ReadonlyMap<StartId, number> | 'damaged'> {
  const marks = new Map<StartId, number>()
  for (const name of await namesIn(folder)) {
    const start = /^store-(\d{1,16})\.json$/.exec(name)?.[1]
    if (start === undefined) continue
    const found = await readDocument(startMarkForm, join(folder, name))
    if (found === 'damaged') return found
    // Undefined if the start was swept meanwhile.
    if (found !== undefined) marks.set(asStartId(Number(start)), found.mark)
  }
  return marks
}

/** The mark of the blobs at `url`; undefined if they have none. */
export async function readMark(url: URL): Promise<BlobMark | 'damaged' | undefined> {
  const mark = await readDocument(markForm, fileIn(blobFolder(url)))
  return mark !== undefined && mark !== 'damaged' && mark.starts > greatestCount ? 'damaged' : mark
}

async function readDocument<T>(form: Form<T>, path: string): Promise<T | 'damaged' | undefined> {
  try {
    return parseDocument(form, await readFile(path, 'utf8'))
  } catch (error) {
    if (isAbsent(error)) return undefined
    if (error instanceof DocumentError) return 'damaged'
    throw error
  }
}

/** Writes the mark of the blobs at `url`, and creates their folder if missing. Durable when the promise resolves. */
export async function writeMark(url: URL, mark: BlobMark): Promise<void> {
  const folder = blobFolder(url)
  await makeFolders(folder)
  const former = mark.former.slice(-keptIdentities)
  await replace(folder, 'store.json', { ...mark, former })
}

/** Writes the mark of a start beside the blobs in `folder`. Durable when the promise resolves. */
export async function writeStartMark(folder: string, start: StartId, mark: number): Promise<void> {
  await replace(folder, startMarkName(start), { mark })
}

/** Removes the mark of a start whose rows were removed; no error if there is none. */
export async function removeStartMark(folder: string, start: StartId): Promise<void> {
  await rm(join(folder, startMarkName(start)), { force: true })
}

function startMarkName(start: StartId): string {
  return `store-${start}.json`
}

async function replace(folder: string, name: string, document: object): Promise<void> {
  // Several processes may write the file concurrently.
  const part = join(folder, `${name}.${randomUUID()}.part`)
  try {
    const handle = await open(part, 'wx', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify(document)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, join(folder, name))
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

/** True if there is a file anywhere below `folder`. */
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
