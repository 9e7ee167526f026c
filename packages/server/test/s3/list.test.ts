// Listings across the wire, in all of S3's forms.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CreateBucketCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  ListObjectVersionsCommand,
} from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { objectPath, type WireAnswer, xmlText, xmlTexts } from '../wire.ts'
import { startForFile } from './bucket.fixture.ts'

const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? 1)
const keys = [
  'a',
  'b/1',
  'b/2',
  'b/c/3',
  'd',
  'e//f',
  'e/',
  'g+h i',
  'x|y|z',
  'zone\u0001',
  '\u{1f600}',
  '\uffee',
]
const server = await startForFile()
const client = server.client()
await fill('listing', keys)

async function fill(bucket: string, names: readonly string[]): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  for (const key of names) {
    await server.send({ method: 'PUT', path: objectPath(bucket, key), body: Buffer.from('x') })
  }
}

async function list(query: Record<string, string>, bucket = 'listing'): Promise<WireAnswer> {
  return server.send({ method: 'GET', path: `/${bucket}`, query })
}

interface Listed {
  readonly keys: string[]
  readonly prefixes: string[]
}

/** All pages of a V2 listing. */
async function listAll(
  rest: Omit<ListObjectsV2CommandInput, 'Bucket'>,
  Bucket: string,
): Promise<Listed> {
  const found: Listed = { keys: [], prefixes: [] }
  let ContinuationToken: string | undefined
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket,
        ...rest,
        ...(ContinuationToken && { ContinuationToken }),
      }),
    )
    for (const { Key = '' } of page.Contents ?? []) found.keys.push(decode(Key))
    for (const { Prefix = '' } of page.CommonPrefixes ?? []) found.prefixes.push(decode(Prefix))
    assert.equal(page.KeyCount, (page.Contents?.length ?? 0) + (page.CommonPrefixes?.length ?? 0))
    ContinuationToken = page.NextContinuationToken
    assert.equal(page.IsTruncated, ContinuationToken !== undefined)
  } while (ContinuationToken !== undefined)
  return found
}

