import assert from 'node:assert/strict'
import { createHash, createHmac, createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { isStoreError, type StoreError } from '../../base/errors.ts'
import { ownLimits } from '../../base/limits.ts'
import { collect, cut, reusing } from '../../base/pieces.fixture.ts'
import { ChunkedBody, type ChunkSigning, withoutAwsChunked } from './chunked.ts'
import { isSignError, type SignError } from './error.ts'
import { type Payload, verifiedBody } from './payload.ts'
import { wordsOf } from './wording.ts'

const { HOLDFAST_TEST_SCALE: scale = '1' } = process.env
const signing: ChunkSigning = {
  accessKeyId: 'AKID',
  key: createSecretKey(Buffer.alloc(32, 7)),
  seed: 'ab'.repeat(32),
  timestamp: '20240101T000000Z',
  scope: '20240101/us-east-1/s3/aws4_request',
}

interface Trailer {
  readonly name: string
  readonly value: string
}

/** A body framed as a client does it. */
function frame(
  chunks: readonly Buffer[],
  isSigned: boolean,
  trailers?: readonly Trailer[],
): Buffer {
  const parts: Buffer[] = []
  let previous = signing.seed
  const link = (kind: string, text: string): string => {
    const { timestamp, scope } = signing
    const whole = `AWS4-HMAC-SHA256-${kind}\n${timestamp}\n${scope}\n${previous}\n${text}`
    previous = createHmac('sha256', signing.key).update(whole).digest('hex')
    return previous
  }
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    const digests = `${sha256(Buffer.alloc(0))}\n${sha256(chunk)}`
    const extension = isSigned ? `;chunk-signature=${link('PAYLOAD', digests)}` : ''
    parts.push(Buffer.from(`${chunk.byteLength.toString(16)}${extension}\r\n`), chunk)
    if (chunk.byteLength > 0) parts.push(Buffer.from('\r\n'))
  }
  for (const { name, value } of trailers ?? []) parts.push(Buffer.from(`${name}:${value}\r\n`))
  if (isSigned && trailers !== undefined) {
    const canonical = trailers.map(({ name, value }) => `${name}:${value}\n`).join('')
    const signature = link('TRAILER', sha256(Buffer.from(canonical)))
    parts.push(Buffer.from(`x-amz-trailer-signature:${signature}\r\n`))
  }
  parts.push(Buffer.from('\r\n'))
  return Buffer.concat(parts)
}

interface Case {
  readonly isSigned?: boolean
  readonly decodedBytes: number
  readonly trailers?: readonly string[] | undefined
}

function decoder(
  pieces: readonly Uint8Array[],
  { isSigned, decodedBytes, trailers }: Case,
): ChunkedBody {
  return new ChunkedBody(reusing(pieces, lineFeed), {
    decodedBytes,
    signing: isSigned === false ? undefined : signing,
    trailerNames: trailers,
  })
}

/** The byte that could be taken for the end of a line. */
const lineFeed = 0x0a
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const hello = [Buffer.from('hello '), Buffer.from('world')]
const crc: Trailer = { name: 'x-amz-checksum-crc32', value: 'DUoRhQ==' }
const isRefusal = (error: unknown): error is SignError | StoreError =>
  isSignError(error) || isStoreError(error)
const codeOf = (error: SignError | StoreError): string =>
  isSignError(error) ? wordsOf(error.refusal).code : error.code
const code = (expected: string) => (error: unknown) =>
  isRefusal(error) && codeOf(error) === expected

test('decoding undoes framing, however the bytes arrive', async () => {
  const body = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 4 })
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(
      body,
      cuts,
      fc.boolean(),
      fc.boolean(),
      async (body, cuts, isSigned, hasTrailer) => {
        const chunks = body.map((chunk) => Buffer.from(chunk))
        const whole = Buffer.concat(chunks)
        const trailers = hasTrailer || !isSigned ? [crc] : undefined
        const source = decoder(cut(frame(chunks, isSigned, trailers), cuts), {
          isSigned,
          decodedBytes: whole.byteLength,
          trailers: trailers?.map(({ name }) => name),
        })
        assert.ok((await collect(source)).equals(whole))
        assert.deepEqual({ ...source.trailers }, trailers ? { [crc.name]: crc.value } : {})
      },
    ),
    { numRuns: 300 * Number(scale) },
  )
})

