// Amazon's own signer against our verifier, with requests that are as odd as S3 allows.
import assert from 'node:assert/strict'
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { test } from 'node:test'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { isInSignedOrder, type SignedRequest } from './canonical.ts'
import { isSignError } from './error.ts'
import { Verifier } from './verifier.ts'

const { HOLDFAST_TEST_SCALE: scale = '1' } = process.env
const accessKeyId = 'AKIDEXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const signingDate = new Date('2024-02-29T23:59:58Z')

class Sha256 {
  readonly #hash: Hash | Hmac
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {
    throw new Error('the signer makes a new hash each time')
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8')
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

const signer = new SignatureV4({
  service: 's3',
  region: 'eu-central-1',
  credentials: { accessKeyId, secretAccessKey },
  sha256: Sha256,
  uriEscapePath: false,
})

function verifier(nowMs: number = signingDate.getTime()): Verifier<string> {
  return new Verifier({
    lookup: (id) => (id === accessKeyId ? { secretAccessKey, principal: 'owner' } : undefined),
    clock: { now: () => nowMs, monotonicMs: () => 0 },
  })
}

interface Draft {
  readonly method: string
  readonly key: string
  readonly query: Record<string, string | string[]>
  readonly metadata: Record<string, string>
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(
      fc.constantFrom(
        ' ',
        '+',
        '%',
        '%2F',
        '/',
        '//',
        '.',
        '..',
        '~',
        '*',
        "'()!",
        '&',
        '=',
        '?',
        '#',
        'é',
        '😀',
        'a',
      ),
      { maxLength: 8 },
    )
    .map((pieces) => pieces.join('')),
)
const headerText = fc.stringMatching(/^[!-~ \t]{0,20}$/)
const draft: fc.Arbitrary<Draft> = fc.record(
  {
    method: fc.constantFrom('GET', 'PUT', 'HEAD', 'DELETE', 'POST'),
    key: text,
    query: fc.dictionary(
      fc.oneof(
        fc.constantFrom('prefix', 'uploads', 'x-id', 'A', 'a'),
        text.filter((name) => !/^(x-amz-|__proto__$)/i.test(name)),
      ),
      fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 })),
      { maxKeys: 4, noNullPrototype: true },
    ),
    metadata: fc.dictionary(fc.stringMatching(/^x-amz-meta-[a-z0-9-]{1,8}$/), headerText, {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  },
  { noNullPrototype: true },
)

const percentEncode = (value: string): string =>
  encodeURIComponent(value).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )

function unsigned({ method, key, query, metadata }: Draft) {
  return {
    method,
    protocol: 'http:',
    hostname: 'localhost',
    port: 9000,
    path: `/bucket/${key.split('/').map(percentEncode).join('/')}`,
    query,
    headers: { host: 'localhost:9000', ...metadata },
  }
}

/** What the server sees of a request that the SDK sends. */
function received(request: {
  method: string
  path: string
  query?: Record<string, unknown>
  headers: Record<string, string>
}): SignedRequest {
  const parameters = Object.entries(request.query ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value ?? '']).map((one) => ({ name, value: String(one) })),
  )
  // Node trims values and nothing else.
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name.toLowerCase(),
      value.replace(/^[ \t]+|[ \t]+$/g, ''),
    ]),
  )
  return {
    method: request.method,
    path: request.path,
    parameters,
    headers,
    rawHeaders: Object.entries(headers).flat(),
  }
}

