// The requested part of a blob, and the comparison of the blob with its expected size and checksums.

import { DamagedBody } from '../base/damaged-body.ts'
import type { ByteRange, ExpectedBlob } from './blob.ts'
import { type BlobSums, fitsSums, summedBytes } from './sums.ts'

/** A part of a blob. */
export interface BlobPart {
  readonly position: number
  readonly sizeBytes: number
  /** The blob's name in DamagedBody errors. */
  readonly name: string
  /** The checksums to verify against, and the size of the whole blob. */
  readonly check?: { readonly sums: BlobSums; readonly blobBytes: number } | undefined
}

/**
 * The part of a blob of `size` bytes in `range`; the whole blob without a range.
 * @throws DamagedBody if the blob isn't as expected; Error if it has no such range
 */
export function partOf(blob: {
  readonly name: string
  readonly size: number
  readonly range: ByteRange | undefined
  readonly expected: ExpectedBlob | undefined
}): BlobPart {
  const { name, size, range, expected } = blob
  const sums = expected?.sums
  // For a range that isn't verified, only its own bytes must exist.
  const isWhole = range === undefined || sums !== undefined
  const isAsExpected = isWhole ? size === expected?.sizeBytes : range.end < size
  if (expected !== undefined && !isAsExpected) {
    throw new DamagedBody(name, `its file has ${size} bytes instead of ${expected.sizeBytes}`)
  }
  if (sums !== undefined && !fitsSums(sums, size)) {
    throw new DamagedBody(name, `it has ${sums.byteLength} bytes of checksums for ${size} bytes`)
  }
  const check = sums === undefined ? undefined : { sums, blobBytes: size }
  if (range === undefined) return { name, position: 0, sizeBytes: size, check }
  if (!Number.isSafeInteger(range.start) || !(range.start >= 0)) throw noSuchRange(range, size)
  if (!(range.start <= range.end && range.end < size)) throw noSuchRange(range, size)
  return { name, position: range.start, sizeBytes: range.end - range.start + 1, check }
}

function noSuchRange({ start, end }: ByteRange, size: number): Error {
  return new Error(`bytes ${start} to ${end} of a blob of ${size}`)
}

/** The range to read in order to verify `part`: extended to multiples of 64 KiB at both ends. */
export function checkedBytes({ position, sizeBytes, check }: BlobPart): {
  readonly start: number
  readonly end: number
} {
  const end = position + sizeBytes
  if (check === undefined || sizeBytes === 0) return { start: position, end }
  return {
    start: Math.floor(position / summedBytes) * summedBytes,
    end: Math.min(Math.ceil(end / summedBytes) * summedBytes, check.blobBytes),
  }
}
