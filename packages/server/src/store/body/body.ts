// Bodies and their reference counts. Small bodies are rows, large ones blobs, multipart ones manifests
// of blobs. An unreferenced manifest is queued, since it may have 10,000 parts and a transaction may
// release any number of manifests.
//
// Rows and manifests have a count row only while the count is above one. A blob always has a count row;
// so a sweep after a crash can tell a referenced blob from one that was never committed.
//
// Checksums detect changed bytes. A row body's checksum is in its reference. A blob's checksums are a
// row that exists as long as the file. Bodies of versions without checksums have none.

import { crc32 } from 'node:zlib'
import type { Bytes } from '../../base/bytes.ts'
import { DamagedBody } from '../../base/damaged-body.ts'
import type { BlobId } from '../../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { type Body, pack, unpack } from '../row/record.ts'
import { currentEpoch } from './epoch.ts'
import * as schema from './schema.ts'

/** One part of a multipart object, as stored in its manifest. */
export interface ManifestPart {
  /** The client's part number, 1 to 10,000. */
  readonly number: number
  /** The offset of the part's first byte in the object. */
  readonly offset: number
  readonly sizeBytes: number
  /** MD5 in hex. */
  readonly etag: string
  readonly blobId: BlobId
  /** The part's own checksum, base64, by the algorithm of the object's checksum. */
  readonly checksum?: string | undefined
}

/** Writes the row of a small body; its first reference belongs to the caller. */
export function putRowBody(tx: WriteTransaction, id: number, bytes: Bytes): Body {
  tx.put(schema.rowBody(id), bytes)
  return { kind: 'row', id, crc32: crc32(bytes) }
}

/** A reference to a row body, with its length. */
export type RowBody = Extract<Body, { kind: 'row' }> & { readonly sizeBytes: number }

/** The bytes of a row body. @throws DamagedBody if they are missing or changed */
export async function readRowBody(tx: ReadTransaction, body: RowBody): Promise<Bytes> {
  const bytes = await tx.peek(schema.rowBody(body.id))
  const fault = faultOfRow(body, bytes)
  if (fault !== undefined || bytes === undefined)
    throw new DamagedBody(`body ${body.id}`, fault ?? '')
  return bytes
}

/** A description of the damage to a row body; undefined if it is intact. */
export function faultOfRow(body: RowBody, bytes: Bytes | undefined): string | undefined {
  if (bytes === undefined) return 'its row is missing'
  if (bytes.byteLength !== body.sizeBytes) {
    return `its row has ${bytes.byteLength} bytes instead of ${body.sizeBytes}`
  }
  const isChanged = body.crc32 !== undefined && crc32(bytes) !== body.crc32
  return isChanged ? 'its bytes differ from their checksum' : undefined
}

/** Records a stored blob and its checksums; its first reference belongs to the caller. */
export function putBlobBody(tx: WriteTransaction, id: BlobId, sums?: Bytes): Body {
  tx.put(schema.blobCount(id), pack([1]))
  if (sums !== undefined) tx.put(schema.blobSums(id), sums)
  return { kind: 'blob', id }
}

/** The checksums of a blob; undefined if written by a version without checksums. */
export async function readBlobSums(tx: ReadTransaction, id: BlobId): Promise<Bytes | undefined> {
  return tx.peek(schema.blobSums(id))
}

/** Writes a manifest of parts. The caller's references to the parts' blobs pass to the manifest. */
export function putManifest(
  tx: WriteTransaction,
  id: number,
  parts: readonly ManifestPart[],
): Body {
  parts.forEach((part, index) => {
    tx.put(schema.manifestPart(id, index), encodePart(part))
  })
  return { kind: 'manifest', id, parts: parts.length }
}

/** Part `index`, from 0, of a manifest; undefined past its end. */
export async function readManifestPart(
  tx: ReadTransaction,
  id: number,
  index: number,
): Promise<ManifestPart | undefined> {
  const bytes = await tx.peek(schema.manifestPart(id, index))
  return bytes === undefined ? undefined : decodePart(bytes)
}

