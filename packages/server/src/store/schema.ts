// The key spaces of the store: every kind of row, and the layout of its key. Numbers are 8 bytes
// big-endian. Names come last and unescaped, or are NUL-terminated if something follows. The values
// are described by the files that read and write them.

import type { Bytes } from '../base/bytes.ts'
import { utf8 } from '../base/bytes.ts'
import { asBlobId, type BlobId } from '../base/terms.ts'
import type { Range } from '../engine/engine.ts'
import { type KeyWriter, key, prefixRange, readKey } from '../engine/tuple.ts'

/** The first byte of every key. A number is never reused with another meaning. */
const space = {
  sequence: 0x10,
  processStart: 0x11,
  collectorDuty: 0x12,
  epoch: 0x13,
  secret: 0x14,
  identity: 0x15,
  pulse: 0x16,
  collector: 0x17,
  unknownStarts: 0x18,
  bucket: 0x20,
  bucketCount: 0x21,
  directory: 0x30,
  entry: 0x31,
  collectionQueue: 0x32,
  /** Reserved for versions: `(directoryId, name) → historyId`. */
  history: 0x33,
  /** Reserved for versions: `(historyId, inverted order) → version`. */
  version: 0x34,
  livingHint: 0x35,
  overlayLink: 0x36,
  compactionQueue: 0x37,
  snapshot: 0x38,
  rowsWritten: 0x39,
  upload: 0x40,
  part: 0x41,
  abandonedUploads: 0x42,
  rowBody: 0x50,
  rowBodyCount: 0x51,
  blobCount: 0x52,
  manifestPart: 0x53,
  manifestCount: 0x54,
  garbage: 0x55,
  manifestQueue: 0x56,
  blobSums: 0x57,
  scrubState: 0x58,
  clientToken: 0x60,
  tokenExpiry: 0x61,
  leaseEnd: 0x67,
  lease: 0x68,
  leasePaths: 0x69,
  leaseQueue: 0x6a,
  leaseHeld: 0x6b,
  leaseExpiry: 0x6c,
  leaseToken: 0x6d,
  leaseMark: 0x6e,
  leaseCount: 0x6f,
  domain: 0x70,
  domainQueue: 0x71,
  domainCounter: 0x72,
  attributeName: 0x73,
  lastAttribute: 0x74,
  item: 0x75,
  itemName: 0x76,
  pair: 0x77,
  export: 0x78,
  formerItem: 0x79,
  exportQueue: 0x7a,
} as const

/** Greater than every issued id. */
export const maximumId: number = Number.MAX_SAFE_INTEGER - 1

// sequence.ts, process.ts, epoch.ts, secret.ts, identity.ts

export const sequence = (name: string): Bytes => key(space.sequence).tail(utf8(name))
export const processStart = (start: number): Bytes => key(space.processStart).u64(start).end()
export const processStarts = (): Range => prefixRange(key(space.processStart).end())
export const pulse = (start: number): Bytes => key(space.pulse).u64(start).end()
export const pulses = (): Range => prefixRange(key(space.pulse).end())
/** The number of the start in the key of its row, or of its pulse. */
export const startNumber = (row: Bytes): number => readKey(row).u64()
export const collector = (): Bytes => key(space.collector).end()
/** The duty as it was before it was a start's: the token of a process. Not written any more. */
export const collectorDuty = (): Bytes => key(space.collectorDuty).end()
export const epoch = (): Bytes => key(space.epoch).end()
export const secret = (): Bytes => key(space.secret).end()
export const identity = (): Bytes => key(space.identity).end()
/** The first of a run of starts that are not this store's; the value has the last. */
export const unknownStarts = (first: number): Bytes => key(space.unknownStarts).u64(first).end()
export const allUnknownStarts = (): Range => prefixRange(key(space.unknownStarts).end())

// bucket.ts

export const bucket = (name: Bytes): Bytes => key(space.bucket).tail(name)
export const buckets = (prefix: Bytes): Range => prefixRange(key(space.bucket).tail(prefix))
/** The name in the key of a bucket's row. */
export const bucketName = (row: Bytes): Bytes => readKey(row).tail()
/** The number of buckets of the owner with this hash. */
export const bucketCount = (owner: Bytes): Bytes => key(space.bucketCount).tail(owner)
export const bucketCounts = (): Range => prefixRange(key(space.bucketCount).end())

// directory.ts and related files

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

// snapshot.ts

