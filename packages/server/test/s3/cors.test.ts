// Cross-origin requests across the wire: a bucket's configuration, preflight requests, and the headers of answers.

import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  GetObjectCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { type WireAnswer, xmlText } from '../wire.ts'
import { outcome, startForFile } from './bucket.fixture.ts'
import { type RawAnswer, sendText } from './raw.ts'

const server = await startForFile({ owners: 1, domains: ['s3.test'] })
const client = server.client()
let count = 0
let Bucket = ''
const origin = 'https://app.example'

beforeEach(async () => {
  Bucket = `cors-${count++}`
  await client.send(new CreateBucketCommand({ Bucket }))
})

function put(document: string, owner = 0, bucket = Bucket): Promise<WireAnswer> {
  const body = Buffer.from(document)
  return server.send({ method: 'PUT', path: `/${bucket}`, query: { cors: '' }, body }, owner)
}

function configuration(...rules: readonly string[]): string {
  const each = rules.map((rule) => `<CORSRule>${rule}</CORSRule>`)
  return `<CORSConfiguration>${each.join('')}</CORSConfiguration>`
}

const simple = `<AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>GET</AllowedMethod>`

/** Sends an unsigned request with these headers. */
function ask(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<RawAnswer> {
  const all = { Host: 'localhost', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return sendText(server, `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
}

function preflight(
  method: string,
  headers: Readonly<Record<string, string>> = {},
  path = `/${Bucket}/object`,
): Promise<RawAnswer> {
  const asked = { Origin: origin, 'Access-Control-Request-Method': method, ...headers }
  return ask('OPTIONS', path, asked)
}

/** The headers of an answer that are about other origins. */
function crossOriginOf({ headers }: Pick<WireAnswer, 'headers'>): Record<string, unknown> {
  const names = Object.keys(headers).filter((name) => /^access-control-|^vary$/.test(name))
  return Object.fromEntries(names.sort().map((name) => [name, headers[name]]))
}

const vary = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method'

test('a configuration is kept as it was given, replaced, and removed', async () => {
  const CORSRules = [
    {
      ID: 'first',
      AllowedOrigins: [origin, 'http://*.example'],
      AllowedMethods: ['PUT', 'POST'],
      AllowedHeaders: ['*', 'X-Amz-*'],
      ExposeHeaders: ['ETag', 'x-amz-request-id'],
      MaxAgeSeconds: 3000,
    },
    { AllowedOrigins: ['*'], AllowedMethods: ['GET'], MaxAgeSeconds: 0 },
  ]
  const get = async (): Promise<unknown> => {
    return (await client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules
  }
  await assert.rejects(get(), { name: 'NoSuchCORSConfiguration' })
  await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
  assert.deepEqual(await get(), CORSRules)
  const [, second] = CORSRules
  const replaced = { CORSRules: second === undefined ? [] : [second] }
  await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: replaced }))
  assert.deepEqual(await get(), [second])
  await client.send(new DeleteBucketCorsCommand({ Bucket }))
  await assert.rejects(get(), { name: 'NoSuchCORSConfiguration' })
  await client.send(new DeleteBucketCorsCommand({ Bucket }))
})

test('a configuration that S3 would refuse is refused in its words', async () => {
  const unsupported = 'Found unsupported HTTP method in CORS config. Unsupported method is'
  const cases: [message: string, rule: string][] = [
    [`${unsupported} PATCH`, `${simple}<AllowedMethod>PATCH</AllowedMethod>`],
    [`${unsupported} get`, '<AllowedOrigin>*</AllowedOrigin><AllowedMethod>get</AllowedMethod>'],
    [
      'AllowedOrigin "http://*.a.*" can not have more than one wildcard.',
      `${simple}<AllowedOrigin>http://*.a.*</AllowedOrigin>`,
    ],
    [
      'AllowedHeader "*-*" can not have more than one wildcard.',
      `${simple}<AllowedHeader>*-*</AllowedHeader>`,
    ],
    [
      'ExposeHeader "x-*" contains wildcard. We currently do not support wildcard for ExposeHeader.',
      `${simple}<ExposeHeader>x-*</ExposeHeader>`,
    ],
    [
      'ExposeHeader "a b" is not the name of a header.',
      `${simple}<ExposeHeader>a b</ExposeHeader>`,
    ],
    [
      'The ID of a rule can not have more than 255 characters.',
      `${simple}<ID>${'i'.repeat(256)}</ID>`,
    ],
  ]
  for (const [message, rule] of cases) {
    const answer = await put(configuration(rule))
    assert.deepEqual(outcome(answer), [400, 'InvalidRequest'], rule)
    assert.equal(xmlText(answer.body, 'Message'), message)
  }
  const many = await put(configuration(...Array.from({ length: 101 }, () => simple)))
  assert.deepEqual(outcome(many), [400, 'InvalidRequest'])
  assert.equal(
    xmlText(many.body, 'Message'),
    'The number of CORS rules should not exceed allowed limit of 100 rules.',
  )
  assert.equal((await put(configuration(...Array.from({ length: 100 }, () => simple)))).status, 200)
})

