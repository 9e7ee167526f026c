// Fsck checks every row of one snapshot of the store, and every blob, against the store's invariants. A
// server may run meanwhile: anything the snapshot can't decide is checked again.

import type { BlobId, BucketId, StartId } from '../base/terms.ts'
import type { BlobStore } from '../blob/blob.ts'
import type { Engine, ReadTransaction } from '../engine/engine.ts'
import { isReferenced, unreferencedAmong } from '../store/body/garbage.ts'
import { KnownStarts } from '../store/body/identity.ts'
import { isAcceptedLoss } from '../store/body/loss.ts'
import { listStarts } from '../store/body/process.ts'
import * as bodySchema from '../store/body/schema.ts'
import {
  changedBytes,
  type RecountOptions,
  recountBodies,
  type UsedBlob,
} from '../store/fsck/body.ts'
import { checkBuckets } from '../store/fsck/bucket.ts'
import { checkDomains } from '../store/fsck/domain.ts'
import { checkExports } from '../store/fsck/export.ts'
import { checkLeases } from '../store/fsck/lease.ts'
import { findObjects, nameOfBody } from '../store/fsck/place.ts'
import { checkTree, type Finding } from '../store/fsck/tree.ts'
import { firstUnusedId } from '../store/row/id.ts'
import { lastOfSequence } from '../store/row/sequence.ts'
import { type NamedBucket, walkBuckets } from '../store/tree/bucket.ts'
import * as treeSchema from '../store/tree/schema.ts'
import { faultOfBlob, faultOfSmallBody } from './fsck-content.ts'

export type { Finding } from '../store/fsck/tree.ts'

/** Totals of a check. */
export interface CheckSummary {
  buckets: number
  /** Object rows, in live folders and in those queued for collection. */
  objects: number
  uploads: number
  domains: number
  items: number
  blobs: number
  blobBytes: number
  /** Unreferenced blobs that await collection. */
  garbage: number
  /** Findings, without those that an operator accepted. */
  findings: number
  accepted: number
  /** Bytes of bodies read and verified, if requested. */
  contentBytes?: number
}

export interface CheckOptions {
  /** Must be opened for long reads: see `EngineOptions.readMs`. */
  readonly engine: Engine
  readonly blobs: BlobStore
  /** Called with the name of each phase. */
  readonly onProgress?: (phase: string) => void
  /**
   * Also reads all bodies, and reports the bytes as they are read. Takes as long as the disk needs to read
   * them all.
   */
  readonly content?: { onBytes(bytes: number): void } | undefined
  /** The finding that rows and blobs don't match, if they don't. */
  readonly misfit?: Finding | undefined
  /** Bodies per pass; bounds the memory. */
  readonly bodiesPerPass?: number
}

/** Checks everything; yields the findings and returns the totals. */
export async function* checkStore(options: CheckOptions): AsyncGenerator<Finding, CheckSummary> {
  const summary: CheckSummary = {
    buckets: 0,
    objects: 0,
    uploads: 0,
    domains: 0,
    items: 0,
    blobs: 0,
    blobBytes: 0,
    garbage: 0,
    findings: 0,
    accepted: 0,
    ...(options.content === undefined ? {} : { contentBytes: 0 }),
  }
  const count = (finding: Finding): Finding => {
    if (finding.isAccepted) summary.accepted++
    else summary.findings++
    return finding
  }
  if (options.misfit !== undefined) yield count(options.misfit)
  // The findings leave the snapshot in one batch per phase, since a read's function can't yield.
  for (const finding of await options.engine.read((tx) => checkRows(tx, options, summary))) {
    yield count(finding)
  }
  options.onProgress?.('files that nothing refers to')
  for await (const finding of checkLeaks(options)) {
    yield count(finding)
  }
  return summary
}

/** Upper bound of the findings kept from rows; in a store with more, their exact number doesn't matter. */
const keptFindings = 10_000

