// The bodies' part of fsck: recounts the references to each body, and compares counts and sizes with the
// stored ones. Bodies may be too many for memory, so each of several passes checks one share of them.

import type { Bytes } from '../../base/bytes.ts'
import type { BlobId } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { decodePart, type ManifestPart, type RowBody } from '../body/body.ts'
import * as bodySchema from '../body/schema.ts'
import type { PartRecord } from '../body/upload.ts'
import { unpack } from '../row/record.ts'
import { decodeEntry, recordOf, showKey } from '../tree/entry.ts'
import * as treeSchema from '../tree/schema.ts'
import { nameOfBody } from './place.ts'
import type { Finding } from './tree.ts'

/** The bodies that one pass checks: those whose number modulo `of` is `index`. */
export interface Share {
  readonly index: number
  readonly of: number
}

/** A referenced blob, with its expected size in bytes. */
export interface UsedBlob {
  readonly id: BlobId
  readonly sizeBytes: number
  /** A row that refers to it. */
  readonly where: string
  /** The ETag of the object or part that the blob is the body of, if requested. */
  readonly etag?: string | undefined
}

/** The callbacks of a pass. */
export interface RecountOptions {
  readonly share: Share
  readonly onBlob: (blob: UsedBlob) => void
  /** Describes the damage to a row body's bytes. Set only if bytes are checked; ETags are kept for it. */
  readonly faultOfRow?: (body: RowBody, bytes: Bytes, etag: string) => string | undefined
}

/** The references to one body. */
interface Use {
  refs: number
  sizeBytes: number
  readonly where: string
  /** The number of a manifest's parts, by its references. */
  readonly parts: number
  /** The CRC32 of a row body, if it has one. */
  readonly crc32?: number | undefined
  readonly etag?: string | undefined
}

type Uses<Id> = Map<Id, Use>

interface Pass {
  readonly share: Share
  readonly rows: Uses<number>
  readonly manifests: Uses<number>
  /** Manifests queued for the release of their remaining parts. */
  readonly queued: Set<number>
  readonly blobs: Uses<BlobId>
  readonly faultOfRow: RecountOptions['faultOfRow']
}

/** Yields the findings about the bodies of one share. */
export async function* recountBodies(
  tx: ReadTransaction,
  { share, onBlob, faultOfRow }: RecountOptions,
): AsyncGenerator<Finding> {
  const pass: Pass = {
    share,
    rows: new Map(),
    manifests: new Map(),
    queued: new Set(),
    blobs: new Map(),
    faultOfRow,
  }
  yield* countEntries(tx, pass)
  yield* countUploadParts(tx, pass)
  yield* checkManifestQueue(tx, pass)
  yield* checkManifests(tx, pass)
  yield* checkRowBodies(tx, pass)
  yield* checkCounts(tx, pass)
  yield* checkBlobCounts(tx, pass)
  yield* checkSums(tx, pass)
  for (const [id, { sizeBytes, where, etag }] of pass.blobs) onBlob({ id, sizeBytes, where, etag })
}

async function* countEntries(tx: ReadTransaction, pass: Pass): AsyncGenerator<Finding> {
  for await (const { key, value } of tx.range(treeSchema.allEntries())) {
    const entry = decodeEntry(value)
    if (entry.kind !== 'object') continue
    const { body, sizeBytes, ...record } = recordOf(entry)
    const etag = keptEtag(pass, record.etag)
    const { id, name } = treeSchema.parseEntry(key)
    const where = `object ${showKey(name)} of directory ${id}`
    switch (body.kind) {
      case 'empty':
        if (sizeBytes !== 0 && pass.share.index === 0) {
          const detail = `it says ${sizeBytes} bytes`
          yield { invariant: 'an object without a body is empty', where, detail }
        }
        break
      case 'row':
        if (isIn(pass.share, body.id)) {
          const { crc32 } = body
          yield* use(pass.rows, body.id, { sizeBytes, where, parts: 0, crc32, etag })
        }
        break
      case 'manifest':
        if (isIn(pass.share, body.id)) {
          yield* use(pass.manifests, body.id, { sizeBytes, where, parts: body.parts })
        }
        break
      case 'blob':
        yield* useBlob(pass, body.id, { sizeBytes, where, etag })
        break
    }
  }
}

async function* countUploadParts(tx: ReadTransaction, pass: Pass): AsyncGenerator<Finding> {
  for await (const { key, value } of tx.range(bodySchema.allParts())) {
    const { upload, number } = bodySchema.parsePart(key)
    const { blobId, sizeBytes, etag } = unpack<PartRecord>(value)
    const where = `part ${number} of upload ${upload}`
    yield* useBlob(pass, blobId, { sizeBytes, where, etag: keptEtag(pass, etag) })
  }
}

