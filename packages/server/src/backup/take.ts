// Takes a backup of a store beside the processes that work on it: one snapshot of all rows, and the blobs
// to which they refer. The snapshot of the engine lasts only until the rows are written. The blobs are held
// against collection by a registered read, as those of a download are.

import { crc32 } from 'node:zlib'
import type { Bytes } from '../base/bytes.ts'
import { DamagedBody } from '../base/damaged-body.ts'
import type { BlobId } from '../base/terms.ts'
import { type BlobStore, closeSource } from '../blob/blob.ts'
import { Summer } from '../blob/sums.ts'
import type { Engine, ReadTransaction, Row } from '../engine/engine.ts'
import { storeFormat } from '../engine/format.ts'
import { faultOfSmallBody } from '../operation/fsck-content.ts'
import { readBlobSums } from '../store/body/body.ts'
import type { Readers } from '../store/body/epoch.ts'
import { readIdentity } from '../store/body/identity.ts'
import { isAcceptedLoss } from '../store/body/loss.ts'
import type { Presence } from '../store/body/presence.ts'
import * as bodySchema from '../store/body/schema.ts'
import { findObjects, nameOfBody } from '../store/fsck/place.ts'
import { space } from '../store/row/key-space.ts'
import type { ObjectRecord } from '../store/row/record.ts'
import { decodeEntry, recordOf } from '../store/tree/entry.ts'
import type { Inheritance } from './base.ts'
import { BlobList } from './blob-list.ts'
import { type DamagedEntry, encodeEnd, encodeHead, type Head, hashOf } from './document.ts'
import { BackupError } from './error.ts'
import { HashedBytes } from './file.ts'
import { blobName, endName, headName, keyName, numberedName } from './layout.ts'
import { Listing } from './listing.ts'
import { RowChunker } from './row-chunk.ts'
import type { BackupSink } from './sink.ts'

/** How far a backup is. */
export interface BackupAdvance {
  rows: number
  rowBytes: number
  /** Blobs that were dealt with, of all. */
  blobs: number
  blobsTotal: number
  /** Bytes of the blobs that were copied. */
  blobBytes: number
  /** Blobs that the earlier backups have. */
  inherited: number
  /** Blobs that an interrupted attempt had copied. */
  kept: number
}

export interface BackupOptions {
  /** Opened for reads of any length. */
  readonly engine: Engine
  readonly blobs: BlobStore
  readonly readers: Readers
  readonly presence: Presence
  readonly sink: BackupSink
  /** Random. */
  readonly id: string
  /** The version of this program. */
  readonly version: string
  /** The backup to build on. */
  readonly inheritance?: Inheritance | undefined
  /** The content of the root key's file, if the backup is to have it. */
  readonly key?: Bytes | undefined
  /** Milliseconds since the Unix epoch. */
  now(): number
  readonly signal: AbortSignal
  readonly onProgress?: (advance: BackupAdvance) => void
}

/** A finished backup. */
export interface BackupSummary extends BackupAdvance {
  readonly id: string
  /** ISO 8601 */
  readonly moment: string
  readonly damaged: readonly DamagedEntry[]
}

/** With more damaged bodies, a disk is missing, rather than some bytes of it. */
const maximumDamaged = 10_000

/**
 * Writes a backup to the sink. Damaged bodies are left out, and named in the summary.
 * @throws BackupError; the abort reason of `signal`; any error of the store and the sink
 */
export async function takeBackup(options: BackupOptions): Promise<BackupSummary> {
  const reading = options.readers.begin()
  try {
    return await new Backup(options).take()
  } finally {
    reading.end()
  }
}