test('big chunks are handed on without a copy', async () => {
  const bytes = Buffer.alloc(100_000, 1)
  const framed = frame([bytes], false)
  const source = new ChunkedBody(only(framed), {
    decodedBytes: 100_000,
    signing: undefined,
    trailerNames: [],
  })
  for await (const piece of source) {
    assert.equal(piece.buffer, framed.buffer)
    assert.equal(piece.byteLength, 100_000)
  }
})

async function* only(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk
}

test('a changed byte anywhere in a signed body is found', async () => {
  const framed = frame(hello, true, [crc])
  const trailers = [crc.name]
  for (let at = 0; at < framed.byteLength; at++) {
    const changed = Buffer.from(framed)
    changed[at] = (changed[at] ?? 0) ^ 0x01
    await assert.rejects(collect(decoder([changed], { decodedBytes: 11, trailers })), (error) =>
      isRefusal(error),
    )
  }
  for (let length = 0; length < framed.byteLength - 4; length++) {
    const short = framed.subarray(0, length)
    await assert.rejects(collect(decoder([short], { decodedBytes: 11, trailers })), (error) =>
      isRefusal(error),
    )
  }
})

test('chunks out of order, left out or repeated do not verify', async () => {
  const framed = frame(hello, true).toString('latin1')
  const [first = '', second = '', last = ''] = framed.split(/(?<=hello \r\n|world\r\n)/)
  for (const order of [
    [second, first, last],
    [first, last],
    [first, first, second, last],
  ]) {
    const body = collect(decoder([Buffer.from(order.join(''), 'latin1')], { decodedBytes: 11 }))
    await assert.rejects(body, (error) => isRefusal(error))
  }
})

test('a wrong chunk signature is SignatureDoesNotMatch', async () => {
  const framed = frame(hello, true).toString('latin1').replace('hello ', 'hullo ')
  const body = collect(decoder([Buffer.from(framed, 'latin1')], { decodedBytes: 11 }))
  await assert.rejects(body, code('SignatureDoesNotMatch'))
})

test('a body that is shorter or longer than it said is IncompleteBody', async () => {
  const framed = frame(hello, false)
  for (const decodedBytes of [0, 10, 12]) {
    const body = collect(decoder([framed], { isSigned: false, decodedBytes, trailers: [] }))
    await assert.rejects(body, code('IncompleteBody'))
  }
})

test('framing that is none is InvalidRequest', async () => {
  for (const text of [
    'zz\r\n',
    '5;chunk-signature=12\r\nhello\r\n0\r\n\r\n',
    '5\r\nhelloworld\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\r\n\r\nmore',
    '-5\r\nhello\r\n0\r\n\r\n',
    '0x5\r\nhello\r\n0\r\n\r\n',
    '\r\n',
    'a'.repeat(ownLimits.chunkLineBytes + 1),
  ]) {
    const body = collect(
      decoder([Buffer.from(text)], { isSigned: false, decodedBytes: 5, trailers: [] }),
    )
    await assert.rejects(body, code('InvalidRequest'), text)
  }
  const unsigned = frame(hello, false)
  await assert.rejects(collect(decoder([unsigned], { decodedBytes: 11 })), code('InvalidRequest'))
})

