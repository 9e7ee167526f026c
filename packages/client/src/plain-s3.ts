// Folder operations over any other S3: objects are listed, copied and removed one by one, under a
// guard that excludes others. They are not atomic for clients that bypass the guard.

import type { S3Client } from '@aws-sdk/client-s3'
import { forEachConcurrently } from './concurrent.ts'
import {
  FolderExistsError,
  FolderNotFoundError,
  LeaseLostError,
  SourceChangedError,
  UnfinishedFolderError,
} from './errors.ts'
import type { FolderCopy, FolderName, FolderRename } from './folder.ts'
import type { Guard, Holding } from './plain-s3-guard.ts'
import { type Note, noteName, readNote, removeNote, writeNote } from './plain-s3-note.ts'
import {
  type Context,
  copyObject,
  defaultSizes,
  deleteObjects,
  hasObjects,
  type Listed,
  listObjects,
  type PartSizes,
  type Place,
  statObject,
} from './plain-s3-object.ts'

/** Options of folder work over another S3. */
export interface PlainS3Options {
  /** Mutual exclusion: `lockGuard` or `leaseGuard`. */
  readonly guard: Guard
  /** Number of concurrent copies; 16 by default. */
  readonly concurrency?: number | undefined
  /**
   * Objects of more bytes are copied in parts; 5 GiB by default, S3's limit for a copy in one
   * request.
   */
  readonly wholeBytes?: number | undefined
  /** Bytes per part, at least 5 MiB; 512 MiB by default. */
  readonly partBytes?: number | undefined
}

/** The progress of a task. */
export interface PlainS3Progress {
  readonly phase: 'looking' | 'clearing' | 'copying' | 'deleting'
  /** Completed in this phase. */
  readonly objects: number
  readonly bytes: number
  /** Total of this phase; unknown while surveying and clearing. */
  readonly objectsTotal: number | undefined
  readonly bytesTotal: number | undefined
}

/** Options of one task. */
export interface TaskOptions {
  /** Stops between two objects or during one; calling again continues. */
  readonly signal?: AbortSignal | undefined
  /** Called after every copied object, and every page listed or removed. */
  readonly onProgress?: ((progress: PlainS3Progress) => void) | undefined
}

/** Options of a rename or copy. */
export interface PutTaskOptions extends TaskOptions {
  /** Whether to remove the contents of the target first, object by object. */
  readonly replace?: boolean | undefined
}

/** The result of a task. */
export interface TaskResult {
  readonly objects: number
  readonly bytes: number
  /** True if it continued an interrupted task. */
  readonly isContinued: boolean
}

/**
 * Folders over an S3 without folder support. A call that fails or is killed leaves a note under the
 * target. Repeating the call continues it, and nothing is lost in between.
 */
export interface PlainS3Folders {
  /**
   * Copies every object under `from` to `to`, then removes those under `from`. Neither folder may
   * contain the other.
   * @throws FolderNotFoundError, FolderExistsError, UnfinishedFolderError, SourceChangedError,
   *   LeaseLostError, RangeError for invalid names, or an error of the SDK
   */
  rename(folder: FolderRename, options?: PutTaskOptions): Promise<TaskResult>
  /** Copies every object under `from` to `to`. Throws like `rename`. */
  copy(folder: FolderCopy, options?: PutTaskOptions): Promise<TaskResult>
  /** Removes every object under a folder; an empty folder is not an error. */
  remove(folder: FolderName, options?: TaskOptions): Promise<TaskResult>
}

/** S3's limit, in bytes of UTF-8. */
const longestKeyBytes = 1024

/** Folder operations over any S3 server behind `s3`. */
export function plainS3Folders(s3: S3Client, options: PlainS3Options): PlainS3Folders {
  const settings: Settings = {
    s3,
    guard: options.guard,
    concurrency: options.concurrency ?? 16,
    sizes: {
      wholeBytes: options.wholeBytes ?? defaultSizes.wholeBytes,
      partBytes: options.partBytes ?? defaultSizes.partBytes,
    },
  }
  return {
    rename: ({ bucket, from, to }, taskOptions = {}) => {
      const names = { source: { bucket, key: from }, target: { bucket, key: to } }
      return put(settings, { action: 'rename', ...names }, taskOptions)
    },
    copy: ({ bucket, from, to, toBucket = bucket }, taskOptions = {}) => {
      const names = { source: { bucket, key: from }, target: { bucket: toBucket, key: to } }
      return put(settings, { action: 'copy', ...names }, taskOptions)
    },
    remove: ({ bucket, folder }, taskOptions = {}) =>
      remove(settings, { bucket, key: folder }, taskOptions),
  }
}

