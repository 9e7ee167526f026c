// Words of the domain that several layers share: identifiers as branded types, and S3's terms for
// checksums.

/** Names one blob for ever: the number of the process start that wrote it, and a number within it. */
export type BlobId = string & { readonly __brand: 'BlobId' }

/**
 * The blob id in `text`, which comes from a row or from the blob store. Its form isn't checked here,
 * since damaged rows have to be readable: the blob store checks every id before it uses it.
 */
export function asBlobId(text: string): BlobId {
  return text as BlobId
}

/** The number of a lease in the order of requests, unique in the store; it serves as fencing token. */
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

/** Whether a checksum covers all bytes, or the checksums of the parts. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'
