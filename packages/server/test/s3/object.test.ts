// Objects across the wire: bytes, headers, ranges, metadata, keys.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { type WireAnswer, type WireRequest, xmlText, xmlTexts } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'
import { sendRaw } from './raw.ts'

const { Bucket, server, client, at, put } = await startWithBucket('objects')

async function bodyOf(key: string): Promise<Buffer> {
  const answer = await server.send(at(key))
  assert.equal(answer.status, 200, key)
  return answer.body
}

test('a stored object comes back, at any size', async () => {
  for (const size of [0, 1, 4096, 65_536, 65_537, 3_000_000]) {
    const body = randomBytes(size)
    const answer = await put(`size-${size}`, body)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.etag, `"${createHash('md5').update(body).digest('hex')}"`)
    const found = await server.send(at(`size-${size}`))
    assert.deepEqual(found.body, body)
    assert.equal(found.headers['content-length'], String(size))
    assert.equal(found.headers['accept-ranges'], 'bytes')
    assert.equal(found.headers['content-type'], 'binary/octet-stream')
    assert.equal(found.headers['x-amz-version-id'], undefined)
    assert.equal(found.headers['x-amz-storage-class'], undefined)
  }
})

test('HEAD has the headers of GET, without a body', async () => {
  await put('head', 'seven b', { 'content-type': 'text/plain', 'x-amz-meta-a': '1' })
  const get = await server.send(at('head'))
  const head = await server.send(at('head', { method: 'HEAD' }))
  assert.equal(head.status, 200)
  assert.equal(head.body.length, 0)
  for (const name of ['content-length', 'content-type', 'etag', 'last-modified', 'x-amz-meta-a']) {
    assert.equal(head.headers[name], get.headers[name], name)
  }
  const missing = await server.send(at('no-such', { method: 'HEAD' }))
  assert.equal(missing.status, 404)
  assert.equal(missing.body.length, 0)
})

test('a missing key is NoSuchKey with the key', async () => {
  const answer = await server.send(at('no/such'))
  assert.equal(answer.status, 404)
  assert.equal(answer.headers['content-type'], 'application/xml')
  assert.equal(xmlText(answer.body, 'Code'), 'NoSuchKey')
  assert.equal(xmlText(answer.body, 'Key'), 'no/such')
  assert.equal(xmlText(answer.body, 'Resource'), '/objects/no/such')
})

test('deleting is 204 whether there was an object or not', async () => {
  await put('gone', 'x')
  for (let i = 0; i < 2; i++) {
    const answer = await server.send(at('gone', { method: 'DELETE' }))
    assert.equal(answer.status, 204)
  }
  const versioned = await server.send(
    at('gone', { method: 'DELETE', query: { versionId: 'null' } }),
  )
  assert.equal(versioned.status, 204)
})

test('the version null is the object, any other is none', async () => {
  await put('version', 'x')
  const current = await server.send(at('version', { query: { versionId: 'null' } }))
  assert.equal(current.body.toString(), 'x')
  const other = await server.send(at('version', { query: { versionId: 'abc' } }))
  assert.equal(other.status, 404)
  assert.equal(xmlText(other.body, 'Code'), 'NoSuchVersion')
  const none = await server.send(at('version', { query: { versionId: '' } }))
  assert.equal(xmlText(none.body, 'Code'), 'InvalidArgument')
  const absent = await server.send(at('version-absent', { query: { versionId: 'abc' } }))
  assert.equal(xmlText(absent.body, 'Code'), 'NoSuchVersion')
  const attributes = await server.send(
    at('version-absent', {
      query: { versionId: 'abc', attributes: '' },
      headers: { 'x-amz-object-attributes': 'ETag' },
    }),
  )
  assert.equal(xmlText(attributes.body, 'Code'), 'NoSuchVersion')
})