export const snapshot = (start: number, number: number): Bytes =>
  key(space.snapshot).u64(start).u64(number).end()
/** The snapshots of one process start. */
export const snapshots = (start: number): Range => prefixRange(key(space.snapshot).u64(start).end())
export const allSnapshots = (): Range => prefixRange(key(space.snapshot).end())
export function parseSnapshot(row: Bytes): { start: number; number: number } {
  const fields = readKey(row)
  return { start: fields.u64(), number: fields.u64() }
}

// upload.ts

export const upload = (bucketId: number, name: Bytes, number: number): Bytes =>
  key(space.upload).u64(bucketId).bytes(name).u64(number).end()
export const uploadsOfBucket = (bucketId: number): Range =>
  prefixRange(key(space.upload).u64(bucketId).end())
/** The first key of the uploads whose name is `name` or greater. */
export const uploadsFrom = (bucketId: number, name: Bytes): Bytes =>
  key(space.upload).u64(bucketId).bytes(name).end()
export const allUploads = (): Range => prefixRange(key(space.upload).end())
export function parseUpload(row: Bytes): { bucketId: number; key: Bytes; number: number } {
  const fields = readKey(row)
  return { bucketId: fields.u64(), key: fields.bytes(), number: fields.u64() }
}
export const part = (upload: number, number: number): Bytes =>
  key(space.part).u64(upload).u64(number).end()
export const parts = (upload: number): Range => prefixRange(key(space.part).u64(upload).end())
export const allParts = (): Range => prefixRange(key(space.part).end())
export function parsePart(row: Bytes): { upload: number; number: number } {
  const fields = readKey(row)
  return { upload: fields.u64(), number: fields.u64() }
}
export const abandonedUploads = (bucketId: number): Bytes =>
  key(space.abandonedUploads).u64(bucketId).end()
export const abandonedBucket = (row: Bytes): number => readKey(row).u64()
export const allAbandonedUploads = (): Range => prefixRange(key(space.abandonedUploads).end())

// body.ts, garbage.ts

export const rowBody = (id: number): Bytes => key(space.rowBody).u64(id).end()
export const rowBodies = (): Range => prefixRange(key(space.rowBody).end())
export const rowBodyCount = (id: number): Bytes => key(space.rowBodyCount).u64(id).end()
export const rowBodyCounts = (): Range => prefixRange(key(space.rowBodyCount).end())
export const blobCount = (id: BlobId): Bytes => key(space.blobCount).tail(utf8(id))
export const blobCounts = (): Range => prefixRange(key(space.blobCount).end())
/** The checksums of a blob; there as long as its file is. */
export const blobSums = (id: BlobId): Bytes => key(space.blobSums).tail(utf8(id))
export const allBlobSums = (): Range => prefixRange(key(space.blobSums).end())
/** The blob id in the key of its checksums' row. */
export const summedBlob = (row: Bytes): BlobId => blobIdOf(readKey(row).tail())
/** How far the scrub is: see `scrub.ts`. */
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

// client-token.ts

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

// lease.ts and related files

/**
 * A node of a bucket's path tree, as a hash of its depth and path, so that every path fits a key.
 */
export interface NodeId {
  readonly high: bigint
  readonly low: bigint
}
const leaseNode = (of: number, bucketId: number, { high, low }: NodeId): KeyWriter =>
  key(of).u64(bucketId).u64(high).u64(low)
/**
 * The row of one lease at one node; `rank` is the position of its mode in the order of these rows.
 */
export interface LeaseNodeRow {
  readonly bucketId: number
  readonly node: NodeId
  readonly rank: number
  readonly ticket: number
}

export const lease = (bucketId: number, ticket: number): Bytes =>
  key(space.lease).u64(bucketId).u64(ticket).end()
/** The leases of a bucket with a ticket greater than `after`. */
export const leases = (bucketId: number, after = 0): Range => ({
  ...prefixRange(key(space.lease).u64(bucketId).end()),
  start: lease(bucketId, after + 1),
})
export const allLeases = (): Range => prefixRange(key(space.lease).end())
export const leasePaths = (bucketId: number, ticket: number): Bytes =>
  key(space.leasePaths).u64(bucketId).u64(ticket).end()