function decode(text: string): string {
  return decodeURIComponent(text)
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** The expected listing, by definition. */
function expected(
  all: readonly string[],
  { Prefix = '', Delimiter = '', StartAfter = '' }: Omit<ListObjectsV2CommandInput, 'Bucket'>,
): Listed {
  const found: Listed = { keys: [], prefixes: [] }
  for (const key of [...all].sort(byBytes)) {
    if (!key.startsWith(Prefix)) continue
    const at = Delimiter === '' ? -1 : key.indexOf(Delimiter, Prefix.length)
    if (at < 0) {
      if (byBytes(key, StartAfter) > 0) found.keys.push(key)
      continue
    }
    const group = key.slice(0, at + Delimiter.length)
    if (byBytes(key, StartAfter) <= 0 || group === StartAfter) continue
    if (found.prefixes.at(-1) !== group) found.prefixes.push(group)
  }
  return found
}

test('a listing of any form follows its definition, page by page', async () => {
  const piece = fc.constantFrom('a', 'b', '/', '//', 'é', '|', 'ab', '\u{1f600}')
  const text = (maximum: number) =>
    fc.array(piece, { maxLength: maximum }).map((parts) => parts.join(''))
  const names = [
    'a',
    'a/',
    'a/b',
    'a/b/',
    'a//b',
    'aé/b',
    'b',
    'b|a',
    'b|b',
    '/',
    '//',
    'é/a',
    'ab/ab',
    '\u{1f600}/a',
    '\u{1f600}',
  ]
  await fill('model', names)
  await fc.assert(
    fc.asyncProperty(
      text(3),
      fc.constantFrom('', '/', '|', '//', 'b', 'é'),
      text(3),
      fc.integer({ min: 1, max: 5 }),
      async (Prefix, Delimiter, StartAfter, MaxKeys) => {
        const input = { Prefix, Delimiter, StartAfter, MaxKeys, EncodingType: 'url' } as const
        assert.deepEqual(await listAll(input, 'model'), expected(names, input))
      },
    ),
    { numRuns: 40 * scale },
  )
})

test('the first form tells its next marker only with a delimiter', async () => {
  const plain = await client.send(new ListObjectsCommand({ Bucket: 'listing', MaxKeys: 2 }))
  assert.equal(plain.IsTruncated, true)
  assert.equal(plain.NextMarker, undefined)
  assert.deepEqual(
    plain.Contents?.map(({ Key }) => Key),
    ['a', 'b/1'],
  )
  assert.equal(plain.Contents?.[0]?.Owner?.ID, server.credential().owner.id)
  const next = await client.send(
    new ListObjectsCommand({ Bucket: 'listing', MaxKeys: 2, Marker: 'b/1' }),
  )
  assert.deepEqual(
    next.Contents?.map(({ Key }) => Key),
    ['b/2', 'b/c/3'],
  )
  const first = await client.send(
    new ListObjectsCommand({ Bucket: 'listing', MaxKeys: 2, Delimiter: '/' }),
  )
  assert.equal(first.NextMarker, 'b/')
  const second = await client.send(
    new ListObjectsCommand({ Bucket: 'listing', MaxKeys: 2, Delimiter: '/', Marker: 'b/' }),
  )
  assert.deepEqual(
    second.Contents?.map(({ Key }) => Key),
    ['d'],
  )
  assert.deepEqual(
    second.CommonPrefixes?.map(({ Prefix }) => Prefix),
    ['e/'],
  )
})

test('the elements of a listing stand in the order that S3 gives them', async () => {
  const answer = await list({
    'list-type': '2',
    prefix: 'b',
    delimiter: '/',
    'max-keys': '1',
    'start-after': 'a',
  })
  assert.equal(answer.headers['content-type'], 'application/xml')
  const order = [
    'Name',
    'Prefix',
    'StartAfter',
    'KeyCount',
    'MaxKeys',
    'Delimiter',
    'IsTruncated',
    'CommonPrefixes',
  ]
  const positions = order.map((name) => answer.body.toString().indexOf(`<${name}>`))
  assert.ok(positions.every((position) => position > 0))
  assert.deepEqual(
    positions,
    [...positions].sort((a, b) => a - b),
  )
  const objects = (await list({ prefix: 'a' })).body.toString()
  assert.match(
    objects,
    /<Contents><Key>a<\/Key><LastModified>[\dT:-]{19}\.000Z<\/LastModified><ETag>&quot;[0-9a-f]{32}&quot;<\/ETag><ChecksumAlgorithm>CRC64NVME<\/ChecksumAlgorithm><ChecksumType>FULL_OBJECT<\/ChecksumType><Size>1<\/Size><Owner><ID>[^<]+<\/ID><DisplayName>first<\/DisplayName><\/Owner><StorageClass>STANDARD<\/StorageClass><\/Contents>/,
  )
})

test('the second form shows owners when it is asked', async () => {
  const without = await list({ 'list-type': '2' })
  assert.equal(xmlText(without.body, 'DisplayName'), undefined)
  const withOwners = await list({ 'list-type': '2', 'fetch-owner': 'true' })
  assert.equal(xmlText(withOwners.body, 'DisplayName'), 'first')
})

test('max-keys may be none, is cut to 1,000, and must be a number', async () => {
  for (const form of [{}, { 'list-type': '2' }, { versions: '' }]) {
    const none = await list({ ...form, 'max-keys': '0' })
    assert.equal(xmlText(none.body, 'IsTruncated'), 'false')
    assert.deepEqual(xmlTexts(none.body, 'Key'), [])
    const many = await list({ ...form, 'max-keys': '5000' })
    assert.equal(xmlText(many.body, 'MaxKeys'), '1000')
    for (const bad of ['-1', 'x', '1.5', '99999999999999999999', '2147483648']) {
      const answer = await list({ ...form, 'max-keys': bad })
      assert.equal(answer.status, 400, bad)
      assert.equal(xmlText(answer.body, 'Code'), 'InvalidArgument')
    }
  }
})

test('encoding-type=url escapes keys, prefixes, markers and delimiters', async () => {
  const query = { 'encoding-type': 'url', prefix: 'g+', delimiter: '|', marker: 'g+ ' }
  const answer = await list(query)
  assert.equal(xmlText(answer.body, 'EncodingType'), 'url')
  assert.equal(xmlText(answer.body, 'Prefix'), 'g%2B')
  assert.equal(xmlText(answer.body, 'Marker'), 'g%2B%20')
  assert.equal(xmlText(answer.body, 'Delimiter'), '%7C')
  assert.equal(xmlText(answer.body, 'Key'), 'g%2Bh%20i')
  const control = await list({ 'encoding-type': 'url', prefix: 'zone' })
  assert.equal(xmlText(control.body, 'Key'), 'zone%01')
  const slashes = await list({ 'encoding-type': 'url', prefix: 'e' })
  assert.deepEqual(xmlTexts(slashes.body, 'Key'), ['e/', 'e//f'])
  const bad = await list({ 'encoding-type': 'base64' })
  assert.equal(xmlText(bad.body, 'Code'), 'InvalidArgument')
})

test('a token that was altered, or is of another listing, is refused', async () => {
  const first = await list({ 'list-type': '2', 'max-keys': '1' })
  const token = xmlText(first.body, 'NextContinuationToken') ?? ''
  const next = { 'list-type': '2', 'continuation-token': token }
  assert.equal((await list(next)).status, 200)
  const altered = token.slice(0, -2) + (token.endsWith('AA') ? 'BB' : 'AA')
  const cases: Record<string, string>[] = [
    { ...next, 'continuation-token': altered },
    { ...next, 'continuation-token': 'nonsense' },
    { ...next, prefix: 'b' },
    { ...next, delimiter: '/' },
  ]
  for (const query of cases) {
    const answer = await list(query)
    assert.equal(answer.status, 400, JSON.stringify(query))
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidArgument')
  }
  await fill('listing-two', ['a', 'b'])
  assert.equal((await list(next, 'listing-two')).status, 400)
})

test('an empty marker or token counts as none', async () => {
  for (const names of [
    ['marker', 'delimiter', 'max-keys', 'encoding-type'],
    ['list-type', 'continuation-token', 'start-after', 'max-keys'],
    ['versions', 'key-marker', 'version-id-marker'],
    ['uploads', 'key-marker', 'upload-id-marker', 'max-uploads'],
  ]) {
    const query = Object.fromEntries(names.map((name) => [name, name === 'list-type' ? '2' : '']))
    const answer = await list(query)
    assert.equal(answer.status, 200, names[0])
    assert.equal(xmlText(answer.body, 'IsTruncated'), 'false', names[0])
    assert.equal(xmlText(answer.body, 'ContinuationToken'), undefined, names[0])
  }
})

test('each key of a bucket without versions has one, named null', async () => {
  const answer = await client.send(new ListObjectVersionsCommand({ Bucket: 'listing', MaxKeys: 3 }))
  assert.deepEqual(
    answer.Versions?.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest]),
    [
      ['a', 'null', true],
      ['b/1', 'null', true],
      ['b/2', 'null', true],
    ],
  )
  assert.equal(answer.IsTruncated, true)
  assert.equal(answer.NextKeyMarker, 'b/2')
  assert.equal(answer.NextVersionIdMarker, 'null')
  assert.equal(answer.DeleteMarkers, undefined)
  const rest = await client.send(
    new ListObjectVersionsCommand({
      Bucket: 'listing',
      KeyMarker: 'b/2',
      VersionIdMarker: 'null',
      MaxKeys: 1,
    }),
  )
  assert.deepEqual(
    rest.Versions?.map(({ Key }) => Key),
    ['b/c/3'],
  )
  const lonely = await list({ versions: '', 'version-id-marker': 'null' })
  assert.equal(xmlText(lonely.body, 'Code'), 'InvalidArgument')
  const grouped = await client.send(
    new ListObjectVersionsCommand({ Bucket: 'listing', Delimiter: '/', MaxKeys: 2 }),
  )
  assert.equal(grouped.NextKeyMarker, 'b/')
  assert.equal(grouped.NextVersionIdMarker, undefined)
})

test('a page has up to 1,000 entries', async () => {
  const many = Array.from({ length: 1001 }, (_, i) => `k${String(i).padStart(5, '0')}`)
  await client.send(new CreateBucketCommand({ Bucket: 'thousand' }))
  for (let i = 0; i < many.length; i += 50) {
    await Promise.all(
      many
        .slice(i, i + 50)
        .map((key) =>
          server.send({ method: 'PUT', path: `/thousand/${key}`, body: Buffer.alloc(0) }),
        ),
    )
  }
  const page = await client.send(new ListObjectsV2Command({ Bucket: 'thousand' }))
  assert.equal(page.Contents?.length, 1000)
  assert.equal(page.IsTruncated, true)
  assert.deepEqual((await listAll({}, 'thousand')).keys, many)
})

test('prefixes and markers longer than any key are refused', async () => {
  for (const name of ['prefix', 'marker', 'delimiter']) {
    const answer = await list({ [name]: 'x'.repeat(1025) })
    assert.equal(answer.status, 400)
    assert.equal(xmlText(answer.body, 'Code'), 'KeyTooLongError')
    assert.equal((await list({ [name]: 'x'.repeat(1024) })).status, 200)
  }
})