test('a write names no version, and a deletion none but null', async () => {
  const outcome = async (rest: Partial<WireRequest>): Promise<(string | number | undefined)[]> => {
    const { status, body } = await server.send(at('versioned', rest))
    return [status, xmlText(body, 'Code'), xmlText(body, 'Message')]
  }
  await put('versioned', 'before')
  const body = Buffer.from('after')
  const headers = {
    'x-amz-copy-source': `${Bucket}/versioned`,
    'x-amz-metadata-directive': 'REPLACE',
  }
  const refused = [400, 'InvalidArgument', 'This operation does not accept a version-id.']
  for (const versionId of ['abc', 'null', '']) {
    assert.deepEqual(await outcome({ method: 'PUT', query: { versionId }, body }), refused)
    assert.deepEqual(await outcome({ method: 'PUT', query: { versionId }, headers }), refused)
  }
  const remove = (versionId: string): ReturnType<typeof outcome> =>
    outcome({ method: 'DELETE', query: { versionId } })
  const invalid = [400, 'InvalidArgument', 'Invalid version id specified']
  assert.deepEqual(await remove('abc'), invalid)
  assert.deepEqual(await remove(''), [
    400,
    'InvalidArgument',
    'Version id cannot be the empty string',
  ])
  assert.equal((await server.send(at('versioned'))).body.toString(), 'before')
})

test('system headers are kept', async () => {
  const kept = {
    'cache-control': 'max-age=60',
    'content-disposition': 'attachment; filename="a.txt"',
    'content-encoding': 'gzip',
    'content-language': 'de',
    'content-type': 'text/plain; charset=utf-8',
    expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
  }
  await put('system', 'x', kept)
  const answer = await server.send(at('system'))
  for (const [name, value] of Object.entries(kept)) assert.equal(answer.headers[name], value)
})

test('a header that is not a date is kept in Expires all the same', async () => {
  await put('expires', 'x', { expires: 'soon' })
  assert.equal((await server.send(at('expires'))).headers.expires, 'soon')
})

test('user metadata has lower-case names and exact values', async () => {
  await put('meta', 'x', { 'x-amz-meta-color': 'Red Green', 'x-amz-meta-empty': '' })
  const { headers } = await server.send(at('meta'))
  assert.equal(headers['x-amz-meta-color'], 'Red Green')
  assert.equal(headers['x-amz-meta-empty'], '')
})

test('metadata beyond ASCII comes back as an encoded word', async () => {
  const text = 'Grüße 日本'
  const raw = Buffer.from(text, 'utf8').toString('latin1')
  const wanted = at('unicode', { method: 'PUT', headers: { 'x-amz-meta-greeting': raw } })
  const answer = await sendRaw(server, { ...wanted, body: Buffer.from('x') })
  assert.equal(answer.status, 200)
  const { headers } = await server.send(at('unicode'))
  const encoded = `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`
  assert.equal(headers['x-amz-meta-greeting'], encoded)
})

test('user metadata may have 2,048 bytes and not one more', async () => {
  const fits = await put('full-meta', 'x', { 'x-amz-meta-a': 'v'.repeat(2047) })
  assert.equal(fits.status, 200)
  const over = await put('full-meta', 'x', { 'x-amz-meta-a': 'v'.repeat(2048) })
  assert.equal(over.status, 400)
  assert.equal(xmlText(over.body, 'Code'), 'MetadataTooLarge')
})

test('the storage class is echoed, and only known ones are taken', async () => {
  await put('cold', 'x', { 'x-amz-storage-class': 'STANDARD_IA' })
  assert.equal((await server.send(at('cold'))).headers['x-amz-storage-class'], 'STANDARD_IA')
  const answer = await put('cold', 'x', { 'x-amz-storage-class': 'LUKEWARM' })
  assert.equal(xmlText(answer.body, 'Code'), 'InvalidStorageClass')
})

