// The bytes of an object, or of a range of it: planned in the snapshot in which the object was found,
// opened after that snapshot has ended, read at the pace of the client.

import type { Bytes } from '../base/bytes.ts'
import {
  type BlobId,
  type BlobStore,
  type ByteRange,
  type ByteSource,
  closeSource,
} from '../blob/blob.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import { readManifestPart, readRowBody } from '../store/body.ts'
import type { Body } from '../store/record.ts'
import type { TransferStep } from './operation.ts'

/** Bytes at hand, or a stream of them, which must be consumed or closed. */
export type Content =
  | { readonly kind: 'bytes'; readonly bytes: Bytes }
  | { readonly kind: 'stream'; readonly source: ByteSource; close(): Promise<void> }

/** Bytes at hand, or the slices of blobs that make them up, in order. */
export type ContentPlan =
  | { readonly kind: 'bytes'; readonly bytes: Bytes }
  | { readonly kind: 'slices'; readonly slices: readonly Slice[] }

interface Slice {
  readonly blobId: string
  /** Absent for all of the blob. */
  readonly range?: ByteRange
}

/** No bytes. */
export const noContent: ContentPlan & Content = { kind: 'bytes', bytes: new Uint8Array() }

/** Finds where the bytes of `body`, of `sizeBytes` in all, or of `range` of them, are. */
export async function planContent(
  tx: ReadTransaction,
  body: Body,
  sizeBytes: number,
  range?: ByteRange,
): Promise<ContentPlan> {
  switch (body.kind) {
    case 'empty':
      return noContent
    case 'row': {
      const bytes = await readRowBody(tx, body.id)
      const part = range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)
      return { kind: 'bytes', bytes: part }
    }
    case 'blob':
      return {
        kind: 'slices',
        slices: [range === undefined ? { blobId: body.id } : { blobId: body.id, range }],
      }
    case 'manifest':
      return {
        kind: 'slices',
        slices: await planManifest(tx, body, range ?? { start: 0, end: sizeBytes - 1 }),
      }
  }
}

async function planManifest(
  tx: ReadTransaction,
  body: Extract<Body, { kind: 'manifest' }>,
  range: ByteRange,
): Promise<Slice[]> {
  const slices: Slice[] = []
  let index = await partAt(tx, body, range.start)
  for (; index < body.parts; index++) {
    const part = await readManifestPart(tx, body.id, index)
    if (part === undefined) throw new Error(`manifest ${body.id} lacks part ${index}`)
    if (part.offset > range.end) break
    if (part.sizeBytes === 0) continue
    const start = Math.max(range.start - part.offset, 0)
    const end = Math.min(range.end - part.offset, part.sizeBytes - 1)
    const whole = start === 0 && end === part.sizeBytes - 1
    slices.push(whole ? { blobId: part.blobId } : { blobId: part.blobId, range: { start, end } })
  }
  return slices
}

/** The index of the last part that begins at or before `offset`. */
async function partAt(
  tx: ReadTransaction,
  body: Extract<Body, { kind: 'manifest' }>,
  offset: number,
): Promise<number> {
  let low = 0
  let high = body.parts - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const part = await readManifestPart(tx, body.id, middle)
    if (part === undefined) throw new Error(`manifest ${body.id} lacks part ${middle}`)
    if (part.offset <= offset) low = middle
    else high = middle - 1
  }
  return low
}

/**
 * Opens what was planned. The first blob is opened before this resolves; while a stream lasts, the
 * step's reading keeps the blobs from being collected.
 */
export async function openContent(step: TransferStep, plan: ContentPlan): Promise<Content> {
  if (plan.kind === 'bytes') return plan
  const [first, ...rest] = plan.slices
  if (first === undefined) return noContent
  const { blobs } = step.services
  const { reading } = step
  if (reading === undefined) throw new Error('an operation that reads blobs must say so')
  const open = (slice: Slice): Promise<ByteSource> =>
    blobs.read(slice.blobId as BlobId, slice.range)
  const opened = await open(first)
  let started = false
  async function* stream(): ByteSource {
    started = true
    try {
      yield* opened
      for (const slice of rest) yield* await open(slice)
    } finally {
      reading?.end()
    }
  }
  const source = stream()
  reading.handedOver = true
  return {
    kind: 'stream',
    source,
    async close() {
      // A generator that was never started runs no `finally`: what it would have closed is closed here.
      await closeSource(started ? source : opened)
      reading?.end()
    },
  }
}

/** The bytes that were planned, for who keeps them from being collected in another way. */
export async function* readPlan(blobs: BlobStore, plan: ContentPlan): ByteSource {
  if (plan.kind === 'bytes') {
    if (plan.bytes.byteLength > 0) yield plan.bytes
    return
  }
  for (const { blobId, range } of plan.slices) yield* await blobs.read(blobId as BlobId, range)
}

/**
 * Content as a stream, whatever it is, for copying it elsewhere: it throws when `signal` is aborted, since no
 * client that has gone stops it by itself.
 */
export async function* contentSource(content: Content, signal: AbortSignal): ByteSource {
  signal.throwIfAborted()
  if (content.kind === 'bytes') {
    if (content.bytes.byteLength > 0) yield content.bytes
    return
  }
  for await (const chunk of content.source) {
    signal.throwIfAborted()
    yield chunk
  }
}
