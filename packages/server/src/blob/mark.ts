// The files beside the blobs that name their store: `store.json`, with the identity of the store and how
// many process starts it had. Each start that writes or removes blobs has a file of its own there, too:
// `store-<start>.json`, with a number that grows while it does so, by which older rows of the same starts
// are found out. They are only ever replaced as a whole, and durable before they are relied on.

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
  /** At least so many process starts were given numbers by it. */
  readonly starts: number
  /** Identities that the folder had before, the oldest first. */
  readonly former: readonly string[]
}

/** No store comes to so many starts: a greater number is a mistake, and would leave none to give out. */
const greatestCount = 2 ** 48

const markForm = fields({ id: text, starts: count, former: list(anyText) })
const startMarkForm = fields({ mark: count })

/** The facts that a folder of blobs holds about itself. */
export interface BlobFacts {
  /** Undefined if there is none, as before stores had identities. */
  readonly mark: BlobMark | undefined
  /** True if there is one that can't be understood. */
  readonly isMarkDamaged: boolean
  /** The greatest number of a start that has a folder; 0 if there is none. */
  readonly greatestStart: number
  /** The last mark of each start that has one, by the number of the start. */
  readonly marks: ReadonlyMap<StartId, number>
  /** True if there is a blob, finished or not. */
  readonly hasFiles: boolean
}

/** Former identities that are kept. */
const keptIdentities = 16

/** Looks at the blobs at `url`, where there needn't be any. */
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
    // Undefined if its start was swept just now.
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

/** Marks the blobs at `url`, creating their folder if missing; durable when it resolves. */
export async function writeMark(url: URL, mark: BlobMark): Promise<void> {
  const folder = blobFolder(url)
  await makeFolders(folder)
  const former = mark.former.slice(-keptIdentities)
  await replace(folder, 'store.json', { ...mark, former })
}

/** Puts the mark of a start beside the blobs in `folder`, durably when it resolves. */
export async function writeStartMark(folder: string, start: StartId, mark: number): Promise<void> {
  await replace(folder, startMarkName(start), { mark })
}

/** Removes the mark of a start, of which the rows know nothing more; no error if it has none. */
export async function removeStartMark(folder: string, start: StartId): Promise<void> {
  await rm(join(folder, startMarkName(start)), { force: true })
}

function startMarkName(start: StartId): string {
  return `store-${start}.json`
}

async function replace(folder: string, name: string, document: object): Promise<void> {
  // Several processes may write it at once.
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