/** ETags take memory, so they are kept only if bytes are checked. */
function keptEtag({ faultOfRow }: Pass, etag: string): string | undefined {
  return faultOfRow === undefined ? undefined : etag
}

function* useBlob(
  pass: Pass,
  id: BlobId,
  facts: Pick<Use, 'sizeBytes' | 'where' | 'etag'>,
): Generator<Finding> {
  if (isIn(pass.share, sequenceOf(id))) yield* use(pass.blobs, id, { ...facts, parts: 0 })
}

function* use<Id extends number | string>(
  uses: Uses<Id>,
  id: Id,
  facts: Omit<Use, 'refs'>,
): Generator<Finding> {
  const known = uses.get(id)
  if (known === undefined) {
    uses.set(id, { ...facts, refs: 1 })
    return
  }
  known.refs++
  if (known.sizeBytes === facts.sizeBytes && known.parts === facts.parts) return
  yield {
    invariant: 'all that refer to a body agree about it',
    where: facts.where,
    detail: `body ${id}: ${facts.sizeBytes} bytes in ${facts.parts} parts, but ${known.where} says ${known.sizeBytes} in ${known.parts}`,
  }
}

async function* checkManifestQueue(tx: ReadTransaction, pass: Pass): AsyncGenerator<Finding> {
  for await (const { key } of tx.range(bodySchema.manifestQueue())) {
    const id = bodySchema.bodyId(key)
    if (!isIn(pass.share, id)) continue
    pass.queued.add(id)
    const known = pass.manifests.get(id)
    if (known === undefined) continue
    const detail = `manifest ${id} waits to be released`
    yield { invariant: 'what an object has is not released', where: known.where, detail }
  }
}

async function* checkManifests(tx: ReadTransaction, pass: Pass): AsyncGenerator<Finding> {
  const seen = new Set<number>()
  let current: { id: number; parts: number; sizeBytes: number } | undefined
  for await (const { key, value } of tx.range(bodySchema.allManifestParts())) {
    const { id, index } = bodySchema.parseManifestPart(key)
    const part = decodePart(value)
    const where = `part ${index} of manifest ${id}`
    const { blobId, sizeBytes } = part
    yield* useBlob(pass, blobId, { sizeBytes, where, etag: keptEtag(pass, part.etag) })
    // A queued manifest loses its parts from the front; the remaining ones still reference their blobs.
    if (!isIn(pass.share, id) || pass.queued.has(id)) continue
    if (current?.id !== id) {
      if (current !== undefined) yield* checkManifest(pass, current)
      current = { id, parts: 0, sizeBytes: 0 }
      seen.add(id)
    }
    yield* checkOrder(current, index, part)
    current.parts++
    current.sizeBytes += part.sizeBytes
  }
  if (current !== undefined) yield* checkManifest(pass, current)
  for (const [id, { where }] of pass.manifests) {
    if (!seen.has(id) && !pass.queued.has(id))
      yield { ...missingBody, where, detail: `manifest ${id} has no rows` }
  }
}

function* checkOrder(
  sofar: { readonly id: number; readonly parts: number; readonly sizeBytes: number },
  index: number,
  part: ManifestPart,
): Generator<Finding> {
  if (index === sofar.parts && part.offset === sofar.sizeBytes) return
  yield {
    invariant: 'the parts of a manifest follow each other',
    where: `part ${index} of manifest ${sofar.id}`,
    detail: `it begins at ${part.offset}, after ${sofar.parts} parts of ${sofar.sizeBytes} bytes`,
  }
}

function* checkManifest(
  pass: Pass,
  found: { readonly id: number; readonly parts: number; readonly sizeBytes: number },
): Generator<Finding> {
  const { id, parts, sizeBytes } = found
  const known = pass.manifests.get(id)
  if (known === undefined) {
    yield { ...unusedBody, where: `manifest ${id}`, detail: `${parts} parts` }
  } else if (known.parts !== parts || known.sizeBytes !== sizeBytes) {
    yield {
      ...wrongSize,
      where: known.where,
      detail: `it says ${known.sizeBytes} bytes in ${known.parts} parts, manifest ${id} has ${sizeBytes} in ${parts}`,
    }
  }
}

