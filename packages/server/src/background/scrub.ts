// The scrub reads all bodies slowly, pass after pass, to find disk damage while a good copy may still exist
// elsewhere. It removes and repairs nothing.

import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import type { BlobId } from '../base/terms.ts'
import type { BlobStore } from '../blob/blob.ts'
import type { Engine, Range, ReadTransaction, Row } from '../engine/engine.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type CheckedBlob, faultOfBlob, faultOfSmallBody } from '../operation/fsck-content.ts'
import { decodePart, readBlobSums } from '../store/body/body.ts'
import { isReferenced } from '../store/body/garbage.ts'
import { isAcceptedLoss, putAcceptedLosses } from '../store/body/loss.ts'
import * as bodySchema from '../store/body/schema.ts'
import {
  putScrubState,
  readScrubState,
  type ScrubStage,
  type ScrubState,
  scrubStages,
} from '../store/body/scrub.ts'
import { findObjects, nameOfBody } from '../store/fsck/place.ts'
import { decodeEntry, recordOf, successor } from '../store/tree/entry.ts'
import * as treeSchema from '../store/tree/schema.ts'

export interface ScrubOptions {
  readonly engine: Engine
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Bytes read per second, in the long run. */
  readonly bytesPerSecond: number
  /** Replaces the system's timers in tests. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Milliseconds between two passes. */
const restMs = 60_000
/** Milliseconds between two writes of the position, and between two writes of the end of short passes. */
const [keepMs, keepEndMs] = [30_000, 3_600_000]
/** Rows, and bytes of row bodies, per read. */
const page = { rows: 256, bytes: 1_048_576 } as const
/** Remembered damaged bodies; each is reported once. */
const rememberedBodies = 10_000

/** The blobs that a page of rows leaves to read, and the damage found in the page. */
interface Page {
  readonly blobs: (CheckedBlob & { readonly key: Uint8Array })[]
  readonly damaged: { readonly body: string; readonly fault: string }[]
  readBytes: number
  /** The last row of the page; undefined at the end. */
  last: Uint8Array | undefined
}

/** The scrub of one process. */
export class Scrubber {
  readonly #options: ScrubOptions
  readonly #reported = new Set<string>()
  /** By the monotonic clock, like all times here. */
  #dueAt = 0
  #keptAt = 0
  #keptEndAt = Number.NEGATIVE_INFINITY

  constructor(options: ScrubOptions) {
    this.#options = options
  }

  /**
   * Continues the current pass, or starts the next one. Resolves at its end, or at once if the next pass is
   * not yet due.
   * @throws the abort reason of `signal`, and any error of the store; the next call continues the pass
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, engine, metrics } = this.#options
    if (clock.monotonicMs() < this.#dueAt) return
    const stored = (await engine.read(readScrubState)) ?? {}
    if (stored.endedAt !== undefined) metrics.scrubEnded(stored.endedAt / 1000)
    let state: ScrubState = { ...stored, stage: stored.stage ?? 'blobs' }
    const begunAt = clock.monotonicMs()
    this.#keptAt = begunAt
    for (const stage of scrubStages.slice(scrubStages.indexOf(state.stage ?? 'blobs'))) {
      if (state.stage !== stage) state = { ...state, stage, after: undefined }
      state = await this.#scrubStage(state, stage, signal)
    }
    const endedAt = clock.now()
    metrics.scrubEnded(endedAt / 1000)
    await this.#keepEnd({ endedAt }, begunAt === this.#keptAt && stored.stage === undefined)
    this.#dueAt = clock.monotonicMs() + restMs
  }

  /** Stores the end of a pass. For a pass too short to store its position, a write each time isn't worth it. */
  async #keepEnd(state: ScrubState, isShort: boolean): Promise<void> {
    const now = this.#options.clock.monotonicMs()
    if (isShort && now - this.#keptEndAt < keepEndMs) return
    await this.#keep(state)
    this.#keptEndAt = now
  }

  async #scrubStage(
    begun: ScrubState,
    stage: ScrubStage,
    signal: AbortSignal,
  ): Promise<ScrubState> {
    const { engine } = this.#options
    let state = begun
    for (;;) {
      signal.throwIfAborted()
      const { after } = state
      const { blobs, damaged, readBytes, last } = await engine.read((tx) =>
        readPage(tx, stage, after),
      )
      await this.#pace(readBytes, signal)
      for (const { body, fault } of damaged) await this.#report(body, fault)
      for (const blob of blobs) {
        await this.#scrubBlob(blob, signal)
        state = await this.#passed(state, blob.key)
      }
      if (last === undefined) return state
      state = await this.#passed(state, last)
    }
  }

  /** The state after the row with `key`; stored if the last write was long ago. */
  async #passed(before: ScrubState, key: Uint8Array): Promise<ScrubState> {
    const state = { ...before, after: key }
    if (this.#options.clock.monotonicMs() - this.#keptAt > keepMs) await this.#keep(state)
    return state
  }

