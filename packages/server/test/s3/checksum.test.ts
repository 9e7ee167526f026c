// Checksums of each S3 algorithm over the wire: stored, returned, compared, composed, copied.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { GetObjectAttributesCommand } from '@aws-sdk/client-s3'
import { startDigest } from '../../src/blob/digest.ts'
import { type WireAnswer, xmlText, xmlTexts } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'
import { RawConnection, signHead, unsignedChunks } from './raw.ts'

const mebibyte = 1_048_576
const { Bucket, server, client, at, put } = await startWithBucket('checksums')

const crcs = ['CRC32', 'CRC32C', 'CRC64NVME'] as const
const composed = ['SHA1', 'SHA256', 'SHA512', 'MD5', 'XXHASH64', 'XXHASH3', 'XXHASH128'] as const
type Algorithm = (typeof crcs)[number] | (typeof composed)[number]

function headerOf(algorithm: Algorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`
}

async function sumOf(algorithm: Algorithm, body: Buffer): Promise<string> {
  const digest = await startDigest(algorithm)
  digest.update(body)
  return digest.digest().toString('base64')
}

const mode = { 'x-amz-checksum-mode': 'ENABLED' }

test('a checksum by any algorithm is compared, kept and told', async () => {
  const body = randomBytes(70_000)
  for (const algorithm of [...crcs, ...composed]) {
    const header = headerOf(algorithm)
    const value = await sumOf(algorithm, body)
    const named = { 'x-amz-sdk-checksum-algorithm': algorithm }
    const stored = await put('told', body, { [header]: value, ...named })
    assert.deepEqual([stored.status, stored.headers[header]], [200, value], algorithm)
    for (const method of ['GET', 'HEAD']) {
      const found = await server.send(at('told', { method, headers: mode }))
      assert.equal(found.headers[header], value, algorithm)
      assert.equal(found.headers['x-amz-checksum-type'], 'FULL_OBJECT', algorithm)
    }
    const query = { attributes: '' }
    const headers = { 'x-amz-object-attributes': 'Checksum' }
    const attributes = await server.send(at('told', { query, headers }))
    assert.equal(xmlText(attributes.body, `Checksum${algorithm}`), value)
    const listed = await server.send(at('', { path: `/${Bucket}`, query: { prefix: 'told' } }))
    assert.equal(xmlText(listed.body, 'ChecksumAlgorithm'), algorithm)
    const wrong = await put('told', body.subarray(1), { [header]: value })
    assert.deepEqual([wrong.status, xmlText(wrong.body, 'Code')], [400, 'BadDigest'], algorithm)
    const short = await put('told', body, { [header]: 'AAAA' })
    assert.deepEqual([short.status, xmlText(short.body, 'Code')], [400, 'InvalidRequest'])
    const two = await put('told', body, { [header]: value, 'x-amz-checksum-crc32': 'AAAAAA==' })
    if (algorithm !== 'CRC32') assert.equal(xmlText(two.body, 'Code'), 'InvalidRequest')
  }
})

test('a checksum by any algorithm may follow the body', async () => {
  const body = Buffer.from('a body with a trailer')
  for (const algorithm of [...crcs, ...composed]) {
    const name = headerOf(algorithm)
    for (const value of [
      await sumOf(algorithm, body),
      await sumOf(algorithm, Buffer.from('other')),
    ]) {
      const framed = unsignedChunks([body], { [name]: value })
      const { text } = signHead(server, {
        method: 'PUT',
        path: `/${Bucket}/trailed`,
        payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        headers: {
          'content-encoding': 'aws-chunked',
          'x-amz-decoded-content-length': String(body.length),
          'x-amz-trailer': name,
        },
      })
      using connection = await RawConnection.open(server)
      connection.write(`${text}content-length: ${framed.length}\r\n\r\n`)
      connection.write(framed)
      const answer = await connection.answer()
      const isRight = value === (await sumOf(algorithm, body))
      assert.equal(answer.status, isRight ? 200 : 400, algorithm)
      if (isRight) assert.equal(answer.headers[name], value, algorithm)
      else assert.equal(xmlText(answer.body, 'Code'), 'BadDigest', algorithm)
    }
  }
})

async function begin(key: string, headers: Record<string, string>): Promise<WireAnswer> {
  return server.send(at(key, { method: 'POST', query: { uploads: '' }, headers }))
}

test('a checksum that is no CRC is composed of those of the parts', async () => {
  const bodies = [randomBytes(5 * mebibyte), randomBytes(100)]
  for (const algorithm of composed) {
    const asked = { 'x-amz-checksum-algorithm': algorithm }
    const whole = await begin('composed', { ...asked, 'x-amz-checksum-type': 'FULL_OBJECT' })
    assert.deepEqual([whole.status, xmlText(whole.body, 'Code')], [400, 'InvalidRequest'])
    const created = await begin('composed', asked)
    assert.equal(created.headers['x-amz-checksum-algorithm'], algorithm)
    assert.equal(created.headers['x-amz-checksum-type'], 'COMPOSITE')
    const uploadId = xmlText(created.body, 'UploadId') ?? ''
    const element = `Checksum${algorithm}`
    const values: string[] = []
    let list = ''
    for (const [index, body] of bodies.entries()) {
      const value = await sumOf(algorithm, body)
      const query = { uploadId, partNumber: String(index + 1) }
      const headers: Record<string, string> = index === 0 ? { [headerOf(algorithm)]: value } : {}
      const part = await server.send(at('composed', { method: 'PUT', query, body, headers }))
      assert.equal(part.headers[headerOf(algorithm)], value, algorithm)
      values.push(value)
      list += `<Part><PartNumber>${index + 1}</PartNumber><ETag>${part.headers.etag}</ETag><${element}>${value}</${element}></Part>`
    }
    const parts = await server.send(at('composed', { query: { uploadId } }))
    assert.deepEqual(xmlTexts(parts.body, element), values)
    assert.equal(xmlText(parts.body, 'ChecksumAlgorithm'), algorithm)
    const all = Buffer.concat(values.map((value) => Buffer.from(value, 'base64')))
    const composite = await sumOf(algorithm, all)
    const complete = (sum: string): Promise<WireAnswer> => {
      const body = Buffer.from(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`)
      const headers = { [headerOf(algorithm)]: sum }
      return server.send(at('composed', { method: 'POST', query: { uploadId }, body, headers }))
    }
    const wrong = await complete(values[0] ?? '')
    assert.equal(xmlText(wrong.body, 'Code'), 'BadDigest')
    const done = await complete(`${composite}-2`)
    assert.equal(xmlText(done.body, element), `${composite}-2`)
    const head = await server.send(at('composed', { method: 'HEAD', headers: mode }))
    assert.equal(head.headers[headerOf(algorithm)], `${composite}-2`)
    // Unlike all other responses, this one has the number of parts in a separate element.
    const told = await client.send(
      new GetObjectAttributesCommand({
        ...{ Bucket, Key: 'composed' },
        ObjectAttributes: ['Checksum', 'ObjectParts'],
      }),
    )
    assert.equal(told.Checksum?.[`Checksum${algorithm}`], composite)
    assert.equal(told.Checksum?.ChecksumType, 'COMPOSITE')
    assert.equal(told.ObjectParts?.TotalPartsCount, 2)
    const sums = told.ObjectParts?.Parts?.map((part) => part[`Checksum${algorithm}`])
    assert.deepEqual(sums, values)
  }
})

