// The keys of the rows of buckets, their settings, directories, entries and snapshots.

import type { Bytes } from '../../base/bytes.ts'
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
export const bucketSetting = (bucketId: number, name: Bytes): Bytes =>
  key(space.bucketSetting).u64(bucketId).tail(name)
export const allBucketSettings = (): Range => prefixRange(key(space.bucketSetting).end())
export function parseBucketSetting(row: Bytes): { bucketId: number; name: Bytes } {
  const fields = readKey(row)
  return { bucketId: fields.u64(), name: fields.tail() }
}

export const directory = (id: number): Bytes => key(space.directory).u64(id).end()
export const directories = (): Range => prefixRange(key(space.directory).end())
export const entry = (id: number, name: Bytes): Bytes => key(space.entry).u64(id).tail(name)
export const entries = (id: number): Range => prefixRange(key(space.entry).u64(id).end())
export const queued = (id: number): Bytes => key(space.collectionQueue).u64(id).end()
export const queue = (): Range => prefixRange(key(space.collectionQueue).end())
export const allEntries = (): Range => prefixRange(key(space.entry).end())
/** The directory id and the name in the key of an entry's row. */
export function parseEntry(row: Bytes): { id: number; name: Bytes } {
  const fields = readKey(row)
  return { id: fields.u64(), name: fields.tail() }
}
/** The directory id in a key that consists of nothing else. */
export const directoryId = (row: Bytes): number => readKey(row).u64()
export const livingHint = (id: number): Bytes => key(space.livingHint).u64(id).end()
export const livingHints = (): Range => prefixRange(key(space.livingHint).end())
export const overlayLink = (base: number, overlay: number): Bytes =>
  key(space.overlayLink).u64(base).u64(overlay).end()
export const overlayLinks = (base: number): Range =>
  prefixRange(key(space.overlayLink).u64(base).end())
export const allOverlayLinks = (): Range => prefixRange(key(space.overlayLink).end())
export function parseOverlayLink(row: Bytes): { base: number; overlay: number } {
  const fields = readKey(row)
  return { base: fields.u64(), overlay: fields.u64() }
}
/** A counter: the rows written to an overlay since it was created. */
export const rowsWritten = (id: number): Bytes => key(space.rowsWritten).u64(id).end()
export const allRowsWritten = (): Range => prefixRange(key(space.rowsWritten).end())
export const compaction = (id: number): Bytes => key(space.compactionQueue).u64(id).end()
export const compactions = (): Range => prefixRange(key(space.compactionQueue).end())

export const snapshot = (start: number, number: number): Bytes =>
  key(space.snapshot).u64(start).u64(number).end()
/** The snapshots of one process start. */
export const snapshots = (start: number): Range => prefixRange(key(space.snapshot).u64(start).end())
export const allSnapshots = (): Range => prefixRange(key(space.snapshot).end())
export function parseSnapshot(row: Bytes): { start: number; number: number } {
  const fields = readKey(row)
  return { start: fields.u64(), number: fields.u64() }
}

export const clientToken = (bucketId: number, hash: Bytes): Bytes =>
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
