// Signatures over the wire: accepted requests, and refusals.

import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { after, test } from 'node:test'
import { InProcessServer } from '../s3/in-process.ts'
import { canonicalQuery } from '../wire.ts'
import { pairsIn, type QueryAnswer, QueryClient, xmlText } from './query.ts'

const server = await InProcessServer.start()
const lenient = await InProcessServer.start({ allowsSignatureV1: true })
const sdb = new QueryClient(server.port, server.credential())

after(async () => {
  sdb.close()
  await server.closeWithoutFaults()
  await lenient.closeWithoutFaults()
})

async function isRefused(answer: QueryAnswer, status: number, code: string): Promise<void> {
  assert.deepEqual([answer.status, answer.code], [status, code])
  assert.equal(answer.usage, undefined)
  assert.doesNotMatch(answer.body, /xmlns/)
}

test('a request without, or with a wrong, signature is refused before anything is done', async () => {
  const change = (name: string, value?: string): Promise<QueryAnswer> =>
    sdb.call(
      'CreateDomain',
      { DomainName: 'never' },
      {
        afterSigning(parameters) {
          const at = parameters.findIndex(([one]) => one === name)
          parameters.splice(at, at < 0 ? 0 : 1)
          if (value !== undefined) parameters.push([name, value])
        },
      },
    )
  await isRefused(await change('AWSAccessKeyId'), 403, 'AuthMissingFailure')
  await isRefused(await change('AWSAccessKeyId', 'NOBODY'), 403, 'InvalidClientTokenId')
  await isRefused(await change('DomainName', 'other'), 403, 'SignatureDoesNotMatch')
  await isRefused(await change('Unsigned', 'x'), 403, 'SignatureDoesNotMatch')
  await isRefused(await change('Signature', 'AAAA'), 403, 'SignatureDoesNotMatch')
  await isRefused(await change('Signature'), 400, 'IncompleteSignature')
  await isRefused(await change('Timestamp', '2001-01-01T00:00:00Z'), 403, 'SignatureDoesNotMatch')
  await isRefused(await change('SignatureVersion', '1'), 400, 'InvalidParameterValue')
  const both = await sdb.call('ListDomains', { Expires: '2100-01-01T00:00:00Z' })
  await isRefused(both, 400, 'InvalidParameterCombination')
  const { body } = await sdb.ok('ListDomains')
  assert.doesNotMatch(body, /DomainName/)
})

test('repeated parameters can not be put in another order under their signature', async () => {
  await sdb.ok('CreateDomain', { DomainName: 'order' })
  const put = (turned: boolean): Promise<QueryAnswer> =>
    sdb.call(
      'PutAttributes',
      [
        ['DomainName', 'order'],
        ['ItemName', 'i'],
        ['Attribute.Name', 'a'],
        ['Attribute.Value', '1'],
        ['Attribute.Name', 'b'],
        ['Attribute.Value', '2'],
      ],
      {
        afterSigning(parameters) {
          const values = parameters.filter(([name]) => name === 'Attribute.Value')
          if (turned)
            for (const [at, value] of ['2', '1'].entries()) values[at]?.splice(1, 1, value)
        },
      },
    )
  const refused = await put(true)
  assert.deepEqual([refused.status, refused.code], [400, 'InvalidParameterCombination'])
  assert.equal((await put(false)).status, 200)
  const found = await sdb.ok('GetAttributes', [
    ['DomainName', 'order'],
    ['ItemName', 'i'],
    ['AttributeName', 'b'],
    ['AttributeName', 'a'],
  ])
  assert.deepEqual(pairsIn(found.body), ['a=1', 'b=2'])
  await sdb.ok('DeleteDomain', { DomainName: 'order' })
})