/** The parts of a manifest in order, from part `index`. */
export async function* readManifest(
  tx: ReadTransaction,
  id: number,
  index = 0,
): AsyncGenerator<ManifestPart> {
  const { end } = schema.manifestParts(id)
  for await (const row of tx.range({ start: schema.manifestPart(id, index), end })) {
    yield decodePart(row.value)
  }
}

/** Adds a reference to `body`. */
export async function retainBody(tx: WriteTransaction, body: Body): Promise<void> {
  const key = countKey(body)
  if (key === undefined) return
  const count = await readCount(tx, key)
  tx.put(key, pack([(count ?? 1) + 1]))
}

/**
 * Removes a reference to `body`. With the last one, its rows are deleted and its blobs become garbage.
 * A manifest's parts are released in the background ({@link releaseParts}); until then its rows hold
 * their references.
 */
export async function releaseBody(tx: WriteTransaction, body: Body): Promise<void> {
  const key = countKey(body)
  if (key === undefined) return
  const count = (await readCount(tx, key)) ?? 1
  if (count > 2 || (count === 2 && body.kind === 'blob')) {
    tx.put(key, pack([count - 1]))
    return
  }
  if (count === 2) {
    tx.delete(key)
    return
  }
  switch (body.kind) {
    case 'row':
      tx.delete(schema.rowBody(body.id))
      return
    case 'blob':
      await orphanBlob(tx, body.id)
      return
    case 'manifest':
      tx.put(schema.queuedManifest(body.id), new Uint8Array())
      return
    case 'empty':
      return
  }
}

/** Queues a blob without references for collection once no reader can hold it. */
async function orphanBlob(tx: WriteTransaction, id: BlobId): Promise<void> {
  tx.delete(schema.blobCount(id))
  tx.put(schema.garbage(await currentEpoch(tx), id), new Uint8Array())
}

/**
 * Releases the first `limit` remaining parts of a queued manifest. After the last part, the manifest
 * leaves the queue. Returns the number of released parts.
 */
export async function releaseParts(
  tx: WriteTransaction,
  id: number,
  limit: number,
): Promise<number> {
  const parts: { readonly key: Bytes; readonly blobId: BlobId }[] = []
  let isLast = true
  for await (const { key, value } of tx.range(schema.manifestParts(id))) {
    isLast = parts.length < limit
    if (!isLast) break
    parts.push({ key, blobId: decodePart(value).blobId })
  }
  for (const { key, blobId } of parts) {
    await releaseBody(tx, { kind: 'blob', id: blobId })
    tx.delete(key)
  }
  if (isLast) tx.delete(schema.queuedManifest(id))
  return parts.length
}

function countKey(body: Body): Bytes | undefined {
  switch (body.kind) {
    case 'empty':
      return undefined
    case 'row':
      return schema.rowBodyCount(body.id)
    case 'blob':
      return schema.blobCount(body.id)
    case 'manifest':
      return schema.manifestCount(body.id)
  }
}

async function readCount(tx: WriteTransaction, key: Bytes): Promise<number | undefined> {
  const bytes = await tx.get(key)
  return bytes === undefined ? undefined : unpack<[number]>(bytes)[0]
}

type PackedPart = [number, number, number, string, BlobId, string?]

function encodePart(part: ManifestPart): Buffer {
  const packed: PackedPart = [part.number, part.offset, part.sizeBytes, part.etag, part.blobId]
  if (part.checksum !== undefined) packed.push(part.checksum)
  return pack(packed)
}

/** Decodes the row of a manifest's part. */
export function decodePart(bytes: Bytes): ManifestPart {
  const [number, offset, sizeBytes, etag, blobId, checksum] = unpack<PackedPart>(bytes)
  return { number, offset, sizeBytes, etag, blobId, checksum }
}
