// Decodes aws-chunked bodies: removes the framing, and verifies the signatures of chunks and trailers. Data is
// yielded before its chunk's signature is verified, so it must not be used before the source has ended.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
import { createHash, hash, type KeyObject } from 'node:crypto'
import { StoreError } from '../../base/errors.ts'
import { ownLimits } from '../../base/limits.ts'
import { isSameSignature, sign } from './canonical.ts'
import { SignError } from './error.ts'

/** The beginning of the chain of chunk signatures. */
export interface ChunkSigning {
  readonly accessKeyId: string
  readonly key: KeyObject
  /** The signature of the request's head. */
  readonly seed: string
  /** yyyyMMddTHHmmssZ */
  readonly timestamp: string
  readonly scope: string
}

/** The framing of a body. */
export interface ChunkedBodyOptions {
  /** x-amz-decoded-content-length. */
  readonly decodedBytes: number
  /** For the verification of chunk signatures; undefined for STREAMING-UNSIGNED-PAYLOAD-TRAILER. */
  readonly signing: ChunkSigning | undefined
  /** The trailers in x-amz-trailer, in lower case; undefined for a framing without trailers. */
  readonly trailerNames: readonly string[] | undefined
}

/** The least size of every chunk but the last, as on S3. */
const smallestChunkBytes = 8192
/** The least size of unsigned chunks. They are cheaper to process, and some clients send one per line. */
const tinyChunkBytes = 16
/** Chunks smaller than this are passed on joined, up to a number of pieces. */
const gatheredBytes = 1024
const manyPieces = 64

const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const trailerLine = /^([!-9;-~]+):([\t -~\u0080-\u00ff]*)$/
const trailerSignature = 'x-amz-trailer-signature'

/** A decoded aws-chunked body, read once. */
export class ChunkedBody implements AsyncIterable<Uint8Array> {
  readonly #reader: ByteReader
  readonly #options: ChunkedBodyOptions
  #previousSignature: string
  #trailers: Record<string, string> = {}
  #smallChunks = 0
  #isLatestSmall = false

  constructor(source: AsyncIterable<Uint8Array>, options: ChunkedBodyOptions) {
    this.#reader = new ByteReader(source)
    this.#options = options
    this.#previousSignature = options.signing?.seed ?? ''
  }

  /** The trailers by name in lower case; complete once the body was read to its end. */
  get trailers(): Readonly<Record<string, string>> {
    return this.#trailers
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const reader = this.#reader
    let left = this.#options.decodedBytes
    // Small chunks, which are passed on joined.
    const gathered: Buffer[] = []
    try {
      for (;;) {
        const { size, signature } = await this.#chunkHeader()
        if (size > left) throw incompleteBody()
        left -= size
        if (size === 0) {
          this.#checkChunk(emptySha256, signature)
          break
        }
        const digest = this.#options.signing === undefined ? undefined : createHash('sha256')
        this.#countChunk(size)
        for (let missing = size; missing > 0; ) {
          const piece = await reader.take(missing)
          if (piece === undefined) throw incompleteBody()
          digest?.update(piece)
          missing -= piece.byteLength
          if (size >= gatheredBytes) {
            if (gathered.length > 0) yield Buffer.concat(gathered.splice(0))
            yield piece
          } else {
            // Copied, since a piece is only valid until the next one is requested.
            gathered.push(Buffer.from(piece))
          }
        }
        if (gathered.length >= manyPieces) yield Buffer.concat(gathered.splice(0))
        if (digest !== undefined) this.#checkChunk(digest.digest('hex'), signature)
        if ((await reader.line()) !== '') throw malformedChunk()
      }
      if (gathered.length > 0) yield Buffer.concat(gathered.splice(0))
      if (left > 0) throw incompleteBody()
      await this.#readTrailers()
      if ((await reader.take(1)) !== undefined) throw malformedChunk()
    } finally {
      await reader.close()
    }
  }

  /** @throws SignError ChunkTooSmall if many chunks other than the last are small */
  #countChunk(size: number): void {
    const smallBytes = this.#options.signing === undefined ? tinyChunkBytes : smallestChunkBytes
    // The last chunk may be small, so a small chunk is counted when the next one begins.
    if (this.#isLatestSmall) this.#smallChunks++
    this.#isLatestSmall = size < smallBytes
    if (this.#smallChunks > ownLimits.smallChunks) throw new SignError({ code: 'ChunkTooSmall' })
  }

  async #chunkHeader(): Promise<{ size: number; signature: string }> {
    const line = await this.#reader.line()
    if (line === undefined) throw incompleteBody()
    const match = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line)
    if (match?.[1] === undefined) throw malformedChunk()
    const signature = match[2] ?? ''
    if (this.#options.signing !== undefined && signature === '') throw malformedChunk()
    return { size: Number.parseInt(match[1], 16), signature }
  }

