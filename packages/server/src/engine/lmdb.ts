// The embedded engine: rows in LMDB, which several processes may open at once. Rows have a
// sub-database of their own. The format number and the commit-state row are in the root database,
// on a page that every commit rewrites anyway.

import { statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { ABORT, type Database, open, type RootDatabase, type Transaction } from 'lmdb'
import { type Bytes, utf8 } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { CrashHook } from '../base/crash-point.ts'
import { StoreError } from '../base/errors.ts'
import { ownLimits } from '../base/limits.ts'
import { makeFolderSync } from '../base/make-folder.ts'
import { mapBytes } from './address-space.ts'
import type { BackingStore, Snapshot } from './backing-store.ts'
import type { Committing } from './batch.ts'
import { type CommitState, decodeCommitState, encodeCommitState } from './commit-state.ts'
import { checkHeads, explainDamage } from './damage.ts'
import { DiskSpace } from './disk-space.ts'
import { type Engine, FormatError, type Range, type Row } from './engine.ts'
import { storeFormat } from './format.ts'
import { dataFileName } from './location.ts'
import { OptimisticEngine } from './optimistic.ts'
import { readTooLong } from './transaction.ts'
import type { RowCursor, View } from './view.ts'

/** How to open an LMDB store. */
export interface LmdbOptions {
  /** The store's folder. It is created if missing, with access for its owner only. */
  readonly path: string
  /** The longest time in milliseconds that a read may hold its snapshot. */
  readonly readMs?: number | undefined
  /** Age in milliseconds up to which stale snapshots are kept; by default none are. */
  readonly keptMs?: number
  /** Tells the age of stale snapshots; the machine's clock by default. */
  readonly clock?: Clock
  /** Initial size of the map in bytes; by default chosen from the address space available. */
  readonly initialMapBytes?: number
  /** For tests. */
  readonly onCrashPoint?: CrashHook | undefined
}

const formatKey = utf8('format')
const stateKey = utf8('state')

/** Snapshots open at once in all processes together; a slot costs 64 bytes of the lock file. */
const maxReaders = 8192

/** A commit that failed with fewer free bytes than this is reported as a full disk. */
const fullDiskBytes = 16_777_216

/** Meta pages at the start of the file, which point to the roots of the trees. */
const headPages = 2

/** File system magic numbers of NFS, CIFS, SMB2 and SMB; statfs(2). */
const networkFileSystems: readonly number[] = [0x6969, 0xff534d42, 0xfe534d42, 0x517b]

type Rows = Database<Buffer, Uint8Array>

/**
 * Opens the store at `path`, or creates it.
 * @throws Error when a newer version wrote it, it lies on a network file system, it is damaged, or
 *   it can't be opened.
 */
export async function openLmdb(options: LmdbOptions): Promise<Engine> {
  makeFolderSync(options.path)
  await checkLocal(options.path)
  await checkHeads(join(options.path, dataFileName))
  let store: LmdbStore | undefined
  try {
    store = new LmdbStore(options)
    await store.checkFormat()
  } catch (error) {
    await store?.close()
    throw explainDamage(error)
  }
  const { readMs, keptMs, clock } = options
  return new OptimisticEngine(store, { readMs, keptMs, clock })
}

/** LMDB as a backing store. */
class LmdbStore implements BackingStore {
  readonly #path: string
  readonly #readMs: number
  readonly #onCrashPoint: CrashHook | undefined
  readonly #root: RootDatabase<Buffer, Uint8Array>
  readonly #rows: Rows
  readonly #diskSpace: DiskSpace

  constructor({ path, readMs, initialMapBytes, onCrashPoint }: LmdbOptions) {
    this.#path = path
    this.#onCrashPoint = onCrashPoint
    this.#readMs = readMs ?? ownLimits.engineReadMs
    this.#root = openRoot(path, initialMapBytes ?? mapBytes())
    this.#rows = this.#root.openDB({ name: 'rows', ...binaryEncoding })
    this.#diskSpace = new DiskSpace(path, () => reusableBytes(this.#root, this.#rows))
  }

  /** Refuses a store of a newer format; writes the format number into a new one. */
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
      state: () => decodeCommitState(root.get(stateKey)),
      put: (key, value) => rows.putSync(key, asBuffer(value)),
      delete: (key) => rows.removeSync(key),
      putState: (state) => root.putSync(stateKey, encodeCommitState(state)),
    }
    let isApplied = false
    try {
      this.#onCrashPoint?.('commit begun')
      // A child transaction, because LMDB can abort only those without side effects.
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
    this.#diskSpace.check(bytes)
  }

  sizeBytes(): number {
    return statSync(join(this.#path, dataFileName)).size
  }

  collectDead(): void {
    this.#root.readerCheck()
  }

  async close(): Promise<void> {
    await this.#root.close()
  }

  /** Tells a full disk from other causes of a failed commit. */
  async #failure(error: unknown): Promise<Error> {
    if (error instanceof StoreError) return error
    const cause = explainDamage(await commitError(error))
    const { bavail, bsize } = await statfs(this.#path)
    if (/No space left|Disk quota|File too large|MAP_FULL/.test(String(cause))) {
      return new StoreError({ code: 'InsufficientStorage', space: 'disk' }, { cause })
    }
    if (bavail * bsize < fullDiskBytes) {
      return new StoreError({ code: 'InsufficientStorage', space: 'disk' }, { cause })
    }
    return new StoreError({ code: 'CommitFailed' }, { cause })
  }
}

/** The committed state at one moment. Every read is answered synchronously from the map. */
class LmdbSnapshot implements Snapshot, View {
  readonly view: View = this
  readonly #root: Rows
  readonly #rows: LmdbView
  readonly #transaction: Transaction
  readonly #readMs: number
  readonly #cursors = new Set<RowCursor>()
  #released = false

  constructor(root: Rows, rows: Rows, readMs: number) {
    // Without this the transaction may predate the last commit of another process.
    root.resetReadTxn()
    this.#transaction = beginRead(root)
    this.#root = root
    this.#rows = new LmdbView(rows, this.#transaction)
    this.#readMs = readMs
  }

  state(): CommitState {
    this.#check()
    return explained(() =>
      decodeCommitState(this.#root.get(stateKey, { transaction: this.#transaction })),
    )
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
    return explained(() => this.#rows.get(key, this.#options))
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
    const rows = explained(() =>
      this.#rows.getRange({ ...bounds, ...this.#options })[Symbol.iterator](),
    )
    return {
      next: (): Row | undefined => {
        const { done, value } = explained(() => rows.next())
        return done === true ? undefined : value
      },
      close: () => {
        rows.return?.()
      },
    }
  }
}

/** Keys and values are bytes, and are copied on read: LMDB reuses its own buffers at once. */
const binaryEncoding = {
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
    // With overlapping syncs a commit would be visible before it is durable, and lost by a power
    // failure.
    overlappingSync: false,
    // Batching is done here, so a commit starts at once.
    eventTurnBatching: false,
    permissionsMode: 0o600,
    ...binaryEncoding,
  }
  return open<Buffer, Uint8Array>(options)
}

/** Database statistics that the binding returns but its types omit: pages by kind. */
interface TreePages {
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

/** The same for the root database, with the free-page list and the last page number of the file. */
interface FilePages extends TreePages {
  readonly pageSize: number
  readonly lastPageNumber: number
  readonly free: TreePages
}

/** Free bytes inside the file: its pages less those of the trees and the meta pages. */
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

/** Runs `body`; translates LMDB's errors about corrupt pages, so that none leaves the engine. */
function explained<T>(body: () => T): T {
  try {
    return body()
  } catch (error) {
    throw explainDamage(error)
  }
}

/** Begins a read of the newest commit. */
function beginRead(root: Rows): Transaction {
  try {
    return root.useReadTransaction()
  } catch (error) {
    throw /READERS_FULL/.test(String(error)) ? tooManyReads(error) : explainDamage(error)
  }
}

function tooManyReads(cause: unknown): StoreError {
  return new StoreError({ code: 'SlowDown', resource: 'readers' }, { cause })
}

/** LMDB's locks and memory map are not coherent across a network, which would corrupt the store. */
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

/** The LMDB error behind a failed commit. Its promise must be handled or Node exits. */
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