test('a document that is no configuration is refused', async () => {
  for (const text of [
    '<CORSConfiguration',
    '<CORSConfiguration/>',
    '<Other><CORSRule/></Other>',
    configuration(''),
    configuration('<AllowedOrigin>*</AllowedOrigin>'),
    configuration('<AllowedMethod>GET</AllowedMethod>'),
    configuration(`${simple}<Other/>`),
    configuration(`${simple}<MaxAgeSeconds>soon</MaxAgeSeconds>`),
    configuration(`${simple}<MaxAgeSeconds>-1</MaxAgeSeconds>`),
    configuration(`${simple}<MaxAgeSeconds>1</MaxAgeSeconds><MaxAgeSeconds>1</MaxAgeSeconds>`),
    configuration(`${simple}<ID><a/></ID>`),
    `<CORSConfiguration><Other>${simple}</Other></CORSConfiguration>`,
  ]) {
    assert.deepEqual(outcome(await put(text)), [400, 'MalformedXML'], text)
  }
  assert.deepEqual(outcome(await put('')), [400, 'MissingRequestBodyError'])
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const body = method === 'PUT' ? { body: Buffer.from(configuration(simple)) } : {}
    const wanted = { method, path: `/${Bucket}`, query: { cors: '' }, ...body }
    assert.deepEqual(outcome(await server.send(wanted, 1)), [403, 'AccessDenied'], method)
    const none = await server.send({ ...wanted, path: '/no-such-bucket' })
    assert.deepEqual(outcome(none), [404, 'NoSuchBucket'], method)
  }
})

test('a preflight request is told what the first rule that matches allows', async () => {
  await put(
    configuration(
      `${simple}<AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader><AllowedHeader>Content-Type</AllowedHeader><ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-amz-request-id</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds>`,
      '<AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader>',
    ),
  )
  const first = {
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, PUT',
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'ETag, x-amz-request-id',
    'access-control-max-age': '60',
    vary,
  }
  const plain = await preflight('PUT')
  assert.deepEqual([plain.status, plain.body.length], [200, 0])
  assert.deepEqual(crossOriginOf(plain), first)
  const listed = { 'Access-Control-Request-Headers': 'X-Amz-Date, content-type,' }
  assert.deepEqual(crossOriginOf(await preflight('PUT', listed)), {
    'access-control-allow-headers': 'x-amz-date, content-type',
    ...first,
  })
  const other = { 'Access-Control-Request-Headers': 'x-other' }
  assert.deepEqual(crossOriginOf(await preflight('PUT', other)), {
    'access-control-allow-headers': 'x-other',
    'access-control-allow-methods': 'PUT',
    'access-control-allow-origin': '*',
    vary,
  })
  for (const path of [`/${Bucket}`, `/${Bucket}/`, `/${Bucket}/a/b?uploadId=x&partNumber=1`]) {
    assert.equal((await preflight('GET', {}, path)).status, 200, path)
  }
  const hosted = await preflight('GET', { Host: `${Bucket}.s3.test` }, '/object')
  assert.equal(hosted.status, 200)
  const many = { 'Access-Control-Request-Headers': 'x,'.repeat(1000) }
  assert.equal((await preflight('PUT', many)).status, 403)
})

test('a preflight request that is not allowed is refused in the words of S3', async () => {
  const message = async (
    answer: Promise<RawAnswer>,
  ): Promise<[number, string | undefined, string | undefined]> => {
    const { status, body, headers } = await answer
    assert.deepEqual(crossOriginOf({ headers }), {})
    return [status, xmlText(body, 'Code'), xmlText(body, 'Message')]
  }
  const disabled = 'CORSResponse: CORS is not enabled for this bucket.'
  assert.deepEqual(await message(preflight('PUT')), [403, 'AccessForbidden', disabled])
  const missing = 'CORSResponse: Bucket not found'
  for (const path of ['/no-such-bucket/x', '/', '*']) {
    assert.deepEqual(await message(preflight('PUT', {}, path)), [403, 'AccessForbidden', missing])
  }
  await put(configuration(simple))
  const needed = 'Insufficient information. Origin request header needed.'
  assert.deepEqual(await message(ask('OPTIONS', `/${Bucket}/x`, {})), [400, 'BadRequest', needed])
  const invalid = 'Invalid Access-Control-Request-Method:'
  assert.deepEqual(await message(ask('OPTIONS', `/${Bucket}/x`, { Origin: origin })), [
    400,
    'BadRequest',
    `${invalid} null`,
  ])
  assert.deepEqual(await message(preflight('PATCH')), [400, 'BadRequest', `${invalid} PATCH`])
  const refused =
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
  for (const answer of [
    preflight('PUT'),
    preflight('GET', { Origin: 'https://other.example' }),
    preflight('GET', { Origin: 'null' }),
    preflight('GET', { 'Access-Control-Request-Headers': 'x-amz-date' }),
  ]) {
    assert.deepEqual(await message(answer), [403, 'AccessForbidden', refused])
  }
  const { body } = await preflight('PUT')
  assert.deepEqual([xmlText(body, 'Method'), xmlText(body, 'ResourceType')], ['PUT', 'OBJECT'])
  const ofBucket = await preflight('PUT', {}, `/${Bucket}`)
  assert.equal(xmlText(ofBucket.body, 'ResourceType'), 'BUCKET')
})