async function* checkRowBodies(tx: ReadTransaction, pass: Pass): AsyncGenerator<Finding> {
  const missing = new Set(pass.rows.keys())
  for await (const { key, value } of tx.range(bodySchema.rowBodies())) {
    const id = bodySchema.bodyId(key)
    if (!isIn(pass.share, id)) continue
    missing.delete(id)
    const known = pass.rows.get(id)
    if (known === undefined) {
      yield { ...unusedBody, where: `body ${id}`, detail: `${value.byteLength} bytes` }
    } else if (known.sizeBytes !== value.byteLength) {
      const detail = `it says ${known.sizeBytes} bytes, body ${id} has ${value.byteLength}`
      yield { ...wrongSize, where: known.where, detail, body: nameOfBody({ kind: 'row', id }) }
    } else {
      yield* checkBytes(pass, id, known, value)
    }
  }
  for (const id of missing) {
    const where = pass.rows.get(id)?.where ?? ''
    const body = nameOfBody({ kind: 'row', id })
    yield { ...missingBody, where, detail: `body ${id} has no row`, body }
  }
}

function* checkBytes(
  { faultOfRow }: Pass,
  id: number,
  { sizeBytes, crc32, etag = '', where }: Use,
  bytes: Bytes,
): Generator<Finding> {
  const row: RowBody = { kind: 'row', id, crc32, sizeBytes }
  const fault = faultOfRow?.(row, bytes, etag)
  if (fault === undefined) return
  const body = nameOfBody(row)
  yield { ...changedBytes, where, detail: `${body}: ${fault}`, body }
}

/** A blob's checksums exist as long as its file, which may be garbage for a while. */
async function* checkSums(tx: ReadTransaction, pass: Pass): AsyncGenerator<Finding> {
  const stray = new Set<string>()
  for await (const { key } of tx.range(bodySchema.allBlobSums())) {
    const id = bodySchema.summedBlob(key)
    if (isIn(pass.share, sequenceOf(id)) && !pass.blobs.has(id)) stray.add(id)
  }
  if (stray.size === 0) return
  for await (const { key } of tx.range(bodySchema.garbageBefore())) {
    stray.delete(bodySchema.parseGarbage(key).blobId)
  }
  for (const id of stray) {
    const invariant = 'checksums are of a blob'
    yield { invariant, where: `checksums of blob ${id}`, detail: 'there is no such blob' }
  }
}

/** For rows and manifests, a count exists only while it is above one. */
async function* checkCounts(tx: ReadTransaction, pass: Pass): AsyncGenerator<Finding> {
  const kinds = [
    { kind: 'body', uses: pass.rows, range: bodySchema.rowBodyCounts() },
    { kind: 'manifest', uses: pass.manifests, range: bodySchema.manifestCounts() },
  ] as const
  for (const { kind, uses, range } of kinds) {
    const shared = new Set([...uses].filter(([, { refs }]) => refs > 1).map(([id]) => id))
    for await (const { key, value } of tx.range(range)) {
      const id = bodySchema.bodyId(key)
      if (!isIn(pass.share, id)) continue
      shared.delete(id)
      const [count] = unpack<[number]>(value)
      const refs = uses.get(id)?.refs ?? 0
      if (count !== refs || count < 2) yield wrongCount(`${kind} ${id}`, count, refs)
    }
    for (const id of shared) yield wrongCount(`${kind} ${id}`, 1, uses.get(id)?.refs ?? 0)
  }
}

async function* checkBlobCounts(tx: ReadTransaction, pass: Pass): AsyncGenerator<Finding> {
  const uncounted = new Set(pass.blobs.keys())
  for await (const { key, value } of tx.range(bodySchema.blobCounts())) {
    const id = bodySchema.countedBlob(key)
    if (!isIn(pass.share, sequenceOf(id))) continue
    uncounted.delete(id)
    const [count] = unpack<[number]>(value)
    const refs = pass.blobs.get(id)?.refs ?? 0
    if (count !== refs) yield wrongCount(`blob ${id}`, count, refs)
  }
  for (const id of uncounted) yield wrongCount(`blob ${id}`, 0, pass.blobs.get(id)?.refs ?? 0)
}

const missingBody = { invariant: 'every object has its body' } as const
const unusedBody = { invariant: 'every body has an object' } as const
/** The invariant that changed content violates. */
export const changedBytes = {
  invariant: 'a body has the bytes that were stored',
} as const
const wrongSize = { invariant: 'a body is as long as its object says' } as const

function wrongCount(where: string, count: number, refs: number): Finding {
  const detail = `counts ${count}, has ${refs}`
  return { invariant: 'a body counts its references', where, detail }
}

function isIn({ index, of }: Share, number: number): boolean {
  return number % of === index
}

/** The second number of a blob's id, which spreads blobs evenly over shares. */
function sequenceOf(blobId: BlobId): number {
  const number = Number(blobId.slice(blobId.indexOf('-') + 1))
  return Number.isSafeInteger(number) ? number : 0
}
