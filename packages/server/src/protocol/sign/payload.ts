// The part of a signature that covers the body, and its verification while the body is read.
import { createHash } from 'node:crypto'
import { ChunkedBody, type ChunkSigning } from './chunked.ts'
import { SignError } from './error.ts'

/** The protection of the body (x-amz-content-sha256). */
export type Payload =
  /** The body is not signed. */
  | { readonly kind: 'unsigned' }
  /** The SHA-256 of the body is signed, in lower-case hex. */
  | { readonly kind: 'sha256'; readonly hex: string }
  /** aws-chunked framing. Each chunk is signed if `signing` is set. */
  | {
      readonly kind: 'chunked'
      readonly signing: ChunkSigning | undefined
      readonly hasTrailers: boolean
    }

/** The protection in a value of x-amz-content-sha256. */
export type PayloadForm =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'sha256'; readonly hex: string }
  | { readonly kind: 'chunked'; readonly isSigned: boolean; readonly hasTrailers: boolean }

/** Parses a value of x-amz-content-sha256; undefined for a value that S3 doesn't define. */
export function parsePayloadForm(value: string): PayloadForm | undefined {
  switch (value) {
    case 'UNSIGNED-PAYLOAD':
      return { kind: 'unsigned' }
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { kind: 'chunked', isSigned: false, hasTrailers: true }
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return { kind: 'chunked', isSigned: true, hasTrailers: false }
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { kind: 'chunked', isSigned: true, hasTrailers: true }
    default:
      return /^[0-9a-fA-F]{64}$/.test(value)
        ? { kind: 'sha256', hex: value.toLowerCase() }
        : undefined
  }
}

/** A body for operations: without framing, verified while it is read. */
export interface VerifiedBody {
  /** Reading fails, at its end at the latest, if the body differs from the signed one. */
  readonly source: AsyncIterable<Uint8Array>
  /** The size of the body without framing; undefined if the client declared none. */
  readonly decodedBytes: number | undefined
  /** The trailers by name in lower case; complete once the source has ended. */
  trailers(): Readonly<Record<string, string>>
}

/**
 * Wraps a body in the verification of its payload.
 * @throws SignError DecodedLengthRequired or InvalidBodyLength for aws-chunked without a valid x-amz-decoded-content-length.
 *   Reading throws ContentSha256Mismatch, SignatureDoesNotMatch, IncompleteBody, InvalidRequest or MalformedTrailer.
 */
export function verifiedBody(
  rawSource: AsyncIterable<Uint8Array>,
  payload: Payload,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): VerifiedBody {
  switch (payload.kind) {
    case 'unsigned':
      return plain(rawSource, headers)
    case 'sha256':
      return plain(checkSha256(rawSource, payload.hex), headers)
    case 'chunked': {
      const decodedBytes = byteCount(headers['x-amz-decoded-content-length'])
      if (decodedBytes === undefined) throw missingContentLength()
      const source = new ChunkedBody(rawSource, {
        decodedBytes,
        signing: payload.signing,
        trailerNames: payload.hasTrailers ? trailerNames(headers['x-amz-trailer']) : undefined,
      })
      return { source, decodedBytes, trailers: () => source.trailers }
    }
  }
}

type HeaderValue = string | readonly string[] | undefined

const noTrailers: Readonly<Record<string, string>> = Object.freeze({})

function plain(
  source: AsyncIterable<Uint8Array>,
  headers: Readonly<Record<string, HeaderValue>>,
): VerifiedBody {
  const declared = headers['content-length']
  const isChunked = headers['transfer-encoding'] !== undefined
  const decodedBytes = isChunked ? undefined : (byteCount(declared) ?? 0)
  return { source, decodedBytes, trailers: () => noTrailers }
}

function byteCount(value: HeaderValue): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value)) {
    throw new SignError({ code: 'InvalidBodyLength', value: String(value) })
  }
  return Number(value)
}

function missingContentLength(): SignError {
  return new SignError({ code: 'DecodedLengthRequired' })
}

function trailerNames(value: HeaderValue): string[] {
  const text = typeof value === 'string' ? value : (value?.join(',') ?? '')
  return text
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
}

async function* checkSha256(
  source: AsyncIterable<Uint8Array>,
  expected: string,
): AsyncGenerator<Uint8Array> {
  const digest = createHash('sha256')
  for await (const chunk of source) {
    digest.update(chunk)
    yield chunk
  }
  const actual = digest.digest('hex')
  if (actual !== expected) {
    throw new SignError({ code: 'PayloadHashMismatch', expected, actual })
  }
}