test('a copy gets the checksum that is asked for, by any algorithm', async () => {
  const body = Buffer.from('copied')
  await put('from', body, {})
  for (const algorithm of [...crcs, ...composed]) {
    const headers = {
      'x-amz-copy-source': `${Bucket}/from`,
      'x-amz-checksum-algorithm': algorithm,
    }
    const copy = await server.send(at('to', { method: 'PUT', headers }))
    const value = await sumOf(algorithm, body)
    assert.equal(xmlText(copy.body, `Checksum${algorithm}`), value, algorithm)
    const head = await server.send(at('to', { method: 'HEAD', headers: mode }))
    assert.equal(head.headers[headerOf(algorithm)], value)
  }
})

test('an MD5 as a checksum is something else than the MD5 of a body in transit', async () => {
  const body = Buffer.from('hello')
  const value = createHash('md5').update(body).digest('base64')
  const wrong = createHash('md5').update('other').digest('base64')
  const both = { 'content-md5': value, 'x-amz-checksum-md5': value }
  assert.equal((await put('both', body, both)).status, 200)
  const head = await server.send(at('both', { method: 'HEAD', headers: mode }))
  assert.equal(head.headers['x-amz-checksum-md5'], value)
  await put('transit', body, { 'content-md5': value })
  const other = await server.send(at('transit', { method: 'HEAD', headers: mode }))
  assert.equal(other.headers['x-amz-checksum-md5'], undefined)
  for (const headers of [
    { ...both, 'content-md5': wrong },
    { ...both, 'x-amz-checksum-md5': wrong },
  ]) {
    assert.equal(xmlText((await put('both', body, headers)).body, 'Code'), 'BadDigest')
  }
})

test('a document may be protected by any algorithm', async () => {
  const body = Buffer.from('<Delete><Object><Key>none</Key></Object></Delete>')
  for (const algorithm of [...crcs, ...composed]) {
    const headers = { [headerOf(algorithm)]: await sumOf(algorithm, body) }
    const wanted = { method: 'POST', path: `/${Bucket}`, query: { delete: '' }, body }
    assert.equal((await server.send({ ...wanted, headers })).status, 200, algorithm)
  }
})
