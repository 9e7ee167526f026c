// Receives a body, and hashes it while storing it. A small body stays in memory, for a row of the commit; a
// large one becomes a blob. Then the client's announced size and checksums are verified.

import type { HeldBytes } from '../base/budget.ts'
import type { Bytes } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import { Gathered } from '../base/gathered.ts'
import { s3Limits } from '../base/limits.ts'
import type { BlobId, ChecksumAlgorithm } from '../base/terms.ts'
import type { ByteSource } from '../blob/blob.ts'
import { digesting } from '../blob/digest.ts'
import { type BlobSums, joinSums } from '../blob/sums.ts'
import { putBlobBody, putRowBody } from '../store/body/body.ts'
import { isReferenced } from '../store/body/garbage.ts'
import type { Body, Checksum } from '../store/row/record.ts'
import type { CommitStep, TransferStep } from './operation.ts'

/** Largest body stored as a row of the engine; `bench/blob.ts` measures where rows and blobs cost the same. */
const rowBodyBytes = 65_536

/** A checksum announced by the client. */
export interface ChecksumRequest {
  readonly algorithm: ChecksumAlgorithm
  /** The announced base64 value; a function, because a trailer has it only after the body. */
  expected(): string | undefined
}

/** A request's body. */
export interface BodyInput {
  readonly source: ByteSource
  /** Announced bytes, undefined for a form upload; the source fails if its length differs. */
  readonly sizeBytes: number | undefined
  /** The Content-MD5 header, decoded. */
  readonly md5?: Bytes | undefined
  readonly checksum?: ChecksumRequest | undefined
  /** Bounds of the size in addition to S3's own, from a form upload's policy. */
  readonly sizeRange?: { readonly minimum: number; readonly maximum: number } | undefined
}

/** Received bytes without a reference in any row yet. */
export type Stored =
  | { readonly kind: 'empty' }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'blob'; readonly id: BlobId; readonly sums: BlobSums }

/** A received body, stored durably or held in memory, and verified against its announcements. */
export interface ReceivedBody {
  readonly stored: Stored
  readonly sizeBytes: number
  readonly md5: Buffer
  /** The base64 value of the computed checksum. */
  readonly checksum: Checksum | undefined
  /** The CRC64NVME in base64, if requested in addition to another checksum. */
  readonly crc64: string | undefined
}

/** How to store a body. */
export interface ReceiveOptions {
  /** Never store as a row, not even if empty: for parts of uploads. */
  readonly alwaysBlob?: boolean
  /** Computed if the client announced none. */
  readonly defaultChecksum?: ChecksumAlgorithm | undefined
  /** Also computes the CRC64NVME, in addition to any other checksum. */
  readonly alsoCrc64?: boolean
}

/**
 * Stores and verifies a body.
 * @throws StoreError `EntityTooLarge`, `EntityTooSmall`, `BadDigest`, `ChecksumMismatch`,
 *   `InsufficientStorage`, and the source's errors.
 */
export async function receiveBody(
  step: TransferStep,
  input: BodyInput,
  options: ReceiveOptions = {},
): Promise<ReceivedBody> {
  const maximum = Math.min(s3Limits.singlePutBytes, input.sizeRange?.maximum ?? Infinity)
  if (input.sizeBytes !== undefined && input.sizeBytes > maximum) throw tooLarge(maximum)
  const algorithm = input.checksum?.algorithm ?? options.defaultChecksum
  const algorithms: ChecksumAlgorithm[] = algorithm === undefined ? ['MD5'] : ['MD5', algorithm]
  const isCrc64Extra = options.alsoCrc64 === true && algorithm !== 'CRC64NVME'
  if (isCrc64Extra) algorithms.push('CRC64NVME')
  // A blob has CRC32s anyway, and they determine the whole body's: no need to compute it twice.
  const isSummed = isStoredAsBlob(input.sizeBytes, options)
  const taken = isSummed ? algorithms.filter((each) => each !== 'CRC32') : algorithms
  const hashed = digesting(input.source, taken)
  const stored = await store(step, bounded(hashed.source, maximum), input.sizeBytes, options)
  const sizeBytes = hashed.sizeBytes()
  const summed = isSummed && algorithm === 'CRC32' ? { CRC32: summedCrc(stored, sizeBytes) } : {}
  const digests = { ...(await hashed.results()), ...summed }
  if (sizeBytes < (input.sizeRange?.minimum ?? 0)) {
    throw new StoreError({ code: 'EntityTooSmall' })
  }
  const md5 = checkMd5(input.md5, digests)
  const checksum = checkChecksum(input.checksum, algorithm, digests)
  const crc64 = isCrc64Extra ? digests['CRC64NVME']?.toString('base64') : undefined
  return { stored, sizeBytes, md5, checksum, crc64 }
}