test('trailers must be those that were announced, once each', async () => {
  const body = '5\r\nhello\r\n0\r\n'
  const announced = { isSigned: false, decodedBytes: 5, trailers: [crc.name] }
  const line = 'X-Amz-Checksum-Crc32: DUoRhQ== \r\n'
  const good = decoder([Buffer.from(`${body}${line}\r\n`)], announced)
  await collect(good)
  assert.deepEqual({ ...good.trailers }, { [crc.name]: crc.value })
  const lines = 'x-amz-meta-a:1\r\n'
  for (const end of [
    '\r\n',
    `${lines}\r\n`,
    `${line}${line}\r\n`,
    `${line}${lines}\r\n`,
    'junk\r\n\r\n',
    ':v\r\n\r\n',
  ]) {
    await assert.rejects(
      collect(decoder([Buffer.from(body + end)], announced)),
      code('MalformedTrailer'),
      end,
    )
  }
})

test('a signed trailer needs its signature', async () => {
  const framed = frame(hello, true, [crc]).toString('latin1')
  const unsigned = framed.replace(/x-amz-trailer-signature:.*\r\n/, '')
  const body = collect(decoder([Buffer.from(unsigned)], { decodedBytes: 11, trailers: [crc.name] }))
  await assert.rejects(body, code('MalformedTrailer'))
})

test('any body ends in a value or in a refusal', async () => {
  const valid = [frame(hello, false, [crc]), frame(hello, true), frame(hello, true, [crc])]
  const token = fc.constantFrom(
    '\r\n',
    '\n',
    '\r',
    ';',
    '0',
    'f',
    'ffffffffffff',
    'chunk-signature=',
    ':',
    '0\r\n\r\n',
    crc.name,
  )
  const change = fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.nat(8),
    fc.oneof(token, fc.string({ maxLength: 3 })),
  )
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 })
  const changes = fc.array(change, { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...valid),
      changes,
      cuts,
      fc.boolean(),
      async (framed, changes, cuts, isSigned) => {
        let text = framed.toString('latin1')
        for (const [at, drop, insert] of changes) {
          const place = Math.floor(at * text.length)
          text = text.slice(0, place) + insert + text.slice(place + drop)
        }
        const pieces = cut(Buffer.from(text, 'latin1'), cuts)
        try {
          await collect(decoder(pieces, { isSigned, decodedBytes: 11, trailers: [crc.name] }))
        } catch (error) {
          assert.ok(isRefusal(error), String(error))
        }
      },
    ),
    { numRuns: 2000 * Number(scale) },
  )
})

test('x-amz-decoded-content-length is needed, and must be a number', () => {
  const payload: Payload = { kind: 'chunked', signing: undefined, hasTrailers: true }
  assert.throws(
    () => verifiedBody(only(Buffer.alloc(0)), payload, {}),
    code('MissingContentLength'),
  )
  const headers = { 'x-amz-decoded-content-length': '1e3' }
  assert.throws(
    () => verifiedBody(only(Buffer.alloc(0)), payload, headers),
    code('InvalidArgument'),
  )
})

test('a body that does not have the signed SHA-256 is refused at its end', async () => {
  const hex = sha256(Buffer.from('hello'))
  const headers = { 'content-length': '5' }
  const good = verifiedBody(only(Buffer.from('hello')), { kind: 'sha256', hex }, headers)
  assert.equal((await collect(good.source)).toString(), 'hello')
  const bad = verifiedBody(only(Buffer.from('hullo')), { kind: 'sha256', hex }, headers)
  await assert.rejects(collect(bad.source), code('ContentSha256Mismatch'))
})

test('the source is closed when the reader stops early', async () => {
  let isClosed = false
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield frame(hello, false)
    } finally {
      isClosed = true
    }
  }
  const body = new ChunkedBody(source(), { decodedBytes: 11, signing: undefined, trailerNames: [] })
  for await (const _ of body) break
  assert.ok(isClosed)
})

test('aws-chunked is no content encoding of the object', () => {
  assert.equal(withoutAwsChunked(undefined), undefined)
  assert.equal(withoutAwsChunked('aws-chunked'), undefined)
  assert.equal(withoutAwsChunked('AWS-chunked, gzip'), 'gzip')
  assert.equal(withoutAwsChunked('gzip,br'), 'gzip,br')
})