export const allLeasePaths = (): Range => prefixRange(key(space.leasePaths).end())
/** The bucket id and the ticket in the key of a lease's row or its paths' row. */
export function parseLease(row: Bytes): { bucketId: number; ticket: number } {
  const fields = readKey(row)
  return { bucketId: fields.u64(), ticket: fields.u64() }
}
export const leaseQueue = ({ bucketId, node, rank, ticket }: LeaseNodeRow): Bytes =>
  leaseNode(space.leaseQueue, bucketId, node).u64(rank).u64(ticket).end()
/** The rows of one rank at a node with lower tickets, in descending order. */
export const leaseQueueBefore = (row: LeaseNodeRow): Range => ({
  start: leaseNode(space.leaseQueue, row.bucketId, row.node).u64(row.rank).end(),
  end: leaseQueue(row),
  reverse: true,
})
export const leaseQueues = (bucketId: number): Range =>
  prefixRange(key(space.leaseQueue).u64(bucketId).end())
export const allLeaseQueues = (): Range => prefixRange(key(space.leaseQueue).end())
export const leaseHeld = ({ bucketId, node, rank, ticket }: LeaseNodeRow): Bytes =>
  leaseNode(space.leaseHeld, bucketId, node).u64(rank).u64(ticket).end()
/** The rows of held leases at a node with a rank of at least `from`. */
export const leaseHeldFrom = (bucketId: number, node: NodeId, from: number): Range => ({
  ...prefixRange(leaseNode(space.leaseHeld, bucketId, node).end()),
  start: leaseNode(space.leaseHeld, bucketId, node).u64(from).end(),
})
export const allLeaseHeld = (): Range => prefixRange(key(space.leaseHeld).end())
export function parseLeaseNode(row: Bytes): LeaseNodeRow {
  const fields = readKey(row)
  return {
    bucketId: fields.u64(),
    node: { high: fields.bigU64(), low: fields.bigU64() },
    rank: fields.u64(),
    ticket: fields.u64(),
  }
}
/** The time at which a lease's row must be checked. */
export const leaseExpiry = (at: number, bucketId: number, ticket: number): Bytes =>
  key(space.leaseExpiry).u64(at).u64(bucketId).u64(ticket).end()
export const leasesExpiredBefore = (time: number): Range => ({
  start: key(space.leaseExpiry).end(),
  end: key(space.leaseExpiry).u64(time).end(),
})
export const allLeaseExpiries = (): Range => prefixRange(key(space.leaseExpiry).end())
export function parseLeaseExpiry(row: Bytes): { at: number; bucketId: number; ticket: number } {
  const fields = readKey(row)
  return { at: fields.u64(), bucketId: fields.u64(), ticket: fields.u64() }
}
export const leaseToken = (bucketId: number, hash: Bytes): Bytes =>
  key(space.leaseToken).u64(bucketId).tail(hash)
export const allLeaseTokens = (): Range => prefixRange(key(space.leaseToken).end())
/**
 * Present while a bucket has a held or waiting lease: the only lease row that every write reads.
 */
export const leaseMark = (bucketId: number): Bytes => key(space.leaseMark).u64(bucketId).end()
export const allLeaseMarks = (): Range => prefixRange(key(space.leaseMark).end())
/** The ticket of the lease that ended last, while the bucket has others: what those that wait watch. */
export const leaseEnd = (bucketId: number): Bytes => key(space.leaseEnd).u64(bucketId).end()
export const allLeaseEnds = (): Range => prefixRange(key(space.leaseEnd).end())
/** The counter of a bucket's waiting (0) or held (1) leases. */
export const leaseCount = (bucketId: number, isHeld: 0 | 1): Bytes =>
  key(space.leaseCount).u64(bucketId).u64(isHeld).end()
export const allLeaseCounts = (): Range => prefixRange(key(space.leaseCount).end())
export function parseLeaseCount(row: Bytes): { bucketId: number; isHeld: boolean } {
  const fields = readKey(row)
  return { bucketId: fields.u64(), isHeld: fields.u64() === 1 }
}
/** The bucket id in the key of a mark. */
export const markedBucket = (row: Bytes): number => readKey(row).u64()

// domain.ts, item.ts

export const domain = (owner: Bytes, name: Bytes): Bytes =>
  key(space.domain).bytes(owner).tail(name)
export const domainsOf = (owner: Bytes): Range => prefixRange(key(space.domain).bytes(owner).end())
export const domains = (): Range => prefixRange(key(space.domain).end())
/** The name in the key of a domain's row. */
export function domainName(row: Bytes): Bytes {
  const fields = readKey(row)
  fields.bytes()
  return fields.tail()
}
export const queuedDomain = (domain: number): Bytes => key(space.domainQueue).u64(domain).end()
export const domainQueue = (): Range => prefixRange(key(space.domainQueue).end())
export const domainCounter = (domain: number, which: number): Bytes =>
  key(space.domainCounter).u64(domain).u32(which).end()