class Backup {
  readonly #options: BackupOptions
  readonly #files: Listing
  readonly #inherited: Listing
  readonly #ids = new BlobList()
  readonly #damaged = new Map<string, string>()
  readonly #lost: BlobId[] = []
  readonly #advance: BackupAdvance = {
    rows: 0,
    rowBytes: 0,
    blobs: 0,
    blobsTotal: 0,
    blobBytes: 0,
    inherited: 0,
    kept: 0,
  }
  #chunks = 0
  #written = 0

  constructor(options: BackupOptions) {
    this.#options = options
    this.#files = new Listing('sums', options.sink)
    this.#inherited = new Listing('inherited', options.sink)
  }

  async take(): Promise<BackupSummary> {
    const { engine, sink, presence, id, key } = this.#options
    const head = await this.#writeHead()
    // Before the snapshot is opened, so that it has whatever was acknowledged until then.
    const moment = new Date(this.#options.now()).toISOString()
    await engine.read(async (tx) => {
      // Only the reads of a start that counts as alive are waited for.
      await presence.confirm(tx)
      await this.#copyRows(tx)
    })
    this.#advance.blobsTotal = this.#ids.length
    for (const blob of this.#ids) await this.#copyBlob(blob)
    if (key !== undefined) await this.#put(keyName, key)
    await engine.read((tx) => presence.confirm(tx))
    await this.#files.flush()
    await this.#inherited.flush()
    const damaged = await this.#describeDamage()
    const end = {
      head,
      moment,
      chunks: this.#chunks,
      rows: this.#advance.rows,
      blobs: this.#written,
      blobBytes: this.#advance.blobBytes,
      inheritedBlobs: this.#advance.inherited,
      sums: this.#files.hashes,
      inherited: this.#inherited.hashes,
      damaged,
      lost: this.#lost,
    }
    await sink.finish(endName, encodeEnd(end))
    return { ...this.#advance, id, moment, damaged }
  }

  async #writeHead(): Promise<string> {
    const { engine, sink, id, version, inheritance } = this.#options
    const store = (await engine.read(readIdentity))?.id
    if (store === undefined) throw new Error('the store has no identity')
    const head: Head = { rowFormat: storeFormat, version, id, store, base: inheritance?.base }
    const bytes = encodeHead(head)
    await sink.put(headName, bytes.byteLength, [bytes])
    return hashOf(bytes)
  }

  async #copyRows(tx: ReadTransaction): Promise<void> {
    const chunker = new RowChunker()
    // Every key is greater.
    for await (const batch of tx.batches({ start: Uint8Array.of(0) })) {
      for (const row of batch) {
        await this.#lookAt(tx, row)
        this.#advance.rows++
        if (chunker.add(row)) await this.#putChunk(chunker.take())
      }
    }
    await this.#putChunk(chunker.take())
  }

  async #putChunk(chunk: Bytes | undefined): Promise<void> {
    if (chunk === undefined) return
    this.#advance.rowBytes += chunk.byteLength
    await this.#put(numberedName('rows', ++this.#chunks), chunk)
    this.#tell()
  }

  /** Notes the blob that the row counts, and the damage of the small body that it refers to. */
  async #lookAt(tx: ReadTransaction, { key, value }: Row): Promise<void> {
    if (key[0] === space.blobCount) this.#ids.add(bodySchema.countedBlob(key))
    if (key[0] !== space.entry) return
    const record = readRecord(value)
    if (record === 'damaged') {
      this.#noteDamage(`row ${Buffer.from(key).toString('hex')}`, "it can't be understood")
      return
    }
    if (record?.body.kind !== 'row') return
    const { body, sizeBytes, etag } = record
    const bytes = await tx.get(bodySchema.rowBody(body.id))
    const fault = faultOfSmallBody({ ...body, sizeBytes }, bytes, etag)
    if (fault !== undefined) this.#noteDamage(nameOfBody(body), fault)
  }

  async #put(name: string, bytes: Bytes): Promise<void> {
    await this.#options.sink.put(name, bytes.byteLength, [bytes])
    await this.#files.add({ name, sha256: hashOf(bytes) })
  }

  async #copyBlob(id: BlobId): Promise<void> {
    const { engine, blobs, presence } = this.#options
    presence.check()
    // The row lives as long as the file, which is held.
    const { sums, isAccepted } = await engine.read(async (tx) => ({
      sums: await readBlobSums(tx, id),
      isAccepted: await isAcceptedLoss(tx, id),
    }))
    const sizeBytes = await blobs.size(id)
    const { blobBytes } = this.#advance
    try {
      if (sizeBytes === undefined) throw new DamagedBody(`blob ${id}`, 'its file is missing')
      await this.#copySound({ id, sums, sizeBytes })
    } catch (error) {
      if (!(error instanceof DamagedBody)) throw error
      this.#advance.blobBytes = blobBytes
      if (isAccepted && sizeBytes === undefined) this.#lost.push(id)
      else this.#noteDamage(nameOfBody({ kind: 'blob', id }), error.fault)
    }
    this.#advance.blobs++
    this.#tell()
  }

  async #copySound(blob: {
    readonly id: BlobId
    readonly sums: Bytes | undefined
    readonly sizeBytes: number
  }): Promise<void> {
    const { sink, blobs, inheritance } = this.#options
    const { id, sums, sizeBytes } = blob
    const name = blobName(id, sums === undefined ? undefined : crc32(sums))
    const inherited = await inheritance?.find(id, name)
    if (inherited !== undefined) {
      this.#advance.inherited++
      return this.#inherited.add(inherited)
    }
    const kept = sums === undefined ? undefined : await this.#keepEarlier(name, sizeBytes, sums)
    if (kept !== undefined) {
      this.#advance.kept++
      this.#written++
      return this.#files.add({ name, sha256: kept })
    }
    const source = await blobs.read(id, undefined, { sizeBytes, sums })
    const hashed = new HashedBytes(this.#counted(source))
    try {
      await sink.put(name, sizeBytes, hashed)
    } finally {
      await closeSource(source)
    }
    this.#written++
    await this.#files.add({ name, sha256: hashed.sha256() })
  }

  /** The SHA-256 of a blob that an interrupted attempt has copied; undefined if there is no sound one. */
  async #keepEarlier(name: string, sizeBytes: number, sums: Bytes): Promise<string | undefined> {
    const { sink, signal } = this.#options
    const earlier = await sink.findEarlier(name, sizeBytes)
    if (earlier === undefined) return undefined
    const summer = new Summer()
    const hashed = new HashedBytes(earlier)
    for await (const piece of hashed) {
      signal.throwIfAborted()
      summer.update(piece)
    }
    if (Buffer.compare(summer.finish(), sums) !== 0) return undefined
    await sink.keepEarlier(name)
    this.#advance.blobBytes += sizeBytes
    return hashed.sha256()
  }

  async *#counted(source: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
    for await (const piece of source) {
      this.#options.signal.throwIfAborted()
      yield piece
      this.#advance.blobBytes += piece.byteLength
      this.#tell()
    }
  }

  #tell(): void {
    this.#options.signal.throwIfAborted()
    this.#options.onProgress?.(this.#advance)
  }

  #noteDamage(body: string, fault: string): void {
    this.#damaged.set(body, fault)
    if (this.#damaged.size <= maximumDamaged) return
    throw new BackupError(
      `more than ${maximumDamaged} bodies are damaged or missing: is the disk of blobs/ mounted? See holdfast fsck`,
    )
  }

  /** The damaged bodies, with the objects that have them now. */
  async #describeDamage(): Promise<DamagedEntry[]> {
    const bodies = new Set(this.#damaged.keys())
    if (bodies.size === 0) return []
    // The names are found by rows that may be damaged, too; the backup is as good without them.
    const objects = await this.#options.engine
      .read((tx) => findObjects(tx, bodies))
      .catch((): ReadonlyMap<string, readonly string[]> => new Map())
    return [...this.#damaged].map(([body, fault]) => ({
      body,
      fault,
      objects: objects.get(body) ?? [],
    }))
  }
}

/** The record in an entry's row; undefined if the entry is no object. */
function readRecord(value: Bytes): ObjectRecord | 'damaged' | undefined {
  try {
    const entry = decodeEntry(value)
    return entry.kind === 'object' ? recordOf(entry) : undefined
  } catch {
    return 'damaged'
  }
}
