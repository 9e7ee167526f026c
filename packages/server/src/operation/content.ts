// The bytes of an object or a range of it. They are planned in the snapshot of the object's row, opened after
// the snapshot has ended, and read at the client's pace. Bytes that don't match their checksum are never
// sent: the read fails and is counted.

import type { Bytes } from '../base/bytes.ts'
import { DamagedBody } from '../base/damaged-body.ts'
import type { BlobId } from '../base/terms.ts'
import { type ByteRange, type ByteSource, closeSource } from '../blob/blob.ts'
import type { BlobSums } from '../blob/sums.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import { type RowBody, readBlobSums, readManifestPart, readRowBody } from '../store/body/body.ts'
import type { Body, ObjectRecord } from '../store/row/record.ts'
import { findLostFiles } from './blob-file.ts'
import type { Services, TransferStep } from './operation.ts'

/** Bytes in memory, or a stream that must be consumed or closed. */
export type Content =
  | { readonly kind: 'bytes'; readonly bytes: Bytes }
  | { readonly kind: 'stream'; readonly source: ByteSource; close(): Promise<void> }

/** Bytes in memory, or the slices of blobs that make up the content, in order. */
export type ContentPlan = { readonly kind: 'bytes'; readonly bytes: Bytes } | SlicePlan

interface SlicePlan {
  readonly kind: 'slices'
  readonly slices: readonly Slice[]
  /** The checksums of the first slice's blob; those of other blobs are looked up when they are read. */
  readonly firstSums: BlobSums | undefined
  /** The object's name, for messages. */
  readonly object: string
}

interface Slice {
  readonly blobId: BlobId
  /** Size of the whole blob. */
  readonly blobBytes: number
  /** Absent for the whole blob. */
  readonly range?: ByteRange
}

/** The part of a step that reading needs. */
interface ReadStep {
  readonly tx: ReadTransaction
  readonly services: Pick<Services, 'metrics'>
}

export const noContent: ContentPlan & Content = { kind: 'bytes', bytes: new Uint8Array() }

/** An object's name in messages. */
export function nameOf({ bucket, key }: { readonly bucket: string; readonly key: string }): string {
  return `${bucket}/${key}`
}

/** Locates the bytes of an object, or of `range` of it. @throws DamagedBody */
export async function planContent(
  step: ReadStep,
  { body, sizeBytes }: Pick<ObjectRecord, 'body' | 'sizeBytes'>,
  { object, range }: { readonly object: string; readonly range?: ByteRange | undefined },
): Promise<ContentPlan> {
  switch (body.kind) {
    case 'empty':
      return noContent
    case 'row': {
      const bytes = await readSmallBody(step, { ...body, sizeBytes }, object)
      const part = range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)
      return { kind: 'bytes', bytes: part }
    }
    case 'blob': {
      const slice = { blobId: body.id, blobBytes: sizeBytes }
      return planSlices(step, object, [range === undefined ? slice : { ...slice, range }])
    }
    case 'manifest': {
      const whole = { start: 0, end: sizeBytes - 1 }
      return planSlices(step, object, await planManifest(step.tx, body, range ?? whole))
    }
  }
}

/** The bytes of a row body of `object`. @throws DamagedBody */
export async function readSmallBody(
  { tx, services }: ReadStep,
  body: RowBody,
  object: string,
): Promise<Bytes> {
  try {
    return await readRowBody(tx, body)
  } catch (error) {
    throw noted(services, object, error)
  }
}

/** Adds the object's name to a DamagedBody error and counts it; returns any other error unchanged. */
function noted({ metrics }: Pick<Services, 'metrics'>, object: string, error: unknown): unknown {
  if (!(error instanceof DamagedBody) || error.object !== undefined) return error
  metrics.damagedBody('read')
  return new DamagedBody(error.body, error.fault, { object, cause: error })
}