export const attributeName = (domain: number, name: Bytes): Bytes =>
  key(space.attributeName).u64(domain).tail(name)
export const attributeNames = (domain: number): Range =>
  prefixRange(key(space.attributeName).u64(domain).end())
export const lastAttribute = (domain: number): Bytes => key(space.lastAttribute).u64(domain).end()
export const item = (domain: number, number: number): Bytes =>
  key(space.item).u64(domain).u64(number).end()
export const items = (domain: number): Range => prefixRange(key(space.item).u64(domain).end())
export const itemName = (domain: number, name: Bytes): Bytes =>
  key(space.itemName).u64(domain).tail(name)
export const itemNames = (domain: number): Range =>
  prefixRange(key(space.itemName).u64(domain).end())
/** The number in the key of an item's row. */
export function itemNumber(row: Bytes): number {
  const fields = readKey(row)
  fields.u64()
  return fields.u64()
}
/** The name in the key of the row of an item name or attribute name. */
export function nameInDomain(row: Bytes): Bytes {
  const fields = readKey(row)
  fields.u64()
  return fields.tail()
}

/** A value of an attribute, by the numbers of its domain and attribute. */
interface PairAddress {
  readonly domain: number
  readonly attribute: number
  readonly value: Bytes
}
const attributeStart = (domain: number, attribute: number): KeyWriter =>
  key(space.pair).u64(domain).u32(attribute)
export const pair = ({ domain, attribute, value }: PairAddress, item: number): Bytes =>
  attributeStart(domain, attribute).shifted(value).u64(item).end()
/** The common prefix of the pairs whose values begin with `value`. */
export const pairsOfPrefix = ({ domain, attribute, value }: PairAddress): Bytes =>
  attributeStart(domain, attribute).shiftedStart(value).end()
export const pairsOfAttribute = (domain: number, attribute: number): Range =>
  prefixRange(attributeStart(domain, attribute).end())
export const pairs = (domain: number): Range => prefixRange(key(space.pair).u64(domain).end())
export function parsePair(row: Bytes): { attribute: number; value: Bytes; item: number } {
  const fields = readKey(row)
  fields.u64()
  return { attribute: fields.u32(), value: fields.shifted(), item: fields.u64() }
}
export const formerItem = (snapshot: number, item: number): Bytes =>
  key(space.formerItem).u64(snapshot).u64(item).end()
export const formerItems = (snapshot: number): Range =>
  prefixRange(key(space.formerItem).u64(snapshot).end())
/** All rows of a domain's, or a snapshot's, number, except its place in the queue. */
export const contentsOfDomain = (domain: number): Range[] => [
  pairs(domain),
  items(domain),
  itemNames(domain),
  attributeNames(domain),
  prefixRange(key(space.domainCounter).u64(domain).end()),
  prefixRange(lastAttribute(domain)),
  formerItems(domain),
]
/** The contents of all domains, one range per kind of row. */
export const allContents = (): Range[] =>
  [
    space.pair,
    space.item,
    space.itemName,
    space.attributeName,
    space.domainCounter,
    space.lastAttribute,
    space.formerItem,
  ].map((kind) => prefixRange(key(kind).end()))
/** The domain number in the key of a row of its contents. */
export const domainNumber = (row: Bytes): number => readKey(row).u64()
/** The first key, in the key space of `row`, of a greater number than `row`'s domain. */
export const nextDomain = (row: Bytes): Bytes =>
  key(readKey(row).space)
    .u64(domainNumber(row) + 1)
    .end()

// export.ts

export const exportRow = (owner: Bytes, createdAt: number, id: string): Bytes =>
  key(space.export).bytes(owner).u64Descending(createdAt).tail(utf8(id))
/** The exports of an owner, newest first. */
export const exportsOf = (owner: Bytes): Range => prefixRange(key(space.export).bytes(owner).end())
export const allExports = (): Range => prefixRange(key(space.export).end())
export const queuedExport = (createdAt: number, id: string): Bytes =>
  key(space.exportQueue).u64(createdAt).tail(utf8(id))
export const exportQueue = (): Range => prefixRange(key(space.exportQueue).end())