async function signed(request: Draft): Promise<SignedRequest> {
  const body = unsigned(request)
  const headers = { ...body.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
  return received(await signer.sign({ ...body, headers }, { signingDate }))
}

async function presigned(request: Draft): Promise<SignedRequest> {
  const body = unsigned(request)
  const headers = { ...body.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
  const unhoistableHeaders = new Set(Object.keys(request.metadata))
  const unsignableHeaders = new Set(['x-amz-content-sha256'])
  const options = { signingDate, expiresIn: 60, unhoistableHeaders, unsignableHeaders }
  const result = received(await signer.presign({ ...body, headers }, options))
  // The presigner leaves the header in place, which a user of the URL doesn't send.
  const { 'x-amz-content-sha256': _, ...sent } = result.headers
  return { ...result, headers: sent }
}

test("what Amazon's signer signs verifies, in a header and in a URL", async () => {
  await fc.assert(
    fc.asyncProperty(draft, async (request) => {
      const byHeader = verifier().verify(await signed(request))
      assert.deepEqual([byHeader.principal, byHeader.method], ['owner', 'header'])
      const byQuery = verifier().verify(await presigned(request))
      assert.deepEqual([byQuery.principal, byQuery.method], ['owner', 'query'])
    }),
    { numRuns: 300 * Number(scale) },
  )
})

test('a path verifies however its characters are escaped', async () => {
  const spell = fc.array(fc.nat(3), { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(draft, spell, async (request, ways) => {
      const original = await signed(request)
      let i = 0
      const path = original.path.replace(/%([0-9A-F]{2})|[A-Za-z0-9._~-]/g, (token, hex) => {
        const way = ways[i++ % ways.length]
        if (way === 0) return token
        if (hex === undefined) return `%${token.charCodeAt(0).toString(16)}`
        const character = String.fromCharCode(Number.parseInt(hex, 16))
        return way === 1 || '/?#%'.includes(character) ? token.toLowerCase() : character
      })
      assert.equal(verifier().verify({ ...original, path }).principal, 'owner')
    }),
    { numRuns: 200 * Number(scale) },
  )
})

test('a bare plus in a path may be signed as the space that it is, or as it is sent', async () => {
  const { headers, ...request } = unsigned({ method: 'GET', key: '', query: {}, metadata: {} })
  const hash = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
  const unsignableHeaders = new Set(Object.keys(hash))
  const send = async (signedPath: string, sentPath: string, isPresigned: boolean) => {
    const draft = { ...request, path: signedPath, headers: { ...headers, ...hash } }
    const result = isPresigned
      ? await signer.presign(draft, { signingDate, expiresIn: 60, unsignableHeaders })
      : await signer.sign(draft, { signingDate })
    const sent = received({ ...result, path: sentPath })
    if (!isPresigned) return verifier().verify(sent).principal
    const { 'x-amz-content-sha256': _, ...kept } = sent.headers
    return verifier().verify({ ...sent, headers: kept }).principal
  }
  for (const isPresigned of [false, true]) {
    for (const path of ['/b/a%20%2B+b', '/b/a+%2B+b']) {
      assert.equal(await send('/b/a%20%2B%20b', path, isPresigned), 'owner')
    }
    assert.equal(await send('/b/a+b', '/b/a+b', isPresigned), 'owner')
    await assert.rejects(send('/b/a+b', '/b/a%2Bb', isPresigned))
    await assert.rejects(send('/b/a%20b', '/b/a%2Bb', isPresigned))
  }
  assert.equal(await send('/b/a%2Bb', '/b/a+b', false), 'owner')
  // The holder of a URL may not turn it to another key.
  await assert.rejects(send('/b/a%2Bb', '/b/a+b', true), (error) =>
    isSignError(error, 'SignatureDoesNotMatch'),
  )
})

test('parameters of one name have one order that a signature covers', () => {
  const parametersOf = (text: string) =>
    [...new URLSearchParams(text)].map(([name, value]) => ({ name, value }))
  for (const text of ['', 'a', 'a=1&b=2&a=2', 'a=1&a=1', 'b=2&a=1', 'a=1&A=0']) {
    assert.equal(isInSignedOrder(parametersOf(text)), true, text)
  }
  assert.equal(isInSignedOrder(parametersOf('a=2&b=2&a=1')), false)
  const fold = (name: string): string | undefined =>
    name === 'free' ? undefined : name.toLowerCase()
  assert.equal(isInSignedOrder(parametersOf('free=2&free=1'), fold), true)
  const pairs = fc.array(fc.tuple(fc.constantFrom('a', 'A', 'b'), fc.constantFrom('1', '2')), {
    maxLength: 5,
  })
  fc.assert(
    fc.property(pairs, fc.infiniteStream(fc.nat()), (given, random) => {
      const all = given.map(([name, value]) => ({ name, value }))
      const orders = (name: string, list: typeof all): string =>
        JSON.stringify(list.filter((one) => one.name.toLowerCase() === name))
      const shuffled = [...all].sort(() => (random.next().value % 2 === 0 ? 1 : -1))
      if (!isInSignedOrder(all, fold) || !isInSignedOrder(shuffled, fold)) return
      for (const name of ['a', 'b']) assert.equal(orders(name, all), orders(name, shuffled))
    }),
    { numRuns: 500 * Number(scale) },
  )
})

test('headers that are sent twice verify as one, joined by a comma', async () => {
  const original = await signed({
    method: 'PUT',
    key: 'k',
    query: {},
    metadata: { 'x-amz-meta-a': '1,2  3' },
  })
  const twice = original.rawHeaders.flatMap((value) =>
    value === '1,2  3' ? ['1', 'X-Amz-Meta-A', ' 2 3 '] : [value],
  )
  const headers = { ...original.headers, 'x-amz-meta-a': '1, 2 3' }
  assert.equal(verifier().verify({ ...original, headers, rawHeaders: twice }).principal, 'owner')
  const oneHeader = original.rawHeaders.map((value) => (value === '1,2  3' ? '1, 2 3' : value))
  assert.throws(
    () => verifier().verify({ ...original, headers, rawHeaders: oneHeader }),
    (error) => isSignError(error, 'SignatureDoesNotMatch'),
  )
})

type Change = (request: SignedRequest, word: string) => SignedRequest

const header =
  (name: string, change: (value: string) => string): Change =>
  (request) => {
    const headers = { ...request.headers, [name]: change(String(request.headers[name])) }
    return {
      ...request,
      headers,
      rawHeaders: Object.entries(headers).flatMap(([key, value]) => [key, String(value)]),
    }
  }
const digit = (value: string, at: RegExp): string =>
  value.replace(at, (c) => (c === '1' ? '2' : '1'))

const changes: Record<string, Change> = {
  method: (request) => ({ ...request, method: `${request.method}X` }),
  key: (request, word) => ({ ...request, path: `${request.path}${percentEncode(word)}x` }),
  slash: (request) => ({ ...request, path: request.path.replace('/bucket/', '/bucket//') }),
  bucket: (request) => ({ ...request, path: request.path.replace('/bucket/', '/bucket2/') }),
  query: (request, word) => ({
    ...request,
    parameters: [...request.parameters, { name: `x${word}`, value: word }],
  }),
  host: header('host', () => 'elsewhere:9000'),
  metadata: header('x-amz-meta-added', () => 'value'),
  payload: header(
    'x-amz-content-sha256',
    () => 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  ),
  date: header('x-amz-date', (value) => digit(value, /\d(?=Z$)/)),
  region: header('authorization', (value) => value.replace('eu-central-1', 'eu-central-2')),
  signature: header('authorization', (value) => digit(value, /.$/)),
  shorter: header('authorization', (value) => value.slice(0, -1)),
}

test('a changed request never verifies', async () => {
  await fc.assert(
    fc.asyncProperty(
      draft,
      fc.constantFrom(...Object.keys(changes)),
      text,
      async (request, name, word) => {
        const change = changes[name]
        assert.ok(change)
        const changed = change(await signed(request), word)
        assert.throws(
          () => verifier().verify(changed),
          (error) => isSignError(error),
          name,
        )
      },
    ),
    { numRuns: 300 * Number(scale) },
  )
})

test('a changed URL never verifies', async () => {
  await fc.assert(
    fc.asyncProperty(draft, fc.nat(), fc.string({ maxLength: 3 }), async (request, at, word) => {
      const original = await presigned(request)
      const place = at % original.parameters.length
      const changed = original.parameters.map(({ name, value }, i) => ({
        name,
        value: i === place ? `${value}${word}1` : value,
      }))
      const left = original.parameters.filter((_, i) => i !== place)
      for (const parameters of [changed, left]) {
        // Without its signature or algorithm a URL may be an anonymous request.
        const isAnonymous = !parameters.some(({ name }) =>
          /^X-Amz-(Algorithm|Signature)$/.test(name),
        )
        if (isAnonymous) continue
        assert.throws(
          () => verifier().verify({ ...original, parameters }),
          (error) => isSignError(error),
        )
      }
    }),
    { numRuns: 200 * Number(scale) },
  )
})

test('any Authorization header ends in a principal or in a refusal', async () => {
  const original = await signed({ method: 'GET', key: 'k', query: {}, metadata: {} })
  const token = fc.constantFrom(
    'AWS4-HMAC-SHA256',
    'AWS4-',
    'AWS ',
    'Credential=',
    'SignedHeaders=',
    'Signature=',
    ',',
    '/',
    ';',
    '=',
    ' ',
    's3',
    'host',
  )
  const mutation = fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.nat(30),
    fc.oneof(token, fc.string({ maxLength: 4 })),
  )
  await fc.assert(
    fc.property(
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('authorization', 'x-amz-date', 'x-amz-content-sha256'),
      (mutations, name) => {
        let value = String(original.headers[name])
        for (const [at, drop, insert] of mutations) {
          const place = Math.floor(at * value.length)
          value = value.slice(0, place) + insert + value.slice(place + drop)
        }
        try {
          verifier().verify(header(name, () => value)(original, ''))
        } catch (error) {
          assert.ok(isSignError(error), String(error))
        }
      },
    ),
    { numRuns: 1500 * Number(scale) },
  )
})

test('any presigned query ends in a principal or in a refusal', async () => {
  const original = await presigned({ method: 'GET', key: 'k', query: {}, metadata: {} })
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom('0', '-1', '604801', '1e9', '20240229T235958Z', 'a/b/c/s3/aws4_request'),
  )
  const mutation = fc.tuple(fc.nat(), fc.oneof(value, fc.constantFrom('drop', 'repeat')))
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const parameters = [...original.parameters]
      for (const [at, change] of mutations) {
        const place = at % parameters.length
        const one = parameters[place]
        if (one === undefined) continue
        if (change === 'drop') parameters.splice(place, 1)
        else if (change === 'repeat') parameters.push(one)
        else parameters[place] = { name: one.name, value: change }
      }
      try {
        verifier().verify({ ...original, parameters })
      } catch (error) {
        assert.ok(isSignError(error), String(error))
      }
    }),
    { numRuns: 1000 * Number(scale) },
  )
})