  async #scrubBlob(blob: CheckedBlob, signal: AbortSignal): Promise<void> {
    const fault = await faultOfBlob(this.#options, blob, (bytes) => this.#pace(bytes, signal))
    const isAccepted = await this.#settleLoss(blob.id, fault)
    if (fault === undefined || isAccepted) return
    await this.#report(nameOfBody({ kind: 'blob', id: blob.id }), fault)
  }

  /** Forgets the accepted loss of a blob that was restored. True if the blob is still lost as accepted. */
  async #settleLoss(id: BlobId, fault: string | undefined): Promise<boolean> {
    const { engine, blobs } = this.#options
    if (!(await engine.read((tx) => isAcceptedLoss(tx, id)))) return false
    if (fault !== undefined) return (await blobs.size(id)) === undefined
    await engine.write(async (tx) => putAcceptedLosses(tx, new Map([[id, false]])))
    return false
  }

  /** Counts bytes read, and waits to keep the rate. */
  async #pace(bytes: number, signal: AbortSignal): Promise<void> {
    const { metrics, bytesPerSecond, pause = waitFor } = this.#options
    if (bytes > 0) metrics.scrubbed(bytes)
    await pause((bytes / bytesPerSecond) * 1000, signal)
  }

  async #report(body: string, fault: string): Promise<void> {
    if (this.#reported.has(body)) return
    const { engine, log, metrics } = this.#options
    const rows = {
      get: (key: Uint8Array) => engine.read((tx) => tx.get(key)),
      range: (range: Range) => allRows(engine, range),
    }
    const objects = (await findObjects(rows, new Set([body]))).get(body) ?? []
    metrics.damagedBody('scrub')
    log.error('the scrub found a damaged body', { body, fault, objects })
    if (this.#reported.size < rememberedBodies) this.#reported.add(body)
  }

  async #keep(state: ScrubState): Promise<void> {
    const { engine, clock } = this.#options
    await engine.write(async (tx) => putScrubState(tx, state))
    this.#keptAt = clock.monotonicMs()
  }
}

/** Reads the next rows of a stage and checks their row bodies; blobs are left to the caller. */
async function readPage(
  tx: ReadTransaction,
  stage: ScrubStage,
  after: Uint8Array | undefined,
): Promise<Page> {
  const found: Page = { blobs: [], damaged: [], readBytes: 0, last: undefined }
  const all = rangeOf(stage)
  const range = after === undefined ? all : { ...all, start: successor(after) }
  let rows = 0
  for await (const row of tx.range(range)) {
    const key = Buffer.from(row.key)
    found.last = key
    await lookAt(tx, stage, { key, value: row.value }, found)
    if (++rows === page.rows || found.readBytes >= page.bytes) break
  }
  return found
}

function rangeOf(stage: ScrubStage): Range {
  switch (stage) {
    case 'blobs':
      return bodySchema.allBlobSums()
    case 'objects':
      return treeSchema.allEntries()
    case 'parts':
      return bodySchema.allManifestParts()
  }
}

async function lookAt(
  tx: ReadTransaction,
  stage: ScrubStage,
  { key, value }: Row,
  found: Page,
): Promise<void> {
  switch (stage) {
    case 'blobs': {
      const id = bodySchema.summedBlob(key)
      if (await isReferenced(tx, id)) found.blobs.push({ id, key })
      return
    }
    case 'objects':
      await lookAtEntry(tx, { key, value }, found)
      return
    case 'parts': {
      const { blobId: id, sizeBytes, etag } = decodePart(value)
      if (await isUnsummed(tx, id)) found.blobs.push({ id, sizeBytes, etag, key })
    }
  }
}

async function lookAtEntry(tx: ReadTransaction, { key, value }: Row, found: Page): Promise<void> {
  const entry = decodeEntry(value)
  if (entry.kind !== 'object') return
  const { body, sizeBytes, etag } = recordOf(entry)
  if (body.kind === 'blob') {
    const { id } = body
    if (await isUnsummed(tx, id)) found.blobs.push({ id, sizeBytes, etag, key })
  } else if (body.kind === 'row') {
    const bytes = await tx.get(bodySchema.rowBody(body.id))
    found.readBytes += sizeBytes
    const fault = faultOfSmallBody({ ...body, sizeBytes }, bytes, etag)
    if (fault !== undefined) found.damaged.push({ body: nameOfBody(body), fault })
  }
}

/** True for blobs without checksums; the others were read in an earlier stage. */
async function isUnsummed(tx: ReadTransaction, id: BlobId): Promise<boolean> {
  return (await readBlobSums(tx, id)) === undefined
}

/** All rows of a range, in one read per page, since the scan may exceed the time limit of a read. */
async function* allRows(engine: Engine, range: Range): AsyncGenerator<Row> {
  let { start } = range
  for (;;) {
    const from = start
    const rows = await engine.read(async (tx) => {
      const read: Row[] = []
      for await (const { key, value } of tx.range({ ...range, start: from })) {
        read.push({ key: Buffer.from(key), value: Buffer.from(value) })
        if (read.length === page.rows) break
      }
      return read
    })
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < page.rows) return
    start = successor(last.key)
  }
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return wait(ms, undefined, { signal, ref: false })
}