test('response parameters take the place of headers', async () => {
  await put('override', 'x', { 'content-type': 'text/plain' })
  const query = {
    'response-cache-control': 'no-cache',
    'response-content-disposition': 'attachment; filename="ä.txt"',
    'response-content-encoding': 'identity',
    'response-content-language': 'fr',
    'response-content-type': 'text/html',
    'response-expires': 'Thu, 01 Dec 2033 16:00:00 GMT',
  }
  const { headers } = await server.send(at('override', { query }))
  for (const [name, value] of Object.entries(query)) {
    assert.equal(headers[name.slice('response-'.length)], value)
  }
  for (const value of ['日本', 'a\r\nx-injected: 1']) {
    const answer = await server.send(at('override', { query: { 'response-content-type': value } }))
    assert.equal(answer.status, 400)
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidArgument')
    assert.equal(answer.headers['x-injected'], undefined)
  }
})

test('a response parameter that no header can carry leaves no reader behind', {
  timeout: 10_000,
}, async () => {
  await put('large-override', randomBytes(100_000))
  for (const method of ['GET', 'HEAD']) {
    const query = { 'response-content-type': '\u0001' }
    const answer = await server.send(at('large-override', { method, query }))
    assert.equal(answer.status, 400)
  }
  await server.store.services.readers.drain()
})

test('names of the language are no parameters, and no metadata', async () => {
  await put('language', 'x')
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty']) {
    assert.equal((await server.send(at('language', { query: { [name]: '1' } }))).status, 200)
  }
  const refused = await put('language', 'y', { 'x-amz-meta-__proto__': '1' })
  assert.equal(refused.status, 501)
  await put('language', 'z', { 'x-amz-meta-constructor': '1' })
  assert.equal((await server.send(at('language'))).headers['x-amz-meta-constructor'], '1')
})

test('ranges are cut as HTTP says', async () => {
  for (const [key, size] of [
    ['range', 10],
    ['range-blob', 200_000],
  ] as const) {
    const body = randomBytes(size)
    await put(key, body)
    const cases: [string, number, number][] = [
      ['bytes=0-0', 0, 0],
      ['bytes=2-5', 2, 5],
      ['bytes=7-', 7, size - 1],
      ['bytes=-3', size - 3, size - 1],
      [`bytes=-${size + 5}`, 0, size - 1],
      [`bytes=4-${size * 2}`, 4, size - 1],
      ['bytes=0-99999999999999999999999', 0, size - 1],
    ]
    for (const [range, start, end] of cases) {
      const answer = await server.send(at(key, { headers: { range } }))
      assert.equal(answer.status, 206, range)
      assert.deepEqual(answer.body, body.subarray(start, end + 1), range)
      assert.equal(answer.headers['content-range'], `bytes ${start}-${end}/${size}`)
      assert.equal(answer.headers['content-length'], String(end - start + 1))
      const head = await server.send(at(key, { method: 'HEAD', headers: { range } }))
      assert.equal(head.status, 206)
      assert.equal(head.headers['content-length'], String(end - start + 1))
    }
  }
})

test('a range beyond the end is 416, several ranges or nonsense are the whole', async () => {
  await put('whole', '0123456789')
  for (const range of ['bytes=10-', 'bytes=10-20', 'bytes=-0']) {
    const answer = await server.send(at('whole', { headers: { range } }))
    assert.equal(answer.status, 416, range)
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidRange')
    assert.equal(xmlText(answer.body, 'ActualObjectSize'), '10')
    assert.equal(xmlText(answer.body, 'RangeRequested'), range)
    assert.equal(answer.headers['content-range'], 'bytes */10')
  }
  for (const range of ['bytes=0-1,4-5', 'bytes=5-2', 'bytes=a-b', 'bytes=-', 'lines=1-2', '']) {
    const answer = await server.send(at('whole', { headers: { range } }))
    assert.equal(answer.status, 200, range)
    assert.equal(answer.body.toString(), '0123456789')
  }
  await put('empty', '')
  const empty = await server.send(at('empty', { headers: { range: 'bytes=0-' } }))
  assert.equal(empty.status, 416)
})

