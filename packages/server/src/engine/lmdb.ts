// The embedded store: rows in LMDB, which several processes may open at once. Rows are in a database
// of their own inside the file; the format number and the state row stand beside its root, on a page
// that every commit rewrites anyway.

import { statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { ABORT, type Database, open, type RootDatabase, type Transaction } from 'lmdb'
import { type Bytes, utf8 } from '../base/bytes.ts'
import type { CrashHook } from '../base/crash-point.ts'
import { StoreError } from '../base/errors.ts'
import { ownLimits } from '../base/limits.ts'
import { makeFolderSync } from '../base/make-folder.ts'
import { mapBytes } from './address-space.ts'
import type { Committing } from './batch.ts'
import { checkHeads, inPlainWords } from './damage.ts'
import { type Engine, FormatError, type Range, type Row } from './engine.ts'
import { OptimisticEngine } from './optimistic.ts'
import { Room } from './room.ts'
import { decodeState, encodeState, type State } from './state.ts'
import type { Snapshot, Store } from './store.ts'
import { readTooLong } from './transaction.ts'
import type { RowCursor, View } from './view.ts'

/** How to open a store. */
export interface LmdbOptions {
  /** The folder; made if it's missing, readable by nobody else. */
  readonly path: string
  /** Milliseconds that a read may hold its snapshot. */
  readonly readMs?: number
  /** Milliseconds of the past that are kept for reads which may be stale; none by default. */
  readonly keptMs?: number
  /** Bytes to map at first; as many as the machine affords by default. */
  readonly initialMapBytes?: number
  /** For tests. */
  readonly onCrashPoint?: CrashHook | undefined
}

/** The format of the rows; a store with a greater number is refused. */
const storeFormat = 1

const formatKey = utf8('format')
const stateKey = utf8('state')

/** Snapshots open at once in all processes together; a slot costs 64 bytes of the lock file. */
const maxReaders = 8192

/** Free bytes below which a failed commit is taken for a full disk. */
const fullDiskBytes = 16_777_216

/** Pages at the start of the file that say where the trees begin. */
const headPages = 2

/** Linux's numbers of NFS, CIFS, SMB2 and SMB; statfs(2). */
const networkFileSystems: readonly number[] = [0x6969, 0xff534d42, 0xfe534d42, 0x517b]

type Rows = Database<Buffer, Uint8Array>

/**
 * Opens the store at `path`, or makes it.
 * @throws Error when it was written by a newer version, lies on a network file system, is damaged, or
 *   can't be opened.
 */
export async function openLmdb(options: LmdbOptions): Promise<Engine> {
  makeFolderSync(options.path)
  await checkLocal(options.path)
  await checkHeads(join(options.path, 'data.mdb'))
  let store: LmdbStore | undefined
  try {
    store = new LmdbStore(options)
    await store.checkFormat()
  } catch (error) {
    await store?.close()
    throw inPlainWords(error)
  }
  return new OptimisticEngine(store, { readMs: options.readMs, keptMs: options.keptMs })
}

/** LMDB behind the few operations that the engine needs. */
class LmdbStore implements Store {
  readonly #path: string
  readonly #readMs: number
  readonly #onCrashPoint: CrashHook | undefined
  readonly #root: RootDatabase<Buffer, Uint8Array>
  readonly #rows: Rows
  readonly #room: Room

  constructor({ path, readMs, initialMapBytes, onCrashPoint }: LmdbOptions) {
    this.#path = path
    this.#onCrashPoint = onCrashPoint
    this.#readMs = readMs ?? ownLimits.engineReadMs
    this.#root = openRoot(path, initialMapBytes ?? mapBytes())
    this.#rows = this.#root.openDB({ name: 'rows', ...bytesAsTheyAre })
    this.#room = new Room(path, () => reusableBytes(this.#root, this.#rows))
  }

  /** Refuses a store of a newer format; numbers a new one. */
  async checkFormat(): Promise<void> {
    const found = this.#root.get(formatKey)
    if (found !== undefined) return checkFormatNumber(found)
    await this.#root.childTransaction(() => {
      const raced = this.#root.get(formatKey)
      if (raced === undefined) this.#root.putSync(formatKey, utf8(String(storeFormat)))
      else checkFormatNumber(raced)
    })
  }

  snapshot(): Snapshot {
    return new LmdbSnapshot(this.#root, this.#rows, this.#readMs)
  }

  async commit(apply: (store: Committing) => boolean): Promise<void> {
    const root = this.#root
    const rows = this.#rows
    const committing: Committing = {
      view: new LmdbView(rows, undefined),
      state: () => decodeState(root.get(stateKey)),
      put: (key, value) => rows.putSync(key, asBuffer(value)),
      delete: (key) => rows.removeSync(key),
      putState: (state) => root.putSync(stateKey, encodeState(state)),
    }
    let isApplied = false
    try {
      this.#onCrashPoint?.('commit begun')
      // A child transaction, since only those can be given up without a trace.
      await root.childTransaction(() => {
        isApplied = apply(committing)
        if (isApplied) this.#onCrashPoint?.('rows put')
        return isApplied ? undefined : ABORT
      })
      if (isApplied) this.#onCrashPoint?.('commit durable')
    } catch (error) {
      throw await this.#failure(error)
    }
  }

  checkRoom(bytes: number): void {
    this.#room.check(bytes)
  }

  sizeBytes(): number {
    return statSync(join(this.#path, 'data.mdb')).size
  }

  collectDead(): void {
    this.#root.readerCheck()
  }

  async close(): Promise<void> {
    await this.#root.close()
  }

  /** What a failed commit means: no room, or something worse. */
  async #failure(error: unknown): Promise<Error> {
    if (error instanceof StoreError) return error
    const cause = await commitError(error)
    const { bavail, bsize } = await statfs(this.#path)
    if (/No space left|Disk quota|File too large|MAP_FULL/.test(String(cause))) {
      return new StoreError('InsufficientStorage', 'The disk is full.', { cause })
    }
    if (bavail * bsize < fullDiskBytes) {
      return new StoreError('InsufficientStorage', 'The disk is full.', { cause })
    }
    return new StoreError('Internal', 'The store could not commit.', { cause })
  }
}

/** The state at one moment; every call is answered from memory or the map, without waiting. */
class LmdbSnapshot implements Snapshot, View {
  readonly view: View = this
  readonly #root: Rows
  readonly #rows: LmdbView
  readonly #transaction: Transaction
  readonly #readMs: number
  readonly #cursors = new Set<RowCursor>()
  #released = false

  constructor(root: Rows, rows: Rows, readMs: number) {
    // Without this the transaction may be one that was opened before another process committed.
    root.resetReadTxn()
    this.#transaction = begun(root)
    this.#root = root
    this.#rows = new LmdbView(rows, this.#transaction)
    this.#readMs = readMs
  }

  state(): State {
    this.#check()
    return decodeState(this.#root.get(stateKey, { transaction: this.#transaction }))
  }

  get(key: Bytes): Bytes | undefined {
    this.#check()
    return this.#rows.get(key)
  }

  scan(range: Range): RowCursor {
    this.#check()
    const cursor = this.#rows.scan(range)
    const tracked: RowCursor = {
      next: () => {
        this.#check()
        const row = cursor.next()
        if (row === undefined) this.#cursors.delete(tracked)
        return row
      },
      close: () => {
        if (this.#cursors.delete(tracked)) cursor.close()
      },
    }
    this.#cursors.add(tracked)
    return tracked
  }

  release(): void {
    if (this.#released) return
    for (const cursor of this.#cursors) cursor.close()
    this.#released = true
    this.#transaction.done()
  }

  #check(): void {
    if (this.#released) throw readTooLong(this.#readMs)
  }
}

/** The rows of a read transaction, or of the write transaction whose callback is running. */
class LmdbView implements View {
  readonly #rows: Rows
  readonly #options: { readonly transaction?: Transaction }

  constructor(rows: Rows, transaction: Transaction | undefined) {
    this.#rows = rows
    this.#options = transaction === undefined ? {} : { transaction }
  }

  get(key: Bytes): Bytes | undefined {
    return this.#rows.get(key, this.#options)
  }

  scan({ start, end, reverse }: Range): RowCursor {
    const bounds =
      reverse === true
        ? {
            reverse,
            ...(end === undefined ? {} : { start: end, exclusiveStart: true }),
            end: start,
            inclusiveEnd: true,
          }
        : { start, ...(end === undefined ? {} : { end }) }
    const rows = this.#rows.getRange({ ...bounds, ...this.#options })[Symbol.iterator]()
    return {
      next: (): Row | undefined => {
        const { done, value } = rows.next()
        return done === true ? undefined : value
      },
      close: () => {
        rows.return?.()
      },
    }
  }
}

/** Keys and values are bytes, and copied on the way out: LMDB's own memory is reused at once. */
const bytesAsTheyAre = {
  encoder: {
    encode: (value: Buffer) => value,
    decode: (bytes: Buffer) => copied(bytes, 0, bytes.length),
  },
  keyEncoder: {
    writeKey: (key: Bytes, target: Buffer, position: number) => {
      target.set(key, position)
      return position + key.length
    },
    readKey: copied,
  },
}

function openRoot(path: string, mapSize: number): RootDatabase<Buffer, Uint8Array> {
  const options = {
    path,
    mapSize,
    maxReaders,
    maxDbs: 4,
    // With overlapping syncs a commit is visible, and lost by a power cut, before it is durable.
    overlappingSync: false,
    // Batches are made here; a commit starts at once.
    eventTurnBatching: false,
    permissionsMode: 0o600,
    ...bytesAsTheyAre,
  }
  return open<Buffer, Uint8Array>(options)
}

/** What the binding tells of a database, though its types don't: pages by what they hold. */
interface TreePages {
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

/** The same of the root, with the list of free pages and the last page of the file. */
interface FilePages extends TreePages {
  readonly pageSize: number
  readonly lastPageNumber: number
  readonly free: TreePages
}

/** Bytes of the file that hold nothing: its pages less those of the trees and of the two heads. */
function reusableBytes(root: Rows, rows: Rows): number {
  root.resetReadTxn()
  const file = root.getStats() as FilePages
  const used = [file, file.free, rows.getStats() as TreePages].map(
    ({ treeBranchPageCount, treeLeafPageCount, overflowPages }) =>
      treeBranchPageCount + treeLeafPageCount + overflowPages,
  )
  const pages = file.lastPageNumber + 1 - headPages - used.reduce((sum, count) => sum + count, 0)
  return Math.max(0, pages) * file.pageSize
}

/** Begins a read of the newest commit. */
function begun(root: Rows): Transaction {
  try {
    return root.useReadTransaction()
  } catch (error) {
    throw /READERS_FULL/.test(String(error)) ? tooManyReads(error) : error
  }
}

function tooManyReads(cause: unknown): StoreError {
  return new StoreError('SlowDown', 'Too many reads at once; try again.', { cause })
}

/** LMDB's locks and its map are not coherent over a network: it would corrupt the store. */
async function checkLocal(path: string): Promise<void> {
  const { type } = await statfs(path)
  if (process.platform !== 'linux' || !networkFileSystems.includes(type)) return
  throw new Error(`The store can't be on a network file system: ${path}.`)
}

function checkFormatNumber(value: Bytes): void {
  const found = Number(asBuffer(value).toString())
  if (found === storeFormat) return
  throw new FormatError(
    `The store has format ${found}, but this version of Holdfast reads format ${storeFormat}. ` +
      'Use the version that wrote it, or a newer one.',
  )
}

/** LMDB's own error behind a failed commit, whose promise must be handled or Node exits. */
async function commitError(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  return Promise.resolve(error.commitError).catch((cause: unknown) => cause)
}

function copied(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start)
  bytes.copy(copy, 0, start, end)
  return copy
}

function asBuffer(bytes: Bytes): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