async function checkRows(
  tx: ReadTransaction,
  options: CheckOptions,
  summary: CheckSummary,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const keep = async (found: AsyncIterable<Finding>): Promise<void> => {
    for await (const finding of found) if (findings.push(finding) >= keptFindings) return
  }
  const { onProgress } = options
  onProgress?.('buckets and folders')
  const buckets: NamedBucket[] = []
  for await (const bucket of walkBuckets(tx)) buckets.push(bucket)
  const roots = buckets.map(({ name, root }) => ({ bucket: name, root }))
  const bucketIds = new Set(buckets.map(({ id }) => id))
  summary.buckets = buckets.length
  await keep(checkBuckets(tx, buckets))
  const onBody = (): void => {
    summary.objects++
  }
  await keep(checkTree(tx, roots, { onBody }))
  onProgress?.('uploads')
  await keep(checkUploads(tx, bucketIds, summary))
  onProgress?.('leases')
  await keep(checkLeases(tx))
  onProgress?.('domains and items')
  const onDomain = ({ items }: { readonly items: number }): void => {
    summary.domains++
    summary.items += items
  }
  await keep(checkDomains(tx, { onDomain }))
  await keep(checkExports(tx))
  await keep(checkSequences(tx))
  await keep(checkGarbage(tx, summary))
  const { content } = options
  const perPass = options.bodiesPerPass ?? (content === undefined ? 2_000_000 : 500_000)
  const of = Math.ceil((summary.objects + 1) / perPass)
  const onBytes = (bytes: number): void => {
    summary.contentBytes = (summary.contentBytes ?? 0) + bytes
    content?.onBytes(bytes)
  }
  const faultOfRow: RecountOptions['faultOfRow'] = (body, bytes, etag) => {
    onBytes(bytes.byteLength)
    return faultOfSmallBody(body, bytes, etag)
  }
  for (let index = 0; index < of; index++) {
    onProgress?.(`bodies, pass ${index + 1} of ${of}`)
    const used: UsedBlob[] = []
    const share = { index, of }
    const onBlob = (blob: UsedBlob): void => void used.push(blob)
    const reading = content === undefined ? {} : { faultOfRow }
    await keep(recountBodies(tx, { share, onBlob, ...reading }))
    onProgress?.(`files of blobs, pass ${index + 1} of ${of}`)
    await keep(checkFiles(options, used, { summary, onBytes }))
  }
  return withObjects(tx, findings, onProgress)
}

/** The findings, with those of bodies extended by the objects that have the body. */
async function withObjects(
  tx: ReadTransaction,
  findings: readonly Finding[],
  onProgress: CheckOptions['onProgress'],
): Promise<readonly Finding[]> {
  const bodies = new Set<string>()
  for (const { body } of findings) if (body !== undefined) bodies.add(body)
  if (bodies.size === 0) return findings
  onProgress?.('which objects have the bodies that were found')
  const objects = await findObjects(tx, bodies)
  return findings.map((finding) =>
    finding.body === undefined ? finding : { ...finding, objects: objects.get(finding.body) },
  )
}

async function* checkUploads(
  tx: ReadTransaction,
  bucketIds: ReadonlySet<BucketId>,
  summary: CheckSummary,
): AsyncGenerator<Finding> {
  const abandoned = new Set<BucketId>()
  for await (const { key } of tx.range(bodySchema.allAbandonedUploads())) {
    abandoned.add(bodySchema.abandonedBucket(key))
  }
  const uploads = new Set<number>()
  for await (const { key } of tx.range(bodySchema.allUploads())) {
    const { bucketId, number } = bodySchema.parseUpload(key)
    summary.uploads++
    uploads.add(number)
    if (bucketIds.has(bucketId) || abandoned.has(bucketId)) continue
    const invariant = 'an upload is in a bucket, or is about to be removed with it'
    yield { invariant, where: `upload ${number}`, detail: `there is no bucket ${bucketId}` }
  }
  for await (const { key } of tx.range(bodySchema.allParts())) {
    const { upload, number } = bodySchema.parsePart(key)
    if (uploads.has(upload)) continue
    const where = `part ${number} of upload ${upload}`
    yield { invariant: 'a part belongs to an upload', where, detail: 'there is no such upload' }
  }
}

/** Numbers given out once must not be given out again. */
async function* checkSequences(tx: ReadTransaction): AsyncGenerator<Finding> {
  const invariant = 'no number that is in use can be given out again'
  const unused = await firstUnusedId(tx)
  const spaces = [
    { what: 'directory', range: treeSchema.directories(), idOf: treeSchema.directoryId },
    { what: 'body', range: bodySchema.rowBodies(), idOf: bodySchema.bodyId },
    { what: 'manifest', range: bodySchema.allManifestParts(), idOf: bodySchema.bodyId },
  ]
  for (const { what, range, idOf } of spaces) {
    for await (const { key } of tx.range({ ...range, reverse: true })) {
      const id = idOf(key)
      if (id >= unused) yield { invariant, where: `${what} ${id}`, detail: `${unused} comes next` }
      break
    }
  }
  yield* checkSnapshots(tx)
  const lastStart = await lastOfSequence(tx, 'process-start')
  for (const { number } of await listStarts(tx)) {
    if (number <= lastStart) continue
    yield { invariant, where: `start ${number}`, detail: `${lastStart} was the last one` }
  }
}

/** A snapshot is removed with the start that took it. */
async function* checkSnapshots(tx: ReadTransaction): AsyncGenerator<Finding> {
  const starts = new Set((await listStarts(tx)).map(({ number }) => number))
  for await (const { key } of tx.range(treeSchema.allSnapshots())) {
    const { start, number } = treeSchema.parseSnapshot(key)
    if (starts.has(start)) continue
    const invariant = 'a snapshot is of a process start that was not swept'
    yield { invariant, where: `snapshot ${number}`, detail: `there is no start ${start}` }
  }
}