test('If-Range decides between the range and the whole', async () => {
  const { headers } = await put('if-range', '0123456789')
  const date = String((await server.send(at('if-range'))).headers['last-modified'])
  const range = 'bytes=0-1'
  const old = new Date(Date.parse(date) - 5000).toUTCString()
  const cases: [string, number][] = [
    [String(headers.etag), 206],
    ['"other"', 200],
    [`W/${headers.etag}`, 200],
    [date, 206],
    [old, 200],
    ['nonsense', 200],
  ]
  for (const [value, status] of cases) {
    const answer = await server.send(at('if-range', { headers: { range, 'if-range': value } }))
    assert.equal(answer.status, status, value)
  }
})

test('the only part of a plain object is all of it', async () => {
  await put('one-part', 'whole')
  const answer = await server.send(at('one-part', { query: { partNumber: '1' } }))
  assert.equal(answer.status, 206)
  assert.equal(answer.body.toString(), 'whole')
  assert.equal(answer.headers['x-amz-mp-parts-count'], undefined)
  const checked = await server.send(
    at('one-part', { query: { partNumber: '1' }, headers: { 'x-amz-checksum-mode': 'ENABLED' } }),
  )
  assert.match(String(checked.headers['x-amz-checksum-crc64nvme']), /=$/)
  const second = await server.send(at('one-part', { query: { partNumber: '2' } }))
  assert.equal(second.status, 416)
  assert.equal(xmlText(second.body, 'Code'), 'InvalidPartNumber')
  for (const partNumber of ['0', '-1', '10001', 'x', '1e3', '']) {
    const bad = await server.send(at('one-part', { query: { partNumber } }))
    assert.equal(bad.status, 400, partNumber)
    assert.equal(xmlText(bad.body, 'Code'), 'InvalidArgument')
  }
  const headers = { range: 'bytes=0-1' }
  const both = await server.send(at('one-part', { headers, query: { partNumber: '1' } }))
  assert.equal(xmlText(both.body, 'Code'), 'InvalidRequest')
})

const oddKeys = [
  'a//b',
  '/leading',
  '//',
  '/',
  'trailing/',
  'a/./b',
  'a/../b',
  '.',
  '..',
  '../..',
  'a+b',
  'a b',
  ' ',
  'per%cent',
  '%2F',
  'per%20cent',
  'q?a=b&c',
  'hash#',
  'semi;colon',
  'quote\'"',
  '<&>',
  'tab\tkey',
  'line\nfeed',
  '\u0001\u001f',
  'nul\u0000',
  '日本語/キー',
  'é',
  'e\u0301',
  '😀',
  '\u{10ffff}',
  '\ufffe',
  '*',
  '~',
  '(x)',
  '!$,:=@[]^`{|}\\',
  '[]',
  'index.html',
  'a',
  'a/',
  'a/b',
]