interface Settings {
  readonly s3: S3Client
  readonly guard: Guard
  readonly concurrency: number
  readonly sizes: PartSizes
}

interface Task {
  readonly action: 'rename' | 'copy'
  readonly source: Place
  readonly target: Place
}

async function put(
  settings: Settings,
  task: Task,
  { replace = false, signal, onProgress }: PutTaskOptions,
): Promise<TaskResult> {
  const { action, source, target } = task
  requireFolders(source, target)
  requireDisjoint(source, target)
  requireKeyLength(target.key + noteName)
  await using holding = await settings.guard(
    action === 'rename'
      ? { read: [], write: [source, target] }
      : { read: [source], write: [target] },
    signal,
  )
  const work = new Work(settings, holding, { signal, onProgress })
  return await work.withAbortReason(() => putUnder(work, task, replace))
}

async function putUnder(work: Work, task: Task, replace: boolean): Promise<TaskResult> {
  const { action, source, target } = task
  const found = await readNote(work.context, target)
  const isContinued = found !== undefined && isOf(found, task)
  if (found !== undefined && !isContinued && !replace) throw unfinished(target, found)
  const survey = await work.survey(task)
  // Everything was copied and removed; only the note remains.
  const isComplete = isContinued && found.state === 'emptying' && survey.objects === 0
  if (!isComplete) {
    if (survey.objects === 0) throw new FolderNotFoundError(`There is nothing under ${source.key}`)
    const state = isContinued ? found.state : await work.begin(task, replace)
    if (state === 'clearing') await work.clear(target, { action, source, state: 'filling' })
    const copied = await work.fill(task, survey, isContinued)
    if (action === 'rename') {
      await writeNote(work.context, target, { action, source, state: 'emptying' })
      await work.empty(source, copied, survey)
    }
  }
  await removeNote(work.context, target)
  return { ...survey, isContinued }
}

async function remove(
  settings: Settings,
  folder: Place,
  { signal, onProgress }: TaskOptions,
): Promise<TaskResult> {
  requireFolders(folder)
  await using holding = await settings.guard({ read: [], write: [folder] }, signal)
  const work = new Work(settings, holding, { signal, onProgress })
  const removed = await work.withAbortReason(() => work.removeAll(folder, 'deleting', () => true))
  return { ...removed, isContinued: false }
}

interface Count {
  readonly objects: number
  readonly bytes: number
}

/** A running task. */
class Work {
  readonly context: Context
  readonly #settings: Settings
  readonly #holding: Holding
  readonly #onProgress: ((progress: PlainS3Progress) => void) | undefined

  constructor(settings: Settings, holding: Holding, { signal, onProgress }: TaskOptions) {
    const signals = signal === undefined ? [holding.signal] : [holding.signal, signal]
    this.context = { s3: settings.s3, signal: AbortSignal.any(signals) }
    this.#settings = settings
    this.#holding = holding
    this.#onProgress = onProgress
  }