async function* checkGarbage(tx: ReadTransaction, summary: CheckSummary): AsyncGenerator<Finding> {
  for await (const { key } of tx.range(bodySchema.garbageBefore())) {
    const { epoch, blobId } = bodySchema.parseGarbage(key)
    summary.garbage++
    if (!(await isReferenced(tx, blobId))) continue
    const where = `blob ${blobId}, garbage since epoch ${epoch}`
    yield { invariant: 'nothing refers to garbage', where, detail: 'its references are counted' }
  }
}

async function* checkFiles(
  { engine, blobs, content }: CheckOptions,
  used: readonly UsedBlob[],
  { summary, onBytes }: { readonly summary: CheckSummary; onBytes(bytes: number): void },
): AsyncGenerator<Finding> {
  for (const blob of used) {
    const { id, sizeBytes, where } = blob
    const body = nameOfBody({ kind: 'blob', id })
    summary.blobs++
    summary.blobBytes += sizeBytes
    const found = await blobs.size(id)
    if (found === sizeBytes) {
      if (content === undefined) continue
      const fault = await faultOfBlob({ engine, blobs }, blob, onBytes)
      if (fault !== undefined) yield { ...changedBytes, where, detail: `${body}: ${fault}`, body }
      continue
    }
    // Its last reference, and then its file, may have been removed since the snapshot.
    const { isUsed, isAccepted } = await engine.read(async (tx) => ({
      isUsed: await isReferenced(tx, id),
      isAccepted: await isAcceptedLoss(tx, id),
    }))
    if (!isUsed) continue
    if (found === undefined) {
      const detail = `the file of blob ${id} is missing`
      const finding = { invariant: 'every object has its body', where, detail, body }
      yield isAccepted ? { ...finding, isAccepted } : finding
    } else {
      const detail = `it says ${sizeBytes} bytes, the file of blob ${id} has ${found}`
      yield { invariant: 'a body is as long as its object says', where, detail, body }
    }
  }
}

/** Blobs looked up together. */
const batchSize = 256

/** Files that will never be removed. Files of starts not yet swept are left to the sweep. */
async function* checkLeaks({ engine, blobs }: CheckOptions): AsyncGenerator<Finding> {
  // The order matters: a start has its row before it has a file, and loses the row when it is swept.
  const starts = await blobs.starts()
  const { known, unswept } = await engine.read(async (tx) => ({
    known: await KnownStarts.read(tx),
    unswept: new Set((await listStarts(tx)).map(({ number }) => number)),
  }))
  for (const start of starts) {
    if (!known.has(start)) yield* checkUnknownStart({ engine, blobs }, start, known)
    else if (!unswept.has(start)) {
      for await (const batch of batchesOf(blobs, start)) yield* leaksAmong({ engine, blobs }, batch)
    }
  }
}

/** Blobs of a start unknown to this store: perhaps of another store, or newer than these rows. */
async function* checkUnknownStart(
  { engine, blobs }: CheckOptions,
  start: StartId,
  known: KnownStarts,
): AsyncGenerator<Finding> {
  let [files, used] = [0, 0]
  for await (const batch of batchesOf(blobs, start)) {
    files += batch.length
    const unused = await engine.read((tx) => unreferencedAmong(tx, batch))
    used += batch.length - unused.length
  }
  if (files === 0) return
  const detail =
    `it has ${files} files, ${used} of which objects refer to; the store does not know the process ` +
    'start of that number, so it never removes them'
  const invariant = 'every blob is of this store'
  const finding = { invariant, where: `blobs/${start}`, detail }
  yield known.isDisowned(start) ? { ...finding, isAccepted: true } : finding
}

async function* batchesOf(blobs: BlobStore, start: StartId): AsyncGenerator<BlobId[]> {
  let batch: BlobId[] = []
  for await (const id of blobs.list(start)) {
    batch.push(id)
    if (batch.length < batchSize) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

async function* leaksAmong(
  { engine, blobs }: CheckOptions,
  ids: readonly BlobId[],
): AsyncGenerator<Finding> {
  const leaked = await engine.read(async (tx) => {
    const unused = new Set<BlobId>()
    for (const id of ids) if (!(await isReferenced(tx, id))) unused.add(id)
    if (unused.size === 0) return unused
    for await (const { key } of tx.range(bodySchema.garbageBefore())) {
      unused.delete(bodySchema.parseGarbage(key).blobId)
    }
    return unused
  })
  for (const id of leaked) {
    // It may have been collected since the listing.
    if ((await blobs.size(id)) === undefined) continue
    const detail = 'nothing refers to it, and nothing would remove it; it only takes room'
    yield { invariant: 'every blob has an object', where: `blob ${id}`, detail }
  }
}