test('any UTF-8 text is a key, just as it was sent', async () => {
  for (const key of oddKeys) {
    assert.equal((await put(key, key)).status, 200, JSON.stringify(key))
  }
  for (const key of oddKeys) assert.equal((await bodyOf(key)).toString(), key)
  const found: string[] = []
  let token: string | undefined
  do {
    const query: Record<string, string> = {
      'list-type': '2',
      'encoding-type': 'url',
      'max-keys': '7',
    }
    if (token !== undefined) query['continuation-token'] = token
    const page = await server.send({ method: 'GET', path: `/${Bucket}`, query })
    assert.equal(page.status, 200)
    found.push(...xmlTexts(page.body, 'Key').map(decodeURIComponent))
    token = xmlText(page.body, 'NextContinuationToken')
  } while (token !== undefined)
  for (const key of oddKeys) assert.ok(found.includes(key), JSON.stringify(key))
  assert.deepEqual(
    found,
    [...found].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
  for (const key of oddKeys) {
    const gone = await server.send(at(key, { method: 'DELETE' }))
    assert.equal(gone.status, 204)
    assert.equal((await server.send(at(key))).status, 404)
  }
})

test('a key may have 1,024 bytes and not one more', async () => {
  for (const unit of ['k', 'é', '日', 'a/']) {
    const size = Buffer.byteLength(unit)
    const fits = unit.repeat(Math.floor(1024 / size))
    assert.equal((await put(fits, 'x')).status, 200, unit)
    assert.equal((await server.send(at(fits))).status, 200, unit)
    for (const method of ['PUT', 'GET', 'DELETE']) {
      const answer = await server.send(at(`${fits}${unit}k`, { method, body: Buffer.from('x') }))
      assert.equal(answer.status, 400)
      assert.equal(xmlText(answer.body, 'Code'), 'KeyTooLongError')
    }
  }
})

test('an object and a folder of one name are two things', async () => {
  await put('twin', 'object')
  await put('twin/', 'marker')
  await put('twin/child', 'child')
  assert.equal((await bodyOf('twin')).toString(), 'object')
  assert.equal((await bodyOf('twin/')).toString(), 'marker')
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'twin' }))
  assert.equal((await bodyOf('twin/child')).toString(), 'child')
})

test('a path that is not UTF-8 is no URI', async () => {
  for (const path of [
    '/objects/%ff',
    '/objects/%',
    '/objects/%zz',
    '/objects/%c0%af',
    '/objects/%ed%a0%80',
  ]) {
    const answer = await server.send({ method: 'GET', path })
    assert.equal(answer.status, 400, path)
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidURI')
  }
})

test('DeleteObjects tells of each key, or of failures only', async () => {
  await put('del-1', 'x')
  await put('del-2', 'x')
  const Objects = [{ Key: 'del-1' }, { Key: 'del-2', VersionId: 'null' }, { Key: 'never-was' }]
  const loud = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  assert.deepEqual(
    loud.Deleted?.map(({ Key }) => Key),
    ['del-1', 'del-2', 'never-was'],
  )
  await put('del-1', 'x')
  const quiet = await client.send(
    new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
  )
  assert.equal(quiet.Deleted, undefined)
  assert.equal((await server.send(at('del-1'))).status, 404)
})

test('DeleteObjects takes an empty version for none', async () => {
  await put('del-3', 'x')
  const Objects = [{ Key: 'del-3', VersionId: '' }]
  const answer = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  assert.deepEqual(answer.Deleted, [{ Key: 'del-3' }])
  assert.equal((await server.send(at('del-3'))).status, 404)
})

test('DeleteObjects takes 1,000 keys and not one more', async () => {
  const keys = Array.from({ length: 1000 }, (_, i) => ({ Key: `bulk/${i}` }))
  await put('bulk/0', 'x')
  await put('bulk/999', 'x')
  const answer = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys } }))
  assert.equal(answer.Deleted?.length, 1000)
  assert.equal((await server.send(at('bulk/999'))).status, 404)
  const Objects = [...keys, { Key: 'one-more' }]
  await assert.rejects(client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } })), {
    name: 'MalformedXML',
  })
})

test('DeleteObjects checks each entry by its own conditions', async () => {
  const { headers } = await put('cond-1', 'one')
  await put('cond-2', 'two')
  await put('cond-3', 'three')
  const answer = await client.send(
    new DeleteObjectsCommand({
      Bucket,
      Delete: {
        Objects: [
          { Key: 'cond-1', ETag: String(headers.etag) },
          { Key: 'cond-2', ETag: '"another"' },
          { Key: 'cond-3', Size: 4 },
          { Key: 'cond-4', ETag: '*' },
        ],
      },
    }),
  )
  assert.deepEqual(
    answer.Deleted?.map(({ Key }) => Key),
    ['cond-1'],
  )
  assert.deepEqual(
    answer.Errors?.map(({ Key, Code }) => [Key, Code]),
    [
      ['cond-2', 'PreconditionFailed'],
      ['cond-3', 'PreconditionFailed'],
      ['cond-4', 'NoSuchKey'],
    ],
  )
})