  /** Runs `body`. If a signal ended it, throws the signal's reason instead of the SDK's error. */
  async withAbortReason<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body()
    } catch (error) {
      this.context.signal.throwIfAborted()
      throw error
    }
  }

  /** Counts the objects and detects impossible requests before anything is changed. */
  async survey({ source, target }: Task): Promise<Count> {
    const count = { objects: 0, bytes: 0 }
    for await (const { key, sizeBytes } of this.#list(source)) {
      const name = key.slice(source.key.length)
      if (`/${name}`.endsWith(`/${noteName}`)) throw unfinished(source)
      requireKeyLength(target.key + name)
      count.objects += 1
      count.bytes += sizeBytes
      if (count.objects % pageSize === 0) this.#report('looking', count)
    }
    return count
  }

  /** Writes the first note. */
  async begin({ action, source, target }: Task, replace: boolean): Promise<Note['state']> {
    const isThere = await hasObjects(this.context, target)
    if (isThere && !replace) throw new FolderExistsError(`There is something under ${target.key}`)
    const state = isThere ? 'clearing' : 'filling'
    await writeNote(this.context, target, { action, source, state })
    return state
  }

  /** Removes the old contents of the target. */
  async clear(target: Place, next: Note): Promise<void> {
    const note = `${target.key}${noteName}`
    await this.removeAll(target, 'clearing', ({ key }) => key !== note)
    await writeNote(this.context, target, next)
  }

  /** Copies the objects that the target lacks; returns the ETags of the source's objects by key. */
  async fill(
    { source, target }: Task,
    total: Count,
    isContinued: boolean,
  ): Promise<ReadonlyMap<string, string>> {
    const copied = new Map<string, string>()
    const count = { objects: 0, bytes: 0 }
    const { concurrency: limit, sizes, s3 } = this.#settings
    const { signal } = this.context
    this.#report('copying', count, total)
    await forEachConcurrently(this.#list(source), { limit, signal }, async (listed, either) => {
      this.#requireHeld()
      const context = { s3, signal: either }
      const from = { bucket: source.bucket, key: listed.key }
      const to = { bucket: target.bucket, key: target.key + listed.key.slice(source.key.length) }
      const isThere = isContinued && isSame(listed, await statObject(context, to))
      if (!isThere) await copyObject(context, { source: from, listed, target: to }, sizes)
      copied.set(listed.key, listed.etag)
      count.objects += 1
      count.bytes += listed.sizeBytes
      this.#report('copying', count, total)
    })
    return copied
  }

  /** Removes the copied objects. Objects written past the guard stay. */
  async empty(source: Place, copied: ReadonlyMap<string, string>, total: Count): Promise<void> {
    const isCopied = ({ key, etag }: Listed): boolean => copied.get(key) === etag
    const { kept } = await this.removeAll(source, 'deleting', isCopied, total)
    if (kept === undefined) return
    throw new SourceChangedError(`${kept} was written while its folder was renamed`)
  }

  /**
   * Removes the objects under a folder for which `shouldRemove` is true; returns one of the others, if
   * any.
   */
  async removeAll(
    folder: Place,
    phase: 'clearing' | 'deleting',
    shouldRemove: (listed: Listed) => boolean,
    total?: Count,
  ): Promise<Count & { readonly kept?: string }> {
    const count: { objects: number; bytes: number; kept?: string } = { objects: 0, bytes: 0 }
    let page: Listed[] = []
    const removePage = async (): Promise<void> => {
      this.#requireHeld()
      const keys = page.map(({ key }) => key)
      await deleteObjects(this.context, { bucket: folder.bucket, keys })
      count.objects += page.length
      count.bytes += page.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
      this.#report(phase, count, total)
      page = []
    }
    for await (const listed of this.#list(folder)) {
      if (shouldRemove(listed)) page.push(listed)
      else count.kept = listed.key
      if (page.length === pageSize) await removePage()
    }
    await removePage()
    return count
  }

  #list(folder: Place): AsyncGenerator<Listed> {
    return listObjects(this.context, folder)
  }

  /** A process resumed after a long stop detects the loss here, before its timers run. */
  #requireHeld(): void {
    this.context.signal.throwIfAborted()
    if (!this.#holding.held) throw new LeaseLostError('The guard no longer holds the folders')
  }

  #report(phase: PlainS3Progress['phase'], { objects, bytes }: Count, total?: Count): void {
    this.#onProgress?.({
      phase,
      objects,
      bytes,
      objectsTotal: total?.objects,
      bytesTotal: total?.bytes,
    })
  }
}

/** The largest number of keys in a DeleteObjects request. */
const pageSize = 1000

function isOf({ action, source }: Note, task: Task): boolean {
  const { bucket, key } = task.source
  return action === task.action && source.bucket === bucket && source.key === key
}

function isSame(
  { etag, sizeBytes }: Listed,
  found: Awaited<ReturnType<typeof statObject>>,
): boolean {
  return found !== undefined && found.etag === etag && found.sizeBytes === sizeBytes
}

function unfinished({ key }: Place, note?: Note): UnfinishedFolderError {
  const by =
    note === undefined ? '' : ` by a ${note.action} of ${note.source.bucket}/${note.source.key}`
  return new UnfinishedFolderError(
    `${key} is being put together${by}, or that was interrupted: see ${key}${noteName}`,
  )
}

/** @throws RangeError */
function requireFolders(...places: readonly Place[]): void {
  for (const { key } of places) {
    if (key.endsWith('/')) continue
    throw new RangeError(`A folder's name must end in "/": ${JSON.stringify(key)}`)
  }
}

/** @throws RangeError */
function requireKeyLength(key: string): void {
  if (new TextEncoder().encode(key).length <= longestKeyBytes) return
  throw new RangeError(`The key would be longer than ${longestKeyBytes} bytes: ${key}`)
}

/** @throws RangeError */
function requireDisjoint(source: Place, target: Place): void {
  if (source.bucket !== target.bucket) return
  if (!source.key.startsWith(target.key) && !target.key.startsWith(source.key)) return
  throw new RangeError(`One of ${source.key} and ${target.key} contains the other`)
}