async function planSlices(
  { tx }: ReadStep,
  object: string,
  slices: readonly Slice[],
): Promise<ContentPlan> {
  const [first] = slices
  if (first === undefined) return noContent
  return { kind: 'slices', slices, firstSums: await readBlobSums(tx, first.blobId), object }
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
    const slice = { blobId: part.blobId, blobBytes: part.sizeBytes }
    slices.push(whole ? slice : { ...slice, range: { start, end } })
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
 * Opens a plan. The first blob is opened before this resolves. While a stream lasts, the step's `reading`
 * keeps the blobs from being collected.
 */
export async function openContent(step: TransferStep, plan: ContentPlan): Promise<Content> {
  if (plan.kind === 'bytes') return plan
  const { services, reading } = step
  if (reading === undefined) throw new Error('an operation that reads blobs must say so')
  const opened = await openSlice(services, plan, 0)
  let started = false
  async function* stream(plan: SlicePlan): ByteSource {
    started = true
    try {
      yield* readSlices(services, plan, opened)
    } finally {
      reading?.end()
    }
  }
  const source = stream(plan)
  reading.handedOver = true
  return {
    kind: 'stream',
    source,
    async close() {
      // A generator that was never started doesn't run its `finally`, so its source is closed here.
      await closeSource(started ? source : opened)
      reading?.end()
    },
  }
}

/** Checks that the files of a plan have their length, without reading them. @throws DamagedBody */
export async function checkFiles(
  { blobs, metrics }: Pick<Services, 'blobs' | 'metrics'>,
  plan: ContentPlan,
): Promise<void> {
  if (plan.kind === 'bytes') return
  const recorded = plan.slices.map(({ blobId, blobBytes }) => ({ blobId, sizeBytes: blobBytes }))
  const [damage] = (await findLostFiles(blobs, recorded, plan.object)).values()
  if (damage === undefined) return
  metrics.damagedBody('read')
  throw damage
}

/** The services that reading blobs needs. */
type ReadServices = Pick<Services, 'blobs' | 'engine' | 'metrics'>

async function openSlice(
  services: ReadServices,
  plan: SlicePlan,
  index: number,
): Promise<ByteSource> {
  const slice = plan.slices[index]
  if (slice === undefined) throw new Error(`there is no slice ${index}`)
  const { blobId, blobBytes, range } = slice
  const { engine, blobs } = services
  // The row exists for as long as the file.
  const sums = index === 0 ? plan.firstSums : await engine.read((tx) => readBlobSums(tx, blobId))
  try {
    return await blobs.read(blobId, range, { sizeBytes: blobBytes, sums })
  } catch (error) {
    throw noted(services, plan.object, error)
  }
}

async function* readSlices(services: ReadServices, plan: SlicePlan, first: ByteSource): ByteSource {
  try {
    yield* first
    for (let index = 1; index < plan.slices.length; index++) {
      yield* await openSlice(services, plan, index)
    }
  } catch (error) {
    throw noted(services, plan.object, error)
  }
}

/**
 * The bytes of `range` within what was planned for a whole object, verified like all others. A later write
 * may have replaced the object meanwhile; its blobs must be kept from being collected.
 */
export async function* readPlannedRange(
  services: ReadServices,
  plan: ContentPlan,
  range: ByteRange,
): ByteSource {
  if (range.end < range.start) return
  if (plan.kind === 'bytes') {
    yield plan.bytes.subarray(range.start, range.end + 1)
    return
  }
  const slices = slicesWithin(plan.slices, range)
  const [first] = slices
  if (first === undefined) return
  const { blobId } = first
  const firstSums = await services.engine.read((tx) => readBlobSums(tx, blobId))
  yield* readPlan(services, { ...plan, slices, firstSums })
}

/** The parts of whole blobs that make up `range` of all their bytes. */
function slicesWithin(slices: readonly Slice[], range: ByteRange): Slice[] {
  const within: Slice[] = []
  let offset = 0
  for (const { blobId, blobBytes } of slices) {
    const start = Math.max(range.start - offset, 0)
    const end = Math.min(range.end - offset, blobBytes - 1)
    offset += blobBytes
    if (start > end) continue
    const isWhole = start === 0 && end === blobBytes - 1
    within.push(isWhole ? { blobId, blobBytes } : { blobId, blobBytes, range: { start, end } })
  }
  return within
}

/** The planned bytes, for callers that keep the blobs from collection by other means. */
export async function* readPlan(services: ReadServices, plan: ContentPlan): ByteSource {
  if (plan.kind === 'slices') {
    yield* readSlices(services, plan, await openSlice(services, plan, 0))
  } else if (plan.bytes.byteLength > 0) {
    yield plan.bytes
  }
}

/**
 * Any content as a stream, for copying it elsewhere. Throws when `signal` is aborted, since a client's
 * disconnect doesn't stop a copy by itself.
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