test('answers to other origins carry the headers of the rule, errors too', async () => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'content' }))
  await put(
    configuration(
      `${simple}<AllowedMethod>HEAD</AllowedMethod><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds>`,
    ),
  )
  const allowed = {
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, HEAD',
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'ETag',
    'access-control-max-age': '60',
    vary,
  }
  const send = (method: string, key: string, headers: Readonly<Record<string, string>>) =>
    server.send({ method, path: `/${Bucket}/${key}`, headers })
  for (const [method, key, status] of [
    ['GET', 'object', 200],
    ['HEAD', 'object', 200],
    ['GET', 'none', 404],
    ['HEAD', 'none', 404],
  ] as const) {
    const answer = await send(method, key, { origin })
    assert.equal(answer.status, status)
    assert.deepEqual(crossOriginOf(answer), allowed, `${method} ${key}`)
    assert.deepEqual(crossOriginOf(await send(method, key, {})), {}, `${method} ${key}`)
  }
  const unchanged = await send('GET', 'object', { origin, 'if-none-match': '*' })
  assert.equal(unchanged.status, 304)
  assert.deepEqual(crossOriginOf(unchanged), allowed)
  const unsigned = await ask('GET', `/${Bucket}/object`, { Origin: origin })
  assert.equal(unsigned.status, 403)
  assert.deepEqual(crossOriginOf(unsigned), allowed)
  const forged = await ask('GET', `/${Bucket}/object`, { Origin: origin, Authorization: 'x' })
  assert.equal(forged.status, 400)
  assert.deepEqual(crossOriginOf(forged), allowed)
  // A cache must not show one origin what it keeps for another.
  assert.deepEqual(crossOriginOf(await send('GET', 'object', { origin: 'https://b.example' })), {
    vary,
  })
  assert.deepEqual(crossOriginOf(await send('DELETE', 'object', { origin })), { vary })
  const asOther = { origin, 'access-control-request-method': 'GET' }
  assert.deepEqual(crossOriginOf(await send('DELETE', 'object', asOther)), allowed)
})

test('a presigned URL and a form answer other origins, too', async () => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'content' }))
  await put(configuration(`${simple}<AllowedMethod>POST</AllowedMethod>`))
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'object' }))
  const read = await fetch(url, { headers: { origin } })
  assert.equal(await read.text(), 'content')
  assert.equal(read.headers.get('access-control-allow-origin'), origin)
  const asked = { origin, 'access-control-request-method': 'GET' }
  assert.equal((await fetch(url, { method: 'OPTIONS', headers: asked })).status, 200)
  const form = new FormData()
  form.set('key', 'object')
  form.set('file', 'content')
  const target = `${server.endpoint}/${Bucket}`
  const posted = await fetch(target, { method: 'POST', body: form, headers: { origin } })
  assert.equal(posted.status, 403)
  assert.equal(posted.headers.get('access-control-allow-origin'), origin)
})

test('a change is obeyed by the next request, also after a bucket of the same name', async () => {
  const status = async (): Promise<number> => (await preflight('GET')).status
  for (let round = 0; round < 2; round++) {
    assert.equal(await status(), 403)
    await put(configuration(simple))
    assert.equal(await status(), 200)
    await put(configuration(simple.replace('GET', 'PUT')))
    assert.equal(await status(), 403)
    await put(configuration(simple))
    assert.equal(await status(), 200)
    if (round === 0) await client.send(new DeleteBucketCorsCommand({ Bucket }))
    else await client.send(new DeleteBucketCommand({ Bucket }))
    assert.equal(await status(), 403)
  }
  await client.send(new CreateBucketCommand({ Bucket }))
  assert.equal(await status(), 403)
})
