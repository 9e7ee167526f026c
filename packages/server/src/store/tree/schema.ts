// The keys of the rows of buckets, their settings, directories, entries and snapshots.

import type { Bytes } from '../../base/bytes.ts'
import {
  asBucketId,
  asDirectoryId,
  asStartId,
  type BucketId,
  type DirectoryId,
  type StartId,
} from '../../base/terms.ts'
import type { Range } from '../../engine/engine.ts'
import { key, prefixRange, readKey } from '../../engine/tuple.ts'
import { space } from '../row/key-space.ts'

export const bucket = (name: Bytes): Bytes => key(space.bucket).tail(name)
export const buckets = (prefix: Bytes): Range => prefixRange(key(space.bucket).tail(prefix))
/** The name in the key of a bucket's row. */
export const bucketName = (row: Bytes): Bytes => readKey(row).tail()
/** The number of buckets of the owner with this hash. */
export const bucketCount = (owner: Bytes): Bytes => key(space.bucketCount).tail(owner)
export const bucketCounts = (): Range => prefixRange(key(space.bucketCount).end())

/** The row of one setting of a bucket. */
export const bucketSetting = (bucketId: BucketId, name: Bytes): Bytes =>
  key(space.bucketSetting).u64(bucketId).tail(name)
export const allBucketSettings = (): Range => prefixRange(key(space.bucketSetting).end())
export function parseBucketSetting(row: Bytes): { bucketId: BucketId; name: Bytes } {
  const fields = readKey(row)
  return { bucketId: asBucketId(fields.u64()), name: fields.tail() }
}

export const directory = (id: DirectoryId): Bytes => key(space.directory).u64(id).end()
export const directories = (): Range => prefixRange(key(space.directory).end())
export const entry = (id: DirectoryId, name: Bytes): Bytes => key(space.entry).u64(id).tail(name)
export const entries = (id: DirectoryId): Range => prefixRange(key(space.entry).u64(id).end())
export const queued = (id: DirectoryId): Bytes => key(space.collectionQueue).u64(id).end()
export const queue = (): Range => prefixRange(key(space.collectionQueue).end())
export const allEntries = (): Range => prefixRange(key(space.entry).end())
/** The directory id and the name in the key of an entry's row. */
export function parseEntry(row: Bytes): { id: DirectoryId; name: Bytes } {
  const fields = readKey(row)
  return { id: asDirectoryId(fields.u64()), name: fields.tail() }
}
/** The directory id in a key that consists of nothing else. */
export const directoryId = (row: Bytes): DirectoryId => asDirectoryId(readKey(row).u64())
export const livingHint = (id: DirectoryId): Bytes => key(space.livingHint).u64(id).end()
export const livingHints = (): Range => prefixRange(key(space.livingHint).end())
export const overlayLink = (base: DirectoryId, overlay: DirectoryId): Bytes =>
  key(space.overlayLink).u64(base).u64(overlay).end()
export const overlayLinks = (base: DirectoryId): Range =>
  prefixRange(key(space.overlayLink).u64(base).end())
export const allOverlayLinks = (): Range => prefixRange(key(space.overlayLink).end())
export function parseOverlayLink(row: Bytes): { base: DirectoryId; overlay: DirectoryId } {
  const fields = readKey(row)
  return { base: asDirectoryId(fields.u64()), overlay: asDirectoryId(fields.u64()) }
}
/** A counter: the rows written to an overlay since it was created. */
export const rowsWritten = (id: DirectoryId): Bytes => key(space.rowsWritten).u64(id).end()
export const allRowsWritten = (): Range => prefixRange(key(space.rowsWritten).end())
export const compaction = (id: DirectoryId): Bytes => key(space.compactionQueue).u64(id).end()
export const compactions = (): Range => prefixRange(key(space.compactionQueue).end())

export const snapshot = (start: StartId, number: number): Bytes =>
  key(space.snapshot).u64(start).u64(number).end()
/** The snapshots of one process start. */
export const snapshots = (start: StartId): Range =>
  prefixRange(key(space.snapshot).u64(start).end())
export const allSnapshots = (): Range => prefixRange(key(space.snapshot).end())
export function parseSnapshot(row: Bytes): { start: StartId; number: number } {
  const fields = readKey(row)
  return { start: asStartId(fields.u64()), number: fields.u64() }
}

export const clientToken = (bucketId: BucketId, hash: Bytes): Bytes =>
  key(space.clientToken).u64(bucketId).tail(hash)
/** A token's expiry; its key contains that of the token's row. */
export const tokenExpiry = (expiresAt: number, token: Bytes): Bytes =>
  key(space.tokenExpiry).u64(expiresAt).tail(token)
export const tokensExpiredBefore = (time: number): Range => ({
  start: key(space.tokenExpiry).end(),
  end: key(space.tokenExpiry).u64(time).end(),
})
/** The key of the token's row that an expiry refers to. */
export function expiredToken(row: Bytes): Bytes {
  const fields = readKey(row)
  fields.u64()
  return fields.tail()
}