test('DeleteObjects needs a digest and a document', async () => {
  const path = `/${Bucket}`
  const query = { delete: '' }
  const md5 = (body: Buffer): Record<string, string> => ({
    'content-md5': createHash('md5').update(body).digest('base64'),
  })
  const send = (body: Buffer, headers: Record<string, string>): Promise<WireAnswer> =>
    server.send({ method: 'POST', path, query, body, headers })
  const good = Buffer.from('<Delete><Object><Key>a</Key></Object></Delete>')
  assert.equal((await send(good, md5(good))).status, 200)
  const cases: [string, Buffer, Record<string, string>][] = [
    ['InvalidRequest', good, {}],
    ['BadDigest', good, md5(Buffer.from('other'))],
    ['InvalidDigest', good, { 'content-md5': 'nonsense' }],
    ['MissingRequestBodyError', Buffer.alloc(0), md5(Buffer.alloc(0))],
  ]
  const malformed = [
    '<Delete/>',
    '<Delete><Object/></Delete>',
    '<Other/>',
    'no xml',
    '<Delete><Object><Key></Key></Object></Delete>',
  ]
  for (const text of malformed)
    cases.push(['MalformedXML', Buffer.from(text), md5(Buffer.from(text))])
  for (const [code, body, headers] of cases) {
    const answer = await send(body, headers)
    assert.equal(answer.status, 400, code)
    assert.equal(xmlText(answer.body, 'Code'), code, body.toString())
  }
})

test('attributes are told one by one', async () => {
  await client.send(
    new PutObjectCommand({ Bucket, Key: 'attr', Body: 'hello', ChecksumAlgorithm: 'SHA256' }),
  )
  const all = await client.send(
    new GetObjectAttributesCommand({
      Bucket,
      Key: 'attr',
      ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'],
    }),
  )
  assert.equal(all.ETag, '5d41402abc4b2a76b9719d911017c592')
  assert.equal(all.Checksum?.ChecksumSHA256, createHash('sha256').update('hello').digest('base64'))
  assert.equal(all.Checksum?.ChecksumType, 'FULL_OBJECT')
  assert.equal(all.ObjectParts, undefined)
  assert.equal(all.StorageClass, 'STANDARD')
  assert.equal(all.ObjectSize, 5)
  assert.ok(all.LastModified)
  const query = { attributes: '' }
  const missing = await server.send(at('attr', { query }))
  assert.equal(xmlText(missing.body, 'Code'), 'InvalidRequest')
  const headers = { 'x-amz-object-attributes': 'ETag,Wings' }
  const unknown = await server.send(at('attr', { query, headers }))
  assert.equal(xmlText(unknown.body, 'Code'), 'InvalidArgument')
})

test('the SDK sees every field of an object', async () => {
  await client.send(
    new PutObjectCommand({
      Bucket,
      Key: 'sdk',
      Body: 'body',
      CacheControl: 'no-store',
      ContentDisposition: 'inline',
      ContentLanguage: 'en',
      ContentType: 'text/plain',
      Metadata: { Color: 'red' },
    }),
  )
  const found = await client.send(new GetObjectCommand({ Bucket, Key: 'sdk' }))
  assert.equal(await found.Body?.transformToString(), 'body')
  assert.equal(found.CacheControl, 'no-store')
  assert.equal(found.ContentDisposition, 'inline')
  assert.equal(found.ContentLanguage, 'en')
  assert.equal(found.ContentType, 'text/plain')
  assert.deepEqual(found.Metadata, { color: 'red' })
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'sdk' }))
  assert.equal(head.ContentLength, 4)
  assert.ok(Math.abs((head.LastModified?.getTime() ?? 0) - Date.now()) < 60_000)
})