test('a request without any signature is anonymous', () => {
  const request = received({ method: 'GET', path: '/', headers: { host: 'h' } })
  assert.deepEqual(verifier().verify(request), {
    principal: undefined,
    accessKeyId: undefined,
    method: 'anonymous',
    version: undefined,
    payload: { kind: 'unsigned' },
  })
  const framed = { host: 'h', 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }
  assert.deepEqual(
    verifier().verify(received({ method: 'PUT', path: '/', headers: framed })).payload,
    {
      kind: 'chunked',
      signing: undefined,
      hasTrailers: true,
    },
  )
  const chunks = { host: 'h', 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' }
  assert.throws(
    () => verifier().verify(received({ method: 'PUT', path: '/', headers: chunks })),
    (error) => isSignError(error, 'SignedChunksWithoutKey'),
  )
})

test('other services sign the hash of a body without sending it', async () => {
  const service = 'sdb'
  const body = '{"DomainName":"d"}'
  const plain = new SignatureV4({
    service,
    region: 'r',
    credentials: { accessKeyId, secretAccessKey },
    sha256: Sha256,
    applyChecksum: false,
  })
  const request = {
    method: 'POST',
    protocol: 'http:',
    hostname: 'h',
    path: '/v2/StartDomainExport',
    headers: { host: 'h' },
    body,
  }
  const sent = received(await plain.sign(request, { signingDate }))
  const { 'x-amz-content-sha256': _, ...headers } = sent.headers
  const sdb = new Verifier({
    lookup: () => ({ secretAccessKey, principal: 'owner' }),
    clock: { now: () => signingDate.getTime(), monotonicMs: () => 0 },
    service,
  })
  const bodySha256 = createHash('sha256').update(body).digest('hex')
  assert.equal(sdb.verify({ ...sent, headers, bodySha256 }).principal, 'owner')
  assert.throws(
    () => sdb.verify({ ...sent, headers }),
    (error) => isSignError(error, 'PayloadHashRequired'),
  )
})

test('a URL for another service is signed over the body, or says that it is not', async () => {
  const service = 'sdb'
  const credentials = { accessKeyId, secretAccessKey }
  const plain = new SignatureV4({ service, region: 'r', credentials, sha256: Sha256 })
  const sdb = new Verifier({
    lookup: () => ({ secretAccessKey, principal: 'owner' }),
    clock: { now: () => signingDate.getTime(), monotonicMs: () => 0 },
    service,
  })
  const query = { Action: 'ListDomains', Version: '2009-04-15' }
  const request = { method: 'GET', protocol: 'http:', hostname: 'h', path: '/', query }
  const options = { signingDate, expiresIn: 60 }
  const sha256 = (body: string): string => createHash('sha256').update(body).digest('hex')
  const url = received(await plain.presign({ ...request, headers: { host: 'h' } }, options))
  const empty = { kind: 'sha256', hex: sha256('') }
  assert.deepEqual(sdb.verify({ ...url, bodySha256: sha256('') }).payload, empty)
  assert.throws(
    () => sdb.verify({ ...url, bodySha256: sha256('more') }),
    (error) => isSignError(error, 'SignatureDoesNotMatch'),
  )
  const headers = { host: 'h', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
  const unsignableHeaders = new Set(['x-amz-content-sha256'])
  const open = await plain.presign({ ...request, headers }, { ...options, unsignableHeaders })
  const sent = { ...received(open), headers: { host: 'h' }, bodySha256: sha256('') }
  assert.deepEqual(sdb.verify(sent).payload, { kind: 'unsigned' })
})

test('a key that was given a new secret verifies with the new one only', async () => {
  const request = await signed({ method: 'GET', key: 'k', query: {}, metadata: {} })
  let secret = secretAccessKey
  const changing = new Verifier({
    lookup: () => ({ secretAccessKey: secret, principal: 'owner' }),
    clock: { now: () => signingDate.getTime(), monotonicMs: () => 0 },
  })
  assert.equal(changing.verify(request).principal, 'owner')
  secret = 'another'
  assert.throws(
    () => changing.verify(request),
    (error) => isSignError(error, 'SignatureDoesNotMatch'),
  )
})
