// Words of the domain that several layers share: identifiers as branded types, and S3's terms for
// checksums.

/** Identifies one blob, never reused: the number of the start that wrote it, and a number within the start. */
export type BlobId = string & { readonly __brand: 'BlobId' }

/**
 * The blob id in `text`, which comes from a row or from the blob store. The form isn't checked here,
 * since damaged rows must be readable. The blob store checks every id before use.
 */
export function asBlobId(text: string): BlobId {
  return text as BlobId
}

/** The number of a directory of the tree, never reused. */
export type DirectoryId = number & { readonly __brand: 'DirectoryId' }

/** The directory id in `number`, which comes from a row or from the source of ids. */
export function asDirectoryId(number: number): DirectoryId {
  return number as DirectoryId
}

/** The number of a bucket, never reused: a bucket that is created again gets another one. */
export type BucketId = number & { readonly __brand: 'BucketId' }

/** The bucket id in `number`, which comes from a row or from the source of ids. */
export function asBucketId(number: number): BucketId {
  return number as BucketId
}

/** The number of a process start on the store, never reused. The start's blob ids begin with it. */
export type StartId = number & { readonly __brand: 'StartId' }

/** The start in `number`, which comes from a row, the sequence of starts, or the name of a folder. */
export function asStartId(number: number): StartId {
  return number as StartId
}

/** A lease's number in the order of requests, unique in the store. It serves as fencing token. */
export type LeaseTicket = number & { readonly __brand: 'LeaseTicket' }

/** The ticket in `number`, which comes from a row, the sequence of tickets, or a parsed request. */
export function asLeaseTicket(number: number): LeaseTicket {
  return number as LeaseTicket
}

/** The checksum algorithms that S3 clients may choose. */
export type ChecksumAlgorithm =
  | 'CRC32'
  | 'CRC32C'
  | 'CRC64NVME'
  | 'MD5'
  | 'SHA1'
  | 'SHA256'
  | 'SHA512'
  | 'XXHASH3'
  | 'XXHASH64'
  | 'XXHASH128'

/** FULL_OBJECT: a checksum of all bytes. COMPOSITE: a checksum of the parts' checksums. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'