/**
 * Reads and verifies a small body whole, such as an XML document. Its bytes, at most `maximumBytes`, are
 * charged to `held`.
 * @throws StoreError `MessageTooLong`, `SlowDown`, `BadDigest`, `ChecksumMismatch`, and the source's
 *   errors.
 */
export async function receiveDocument(
  input: BodyInput,
  { maximumBytes, held }: { readonly maximumBytes: number; readonly held: HeldBytes },
): Promise<Buffer> {
  const algorithm = input.checksum?.algorithm
  const hashed = digesting(input.source, algorithm === undefined ? ['MD5'] : ['MD5', algorithm])
  const document = new Gathered()
  for await (const chunk of hashed.source) {
    if (hashed.sizeBytes() > maximumBytes) {
      throw new StoreError({ code: 'MessageTooLong', maximumBytes })
    }
    held.take(chunk.byteLength)
    document.add(chunk)
  }
  const digests = await hashed.results()
  checkMd5(input.md5, digests)
  checkChecksum(input.checksum, algorithm, digests)
  return document.join()
}

/** Turns stored bytes into a body with one reference, to be held by the caller's row. */
export function placeBody(step: CommitStep, stored: Stored): Body {
  switch (stored.kind) {
    case 'empty':
      return { kind: 'empty' }
    case 'bytes':
      return putRowBody(step.tx, step.services.ids.next(), stored.bytes)
    case 'blob':
      return putBlobBody(step.tx, stored.id, stored.sums)
  }
}

function isStoredAsBlob(sizeBytes: number | undefined, options: ReceiveOptions): boolean {
  return options.alwaysBlob === true || (sizeBytes !== undefined && sizeBytes > rowBodyBytes)
}

function summedCrc(stored: Stored, sizeBytes: number): Buffer {
  if (stored.kind !== 'blob') throw new Error('only a blob has checksums')
  return joinSums(stored.sums, sizeBytes)
}

async function store(
  step: TransferStep,
  source: ByteSource,
  sizeBytes: number | undefined,
  options: ReceiveOptions,
): Promise<Stored> {
  if (isStoredAsBlob(sizeBytes, options)) return storeBlob(step, source)
  const head = new Gathered()
  const iterator = source[Symbol.asyncIterator]()
  for (;;) {
    const next = await iterator.next()
    if (next.done === true) break
    head.add(next.value)
    if (head.sizeBytes > rowBodyBytes) return storeBlob(step, joined(head.join(), iterator))
  }
  if (head.sizeBytes === 0) return { kind: 'empty' }
  return { kind: 'bytes', bytes: head.join() }
}

async function storeBlob(step: TransferStep, source: ByteSource): Promise<Stored> {
  const { blobs, engine } = step.services
  const { id, sums } = await blobs.write(source)
  step.onFailure(async () => {
    // A failed commit may have been applied nevertheless. If that can't be determined, the blob is left to
    // the sweep of this process's start.
    if (!(await engine.read((tx) => isReferenced(tx, id)))) await blobs.delete(id)
  })
  return { kind: 'blob', id, sums }
}

async function* joined(head: Buffer, rest: AsyncIterator<Bytes>): ByteSource {
  try {
    yield head
    for (;;) {
      const next = await rest.next()
      if (next.done === true) return
      yield next.value
    }
  } finally {
    await rest.return?.()
  }
}

async function* bounded(source: ByteSource, maximum: number): ByteSource {
  let size = 0
  for await (const chunk of source) {
    size += chunk.byteLength
    if (size > maximum) throw tooLarge(maximum)
    yield chunk
  }
}

function tooLarge(maximum: number): StoreError {
  return new StoreError({ code: 'EntityTooLarge', maximumBytes: maximum })
}

function checkMd5(
  expected: Bytes | undefined,
  digests: Readonly<Partial<Record<ChecksumAlgorithm, Buffer>>>,
): Buffer {
  const md5 = digests['MD5']
  if (md5 === undefined) throw new Error('no MD5 was computed')
  if (expected === undefined || md5.equals(expected)) return md5
  throw new StoreError({
    code: 'BadDigest',
    expected: Buffer.from(expected).toString('base64'),
    actual: md5.toString('base64'),
  })
}

function checkChecksum(
  request: ChecksumRequest | undefined,
  algorithm: ChecksumAlgorithm | undefined,
  digests: Readonly<Partial<Record<ChecksumAlgorithm, Buffer>>>,
): Checksum | undefined {
  if (algorithm === undefined) return undefined
  const value = digests[algorithm]?.toString('base64')
  if (value === undefined) throw new Error(`no ${algorithm} was computed`)
  const expected = request?.expected()
  if (expected !== undefined && expected !== value) {
    throw new StoreError({ code: 'ChecksumMismatch', algorithm })
  }
  return { algorithm, type: 'FULL_OBJECT', value }
}
