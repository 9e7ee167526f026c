// The keys of the rows of bodies, their collection, process starts and uploads.

import type { Bytes } from '../../base/bytes.ts'
import { utf8 } from '../../base/bytes.ts'
import {
  asBlobId,
  asBucketId,
  asStartId,
  type BlobId,
  type BucketId,
  type StartId,
} from '../../base/terms.ts'
import type { Range } from '../../engine/engine.ts'
import { key, prefixRange, readKey } from '../../engine/tuple.ts'
import { space } from '../row/key-space.ts'

export const processStart = (start: StartId): Bytes => key(space.processStart).u64(start).end()
export const processStarts = (): Range => prefixRange(key(space.processStart).end())
export const pulse = (start: StartId): Bytes => key(space.pulse).u64(start).end()
export const pulses = (): Range => prefixRange(key(space.pulse).end())
/** The start number in the key of a start's row or pulse. */
export const startNumber = (row: Bytes): StartId => asStartId(readKey(row).u64())
export const collector = (): Bytes => key(space.collector).end()
/** The duty as stored by earlier versions: the token of a process. No longer written. */
export const collectorDuty = (): Bytes => key(space.collectorDuty).end()
export const epoch = (): Bytes => key(space.epoch).end()
export const identity = (): Bytes => key(space.identity).end()
/** A range of starts that are not this store's: the key has the first, the value the last. */
export const unknownStarts = (first: StartId): Bytes => key(space.unknownStarts).u64(first).end()
export const allUnknownStarts = (): Range => prefixRange(key(space.unknownStarts).end())

export const upload = (bucketId: BucketId, name: Bytes, number: number): Bytes =>
  key(space.upload).u64(bucketId).bytes(name).u64(number).end()
export const uploadsOfBucket = (bucketId: BucketId): Range =>
  prefixRange(key(space.upload).u64(bucketId).end())
/** The first key of the uploads whose name is `name` or greater. */
export const uploadsFrom = (bucketId: BucketId, name: Bytes): Bytes =>
  key(space.upload).u64(bucketId).bytes(name).end()
export const allUploads = (): Range => prefixRange(key(space.upload).end())
export function parseUpload(row: Bytes): { bucketId: BucketId; key: Bytes; number: number } {
  const fields = readKey(row)
  return { bucketId: asBucketId(fields.u64()), key: fields.bytes(), number: fields.u64() }
}
export const part = (upload: number, number: number): Bytes =>
  key(space.part).u64(upload).u64(number).end()
export const parts = (upload: number): Range => prefixRange(key(space.part).u64(upload).end())
export const allParts = (): Range => prefixRange(key(space.part).end())
export function parsePart(row: Bytes): { upload: number; number: number } {
  const fields = readKey(row)
  return { upload: fields.u64(), number: fields.u64() }
}
export const abandonedUploads = (bucketId: BucketId): Bytes =>
  key(space.abandonedUploads).u64(bucketId).end()
export const abandonedBucket = (row: Bytes): BucketId => asBucketId(readKey(row).u64())
export const allAbandonedUploads = (): Range => prefixRange(key(space.abandonedUploads).end())

export const rowBody = (id: number): Bytes => key(space.rowBody).u64(id).end()
export const rowBodies = (): Range => prefixRange(key(space.rowBody).end())
export const rowBodyCount = (id: number): Bytes => key(space.rowBodyCount).u64(id).end()
export const rowBodyCounts = (): Range => prefixRange(key(space.rowBodyCount).end())
export const blobCount = (id: BlobId): Bytes => key(space.blobCount).tail(utf8(id))
export const blobCounts = (): Range => prefixRange(key(space.blobCount).end())
/** The checksums of a blob; the row exists as long as the file. */
export const blobSums = (id: BlobId): Bytes => key(space.blobSums).tail(utf8(id))
export const allBlobSums = (): Range => prefixRange(key(space.blobSums).end())
/** The blob id in the key of its checksums' row. */
export const summedBlob = (row: Bytes): BlobId => blobIdOf(readKey(row).tail())
/** A blob whose loss was accepted, see `loss.ts`. */
export const acceptedLoss = (id: BlobId): Bytes => key(space.acceptedLoss).tail(utf8(id))
/** The scrub's position, see `scrub.ts`. */
export const scrubState = (): Bytes => key(space.scrubState).end()
export const manifestPart = (id: number, index: number): Bytes =>
  key(space.manifestPart).u64(id).u64(index).end()
export const manifestParts = (id: number): Range =>
  prefixRange(key(space.manifestPart).u64(id).end())
export const allManifestParts = (): Range => prefixRange(key(space.manifestPart).end())
export const manifestCount = (id: number): Bytes => key(space.manifestCount).u64(id).end()
export const manifestCounts = (): Range => prefixRange(key(space.manifestCount).end())
export const queuedManifest = (id: number): Bytes => key(space.manifestQueue).u64(id).end()
export const manifestQueue = (): Range => prefixRange(key(space.manifestQueue).end())
/** The id in the key of a row body's or a manifest's row. */
export const bodyId = (row: Bytes): number => readKey(row).u64()
export function parseManifestPart(row: Bytes): { id: number; index: number } {
  const fields = readKey(row)
  return { id: fields.u64(), index: fields.u64() }
}
/** The blob id in the key of a reference count's row. */
export const countedBlob = (row: Bytes): BlobId => blobIdOf(readKey(row).tail())
const blobIdOf = (bytes: Bytes): BlobId => asBlobId(Buffer.from(bytes).toString())
export const garbage = (epoch: number, blobId: BlobId): Bytes =>
  key(space.garbage).u64(epoch).tail(utf8(blobId))
/** The first key after that of a garbage row. */
export const garbageAfter = (epoch: number, blobId: BlobId): Bytes =>
  key(space.garbage)
    .u64(epoch)
    .tail(utf8(`${blobId}\0`))
/** Garbage of the epochs below `before`, or all garbage. */
export const garbageBefore = (before?: number): Range => {
  const all = prefixRange(key(space.garbage).end())
  return before === undefined ? all : { ...all, end: key(space.garbage).u64(before).end() }
}
export function parseGarbage(row: Bytes): { epoch: number; blobId: BlobId } {
  const fields = readKey(row)
  return { epoch: fields.u64(), blobId: blobIdOf(fields.tail()) }
}