  #checkChunk(sha256: string, signature: string): void {
    const { signing } = this.#options
    if (signing === undefined) return
    const { timestamp, scope } = signing
    this.#checkLink(
      `AWS4-HMAC-SHA256-PAYLOAD\n${timestamp}\n${scope}\n${this.#previousSignature}\n${emptySha256}\n${sha256}`,
      signature,
      signing,
    )
  }

  #checkLink(text: string, signature: string, signing: ChunkSigning): void {
    const expected = sign(signing.key, text)
    if (!isSameSignature(expected, signature)) throw chunkMismatch(text, signature, signing)
    this.#previousSignature = expected
  }

  /** Reads lines up to the empty one that ends the body. */
  async #readTrailers(): Promise<void> {
    const { trailerNames, signing } = this.#options
    let signature: string | undefined
    for (let count = 0; ; count++) {
      const line = await this.#reader.line()
      // Some clients omit the last empty line. Missing trailers are detected below.
      if (line === '' || line === undefined) break
      const [, field, value] = trailerLine.exec(line) ?? []
      if (field === undefined || value === undefined) throw malformedTrailer()
      if (trailerNames === undefined || count >= ownLimits.trailerLines) throw malformedTrailer()
      const name = field.toLowerCase()
      const isRepeated = Object.hasOwn(this.#trailers, name)
      if (name === trailerSignature && signing !== undefined) signature = value.trim()
      else if (trailerNames.includes(name) && !isRepeated) this.#trailers[name] = value.trim()
      else throw malformedTrailer()
    }
    if (trailerNames?.some((name) => !Object.hasOwn(this.#trailers, name))) throw malformedTrailer()
    if (signing !== undefined && trailerNames !== undefined && trailerNames.length > 0) {
      if (signature === undefined) throw malformedTrailer()
      this.#checkTrailers(signature, signing)
    }
  }

  #checkTrailers(signature: string, signing: ChunkSigning): void {
    const canonical = Object.keys(this.#trailers)
      .sort()
      .map((name) => `${name}:${this.#trailers[name]}\n`)
      .join('')
    const digest = hash('sha256', Buffer.from(canonical, 'latin1'), 'hex')
    const { timestamp, scope } = signing
    this.#checkLink(
      `AWS4-HMAC-SHA256-TRAILER\n${timestamp}\n${scope}\n${this.#previousSignature}\n${digest}`,
      signature,
      signing,
    )
  }
}

/** Splits a source of chunks into lines and runs of bytes. */
class ByteReader {
  readonly #iterator: AsyncIterator<Uint8Array>
  #chunk: Buffer = Buffer.alloc(0)
  #offset = 0

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]()
  }

  /**
   * A line without its CRLF; undefined at the end of the source. A line feed directly before the CRLF is ignored,
   * since AWS's own example of a signed trailer has one.
   */
  async line(): Promise<string | undefined> {
    let line = ''
    for (;;) {
      if (this.#offset >= this.#chunk.byteLength && !(await this.#more())) {
        if (line === '') return undefined
        throw incompleteBody()
      }
      const feed = this.#endOfLine(line)
      const end = feed < 0 ? this.#chunk.byteLength : feed + 1
      line += this.#chunk.toString('latin1', this.#offset, end)
      this.#offset = end
      if (line.length > ownLimits.chunkLineBytes) throw malformedChunk()
      if (feed >= 0) return line.slice(0, line.endsWith('\n\r\n') ? -3 : -2)
    }
  }

  /** The offset of the line feed of a CRLF, whose CR may be the last character of `before`. */
  #endOfLine(before: string): number {
    if (before.endsWith('\r') && this.#chunk[this.#offset] === 10) return this.#offset
    const feed = this.#chunk.indexOf('\r\n', this.#offset, 'latin1')
    return feed < 0 ? -1 : feed + 1
  }

  /** 1 to `maximum` bytes, valid until the next call; undefined at the end of the source. */
  async take(maximum: number): Promise<Buffer | undefined> {
    while (this.#offset >= this.#chunk.byteLength) {
      if (!(await this.#more())) return undefined
    }
    const start = this.#offset
    this.#offset = Math.min(start + maximum, this.#chunk.byteLength)
    return this.#chunk.subarray(start, this.#offset)
  }

  async #more(): Promise<boolean> {
    const step = await this.#iterator.next()
    if (step.done === true) return false
    const { buffer, byteOffset, byteLength } = step.value
    this.#chunk = Buffer.from(buffer, byteOffset, byteLength)
    this.#offset = 0
    return true
  }

  async close(): Promise<void> {
    await this.#iterator.return?.()
  }
}

/** The stored Content-Encoding, without `aws-chunked`, which only describes the transfer. */
export function withoutAwsChunked(contentEncoding: string | undefined): string | undefined {
  if (contentEncoding === undefined) return undefined
  const rest = contentEncoding
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding.toLowerCase() !== 'aws-chunked')
  return rest.length === 0 ? undefined : rest.join(',')
}

function incompleteBody(): StoreError {
  return new StoreError({ code: 'IncompleteBody', part: 'chunk' })
}

function malformedChunk(): SignError {
  return new SignError({ code: 'MalformedChunk' })
}

function malformedTrailer(): SignError {
  return new SignError({ code: 'MalformedTrailer' })
}

function chunkMismatch(text: string, signature: string, signing: ChunkSigning): SignError {
  return new SignError({
    code: 'ChunkSignatureMismatch',
    accessKeyId: signing.accessKeyId,
    signature,
    stringToSign: text,
  })
}