/** The URL of a GET that is presigned with Version 4, over `payload`. */
function presigned(
  parameters: readonly (readonly [string, string])[],
  { date = new Date(), payload = sha256('') } = {},
): string {
  const { accessKeyId, secretAccessKey } = server.credential()
  const timestamp = date.toISOString().replace(/[:-]|\.\d{3}/g, '')
  const scope = `${timestamp.slice(0, 8)}/us-east-1/sdb/aws4_request`
  const query = canonicalQuery([
    ...parameters,
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${accessKeyId}/${scope}`],
    ['X-Amz-Date', timestamp],
    ['X-Amz-Expires', '60'],
    ['X-Amz-SignedHeaders', 'host'],
  ])
  const canonical = `GET\n/\n${query}\nhost:127.0.0.1:${server.port}\n\nhost\n${payload}`
  const toSign = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`
  const signature = createHmac('sha256', keyOf(scope, secretAccessKey)).update(toSign)
  return `${server.endpoint}/?${query}&X-Amz-Signature=${signature.digest('hex')}`
}

test('a URL that is presigned with Version 4 is accepted, while it is valid and as it was signed', async () => {
  const list = [
    ['Action', 'ListDomains'],
    ['Version', '2009-04-15'],
  ] as const
  const sent = async (url: string): Promise<[number, string | undefined]> => {
    const answer = await fetch(url)
    return [answer.status, xmlText(await answer.text(), 'Code')]
  }
  assert.deepEqual(await sent(presigned(list)), [200, undefined])
  assert.deepEqual(await sent(presigned(list, { payload: 'UNSIGNED-PAYLOAD' })), [200, undefined])
  const changed = presigned(list).replace('ListDomains', 'CreateDomain&DomainName=x')
  assert.deepEqual(await sent(changed), [403, 'SignatureDoesNotMatch'])
  const date = new Date(Date.now() - 120_000)
  assert.deepEqual(await sent(presigned(list, { date })), [400, 'RequestExpired'])
  const pairs = [
    ['Action', 'PutAttributes'],
    ['Attribute.Value', '1'],
    ['Attribute.Value', '2'],
  ] as const
  const turned = presigned(pairs).replace('Value=1&Attribute.Value=2', 'Value=2&Attribute.Value=1')
  assert.deepEqual(await sent(turned), [400, 'InvalidParameterCombination'])
})

test('keys that nobody can have, or of two, and tokens of temporary ones are not validated', async () => {
  const text = 'AWS was not able to validate the provided access keys.'
  const replaced = await sdb.call('ListDomains', [], {
    afterSigning(parameters) {
      const key = parameters.find(([name]) => name === 'AWSAccessKeyId')
      if (key !== undefined) key[1] = 'no key/at all'
    },
  })
  const doubled = await sdb.call('ListDomains', { AWSAccessKeyId: 'another' })
  const token = await sdb.call('ListDomains', { SecurityToken: 'x' })
  for (const answer of [replaced, doubled, token]) {
    await isRefused(answer, 403, 'AuthFailure')
    assert.equal(answer.message, text)
  }
})

test('a header that is no signature is refused with the form that it should have', async () => {
  const form =
    'AWS4-HMAC-SHA256 Credential=AccessKeyId/Date/Region/sdb/aws4_request, SignedHeaders=SignedHeaders, Signature=Signature'
  const scope = 'KEY/20260101/us-east-1/sdb'
  for (const authorization of [
    'AWS4-HMAC-SHA256',
    'Basic QQ==',
    'AWS KEY:c2lnbmF0dXJl',
    'AWS4-HMAC-SHA256 Credential=x',
    `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=00`,
    `AWS4-HMAC-SHA256 Credential=${scope}/aws5, SignedHeaders=host, Signature=00`,
  ]) {
    const answer = await fetch(`${server.endpoint}/?Action=ListDomains&Version=2009-04-15`, {
      headers: { authorization },
    })
    const body = await answer.text()
    assert.deepEqual(
      [answer.status, xmlText(body, 'Code'), xmlText(body, 'Message')],
      [400, 'InvalidHTTPAuthHeader', `The HTTP authorization header is bad, use ${form}.`],
      authorization,
    )
  }
})

test('a body that is too long, or no form, is refused', async () => {
  const long = await sdb.call('ListDomains', { Padding: 'x'.repeat(4_200_000) })
  assert.deepEqual([long.status, long.code], [400, 'InvalidHttpRequest'])
  const many = Array.from({ length: 25_000 }, (): [string, string] => ['p', ''])
  const crowded = await sdb.call('ListDomains', many)
  assert.deepEqual([crowded.status, crowded.code], [400, 'InvalidHttpRequest'])
})

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The key that signs within a scope. */
function keyOf(scope: string, secretAccessKey: string): string | Buffer {
  return scope
    .split('/')
    .reduce<string | Buffer>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${secretAccessKey}`,
    )
}

/** Sends `body` signed with Version 4 for a service; `sentBody` in its place if it is given. */
async function sendVersion4(
  body: string,
  options: { readonly service?: string; readonly sentBody?: string } = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const { service = 'sdb', sentBody = body } = options
  const { accessKeyId, secretAccessKey } = server.credential()
  const timestamp = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '')
  const day = timestamp.slice(0, 8)
  const host = `127.0.0.1:${server.port}`
  const names = 'host;x-amz-date'
  const canonical = `POST\n/\n\nhost:${host}\nx-amz-date:${timestamp}\n\n${names}\n${sha256(body)}`
  const scope = `${day}/us-east-1/${service}/aws4_request`
  const toSign = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`
  const signature = createHmac('sha256', keyOf(scope, secretAccessKey)).update(toSign).digest('hex')
  const answer = await fetch(`http://${host}/`, {
    method: 'POST',
    body: sentBody,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-amz-date': timestamp,
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    },
  })
  return { status: answer.status, text: await answer.text() }
}

test('Signature Version 4 is accepted, for this service and this very body', async () => {
  const body = 'Action=ListDomains&Version=2009-04-15'
  assert.equal((await sendVersion4(body)).status, 200)
  const foreign = await sendVersion4(body, { service: 's3' })
  assert.deepEqual(
    [foreign.status, xmlText(foreign.text, 'Code'), xmlText(foreign.text, 'Message')],
    [400, 'InvalidService', 'The Web Service s3 does not exist.'],
  )
  const changed = await sendVersion4(body, { sentBody: `${body}&DomainName=x` })
  assert.deepEqual([changed.status, xmlText(changed.text, 'Code')], [403, 'SignatureDoesNotMatch'])
})

test('Signature Version 1 is accepted only where the server was told so', async () => {
  for (const [target, status] of [
    [lenient, 200],
    [server, 400],
  ] as const) {
    const { accessKeyId, secretAccessKey } = target.credential()
    const parameters: Record<string, string> = {
      Action: 'ListDomains',
      AWSAccessKeyId: accessKeyId,
      SignatureVersion: '1',
      Timestamp: new Date().toISOString(),
      Version: '2009-04-15',
    }
    const text = Object.entries(parameters)
      .sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
      .map(([name, value]) => name + value)
      .join('')
    const Signature = createHmac('sha1', secretAccessKey).update(text).digest('base64')
    const query = new URLSearchParams({ ...parameters, Signature })
    const answer = await fetch(`${target.endpoint}/?${query}`)
    assert.equal(answer.status, status)
    await answer.text()
  }
})
