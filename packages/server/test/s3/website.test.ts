// Websites across the wire: a bucket's configuration, and what a visitor is shown.

import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import { test } from 'node:test'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketWebsiteCommand,
  DeletePublicAccessBlockCommand,
  GetBucketWebsiteCommand,
  HeadObjectCommand,
  PutBucketCorsCommand,
  PutBucketWebsiteCommand,
  PutObjectCommand,
  type WebsiteConfiguration,
} from '@aws-sdk/client-s3'
import { objectPath, type WireAnswer, xmlText } from '../wire.ts'
import { outcome, startWithBucket } from './bucket.fixture.ts'
import { putPolicy } from './policy.fixture.ts'

const { Bucket, server, client, put } = await startWithBucket('site', {
  owners: 1,
  domains: ['s3.test'],
  websiteDomains: ['web.test', 'web.localhost'],
})
await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
const publicRead = { Action: 's3:GetObject', on: '/*' }
await putPolicy(client, Bucket, publicRead, {
  ...{ Effect: 'Deny', Action: 's3:GetObject', on: '/secret*' },
})
for (const key of [
  'index.html',
  'page.html',
  'docs/index.html',
  'docs/a b',
  'error.html',
  'secret',
]) {
  await put(key, `content of ${key}`, { 'content-type': 'text/html' })
}

async function configure(WebsiteConfiguration: WebsiteConfiguration): Promise<void> {
  await client.send(new PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration }))
}

const plain = { IndexDocument: { Suffix: 'index.html' } }

/** A visitor's request, unsigned. */
async function visit(
  path: string,
  {
    method = 'GET',
    host = `${Bucket}.web.test`,
    headers = {},
  }: {
    readonly method?: string
    readonly host?: string
    readonly headers?: Readonly<Record<string, string>>
  } = {},
): Promise<WireAnswer> {
  const sent = request({ port: server.port, method, path, headers: { host, ...headers } })
  sent.end()
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve)
    sent.once('error', reject)
  })
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(Buffer.from(chunk))
  const { statusCode: status = 0 } = answer
  return { status, headers: answer.headers, body: Buffer.concat(chunks) }
}

function putDocument(text: string, owner = 0, bucket = Bucket): Promise<WireAnswer> {
  const body = Buffer.from(text)
  return server.send({ method: 'PUT', path: `/${bucket}`, query: { website: '' }, body }, owner)
}

test('a configuration is kept as it was given, replaced, and removed', async () => {
  const get = async (): Promise<unknown> => {
    const { $metadata, ...found } = await client.send(new GetBucketWebsiteCommand({ Bucket }))
    return found
  }
  await assert.rejects(get(), { name: 'NoSuchWebsiteConfiguration' })
  const full = {
    ...plain,
    ErrorDocument: { Key: 'error.html' },
    RoutingRules: [
      {
        Condition: { KeyPrefixEquals: 'old/', HttpErrorCodeReturnedEquals: '404' },
        Redirect: {
          HostName: 'other.example',
          HttpRedirectCode: '302',
          Protocol: 'https' as const,
          ReplaceKeyPrefixWith: 'new/',
        },
      },
      { Redirect: { ReplaceKeyWith: 'page.html' } },
    ],
  }
  await configure(full)
  assert.deepEqual(await get(), full)
  const redirect = {
    RedirectAllRequestsTo: { HostName: 'other.example', Protocol: 'https' as const },
  }
  await configure(redirect)
  assert.deepEqual(await get(), redirect)
  await client.send(new DeleteBucketWebsiteCommand({ Bucket }))
  await assert.rejects(get(), { name: 'NoSuchWebsiteConfiguration' })
  await client.send(new DeleteBucketWebsiteCommand({ Bucket }))
})

function rules(rule: string): string {
  return `<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument><RoutingRules><RoutingRule>${rule}</RoutingRule></RoutingRules></WebsiteConfiguration>`
}

function configuration(inner: string): string {
  return `<WebsiteConfiguration>${inner}</WebsiteConfiguration>`
}

test('a configuration that S3 would refuse is refused in its words', async () => {
  const index = '<IndexDocument><Suffix>i</Suffix></IndexDocument>'
  const all = '<RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo>'
  const redirect = '<Redirect><HostName>h</HostName></Redirect>'
  const cases: [code: string, message: string | undefined, document: string][] = [
    [
      'InvalidArgument',
      'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty',
      configuration(''),
    ],
    [
      'InvalidArgument',
      'The IndexDocument Suffix is not well formed',
      configuration('<IndexDocument><Suffix>a/b</Suffix></IndexDocument>'),
    ],
    [
      'InvalidArgument',
      'The IndexDocument Suffix is not well formed',
      configuration('<IndexDocument><Suffix/></IndexDocument>'),
    ],
    [
      'InvalidArgument',
      'The ErrorDocument Key is not well formed',
      configuration(`${index}<ErrorDocument><Key/></ErrorDocument>`),
    ],
    [
      'InvalidRequest',
      'RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.',
      configuration(all + index),
    ],
    [
      'InvalidRequest',
      'Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.',
      rules('<Redirect><Protocol>ftp</Protocol></Redirect>'),
    ],
    [
      'InvalidRequest',
      'The provided HTTP redirect code (404) is not valid. Valid codes are 3XX except 300.',
      rules('<Redirect><HttpRedirectCode>404</HttpRedirectCode></Redirect>'),
    ],
    [
      'InvalidRequest',
      'The provided HTTP error code (200) is not valid. Valid codes are 4XX or 5XX.',
      rules(
        `<Condition><HttpErrorCodeReturnedEquals>200</HttpErrorCodeReturnedEquals></Condition>${redirect}`,
      ),
    ],
    [
      'InvalidRequest',
      "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
      rules(`<Condition/>${redirect}`),
    ],
    [
      'InvalidRequest',
      'You can only define ReplaceKeyPrefix or ReplaceKey but not both.',
      rules(
        '<Redirect><ReplaceKeyWith>a</ReplaceKeyWith><ReplaceKeyPrefixWith>a</ReplaceKeyPrefixWith></Redirect>',
      ),
    ],
    [
      'InvalidRequest',
      'The provided host name is not valid.',
      rules('<Redirect><HostName>a/b</HostName></Redirect>'),
    ],
    [
      'InvalidRequest',
      '51 routing rules provided, the number of routing rules in a website configuration is limited to 50.',
      configuration(
        `${index}<RoutingRules>${`<RoutingRule>${redirect}</RoutingRule>`.repeat(51)}</RoutingRules>`,
      ),
    ],
    ['MalformedXML', undefined, '<Other/>'],
    ['MalformedXML', undefined, configuration(`${index}${index}`)],
    ['MalformedXML', undefined, configuration(`${index}<Other/>`)],
    ['MalformedXML', undefined, configuration('<RedirectAllRequestsTo/>')],
    ['MalformedXML', undefined, rules('')],
    ['MalformedXML', undefined, rules('<Redirect/>')],
    ['MissingRequestBodyError', undefined, ''],
  ]
  for (const [code, message, text] of cases) {
    const answer = await putDocument(text)
    assert.deepEqual(outcome(answer), [400, code], text)
    if (message !== undefined) assert.equal(xmlText(answer.body, 'Message'), message)
  }
  const valid = configuration(index)
  assert.deepEqual(outcome(await putDocument(valid, 1)), [403, 'AccessDenied'])
  assert.deepEqual(outcome(await putDocument(valid, 0, 'no-such-bucket')), [404, 'NoSuchBucket'])
})

test('a document is shown under its key, and the index under that of its folder', async () => {
  await configure(plain)
  for (const [path, content] of [
    ['/', 'content of index.html'],
    ['/page.html', 'content of page.html'],
    ['/page.html?x=1&acl', 'content of page.html'],
    ['/docs/', 'content of docs/index.html'],
    ['/docs/a%20b', 'content of docs/a b'],
    ['/docs/a+b', 'content of docs/a b'],
  ] as const) {
    const answer = await visit(path)
    assert.deepEqual([answer.status, answer.body.toString()], [200, content], path)
    assert.equal(answer.headers['content-type'], 'text/html')
  }
  assert.equal((await visit('/page.html', { host: `${Bucket}.web.localhost:9000` })).status, 200)
  const head = await visit('/', { method: 'HEAD' })
  assert.deepEqual([head.status, head.body.length], [200, 0])
  assert.equal(head.headers['content-length'], '21')
  const part = await visit('/page.html', { headers: { Range: 'bytes=0-6' } })
  assert.deepEqual([part.status, part.body.toString()], [206, 'content'])
  const { etag = '' } = head.headers
  const unchanged = await visit('/', { headers: { 'If-None-Match': String(etag) } })
  assert.deepEqual([unchanged.status, unchanged.body.length], [304, 0])
  // A name of the server itself is not one of a website.
  assert.equal((await visit('/page.html', { host: `${Bucket}.s3.test` })).status, 200)
  assert.match((await visit('/none', { host: `${Bucket}.s3.test` })).body.toString(), /^<\?xml/)
})

test('a folder without its slash is redirected to', async () => {
  await configure(plain)
  for (const [path, location] of [
    ['/docs', '/docs/'],
    ['/docs?a=b', '/docs/?a=b'],
  ]) {
    const answer = await visit(path ?? '')
    assert.deepEqual([answer.status, answer.headers['location']], [302, location])
  }
  assert.equal((await visit('/none')).status, 403)
})

test('an error is a page of HTML, with what it is about', async () => {
  await configure(plain)
  const page = async (
    answer: Promise<WireAnswer>,
    status: number,
    code: string,
  ): Promise<string> => {
    const { headers, body, ...found } = await answer
    assert.equal(found.status, status)
    assert.equal(headers['content-type'], 'text/html; charset=utf-8')
    assert.equal(headers['x-amz-error-code'], code)
    assert.match(body.toString(), new RegExp(`<li>Code: ${code}</li>`))
    return body.toString()
  }
  const denied = await page(visit('/secret'), 403, 'AccessDenied')
  assert.match(denied, /<title>403 Forbidden<\/title>/)
  await page(visit('/<script>none'), 403, 'AccessDenied')
  await page(
    visit('/', { method: 'POST', headers: { 'Content-Length': '0' } }),
    405,
    'MethodNotAllowed',
  )
  await page(visit('/', { host: 'no-such-bucket.web.test' }), 404, 'NoSuchBucket')
  await page(visit('/', { host: 'web.test' }), 404, 'NoSuchBucket')
  await page(visit(`/${'k'.repeat(1025)}`), 400, 'KeyTooLongError')
  await page(visit('/%ff'), 400, 'InvalidURI')
  await putPolicy(client, Bucket, publicRead, { Action: 's3:ListBucket', on: '' })
  const missing = await page(visit('/%3Cb%3E'), 404, 'NoSuchKey')
  assert.match(missing, /<li>Key: &lt;b&gt;<\/li>/)
  await putPolicy(client, Bucket, publicRead)
  await client.send(new DeleteBucketWebsiteCommand({ Bucket }))
  await page(visit('/'), 404, 'NoSuchWebsiteConfiguration')
})

test('the error document is shown with the status of the error', async () => {
  await configure({ ...plain, ErrorDocument: { Key: 'error.html' } })
  const answer = await visit('/none')
  assert.deepEqual([answer.status, answer.body.toString()], [403, 'content of error.html'])
  assert.equal(answer.headers['content-type'], 'text/html')
  const head = await visit('/none', { method: 'HEAD' })
  assert.deepEqual([head.status, head.body.length], [403, 0])
  await configure({ ...plain, ErrorDocument: { Key: 'no-error.html' } })
  const page = (await visit('/none')).body.toString()
  assert.match(page, /An Error Occurred While Attempting to Retrieve a Custom Error Document/)
})

test('a website may redirect every request elsewhere', async () => {
  await configure({ RedirectAllRequestsTo: { HostName: 'other.example:8080' } })
  for (const [path, location] of [
    ['/', 'http://other.example:8080/'],
    ['/a%20b/c%0d%0ax?q=1', 'http://other.example:8080/a%20b/c%0D%0Ax?q=1'],
  ] as const) {
    const answer = await visit(path)
    assert.deepEqual([answer.status, answer.headers['location']], [301, location])
  }
  await configure({ RedirectAllRequestsTo: { HostName: 'other.example', Protocol: 'https' } })
  assert.equal((await visit('/x')).headers['location'], 'https://other.example/x')
})

test('routing rules redirect by prefix before the look-up, and by status after it', async () => {
  const host = `${Bucket}.web.test:9000`
  await configure({
    ...plain,
    RoutingRules: [
      {
        Condition: { KeyPrefixEquals: 'old/' },
        Redirect: { ReplaceKeyPrefixWith: 'docs/', HttpRedirectCode: '307' },
      },
      {
        Condition: { KeyPrefixEquals: 'page' },
        Redirect: { HostName: 'other.example', Protocol: 'https' },
      },
      {
        Condition: { HttpErrorCodeReturnedEquals: '403', KeyPrefixEquals: 'app/' },
        Redirect: { ReplaceKeyPrefixWith: 'app.html#!/' },
      },
      {
        Condition: { HttpErrorCodeReturnedEquals: '403' },
        Redirect: { ReplaceKeyWith: 'error.html', HttpRedirectCode: '302' },
      },
    ],
  })
  for (const [path, status, location] of [
    ['/old/a%20b', 307, `http://${host}/docs/a%20b`],
    ['/page.html', 301, 'https://other.example/page.html'],
    ['/app/x/y', 301, `http://${host}/app.html#!/x/y`],
    ['/none', 302, `http://${host}/error.html`],
    ['/docs', 302, '/docs/'],
  ] as const) {
    const answer = await visit(path, { host })
    assert.deepEqual([answer.status, answer.headers['location']], [status, location], path)
  }
  assert.equal((await visit('/docs/', { host })).status, 200)
})

test('an object may redirect its visitors, and a copy of it does not', async () => {
  await configure(plain)
  const Key = 'moved'
  const redirect = { WebsiteRedirectLocation: '/page.html' }
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...redirect }))
  const answer = await visit('/moved')
  assert.deepEqual([answer.status, answer.headers['location']], [301, '/page.html'])
  assert.equal(answer.body.length, 0)
  const locationOf = async (key: string): Promise<string | undefined> => {
    const found = await client.send(new HeadObjectCommand({ Bucket, Key: key }))
    return found.WebsiteRedirectLocation
  }
  assert.equal(await locationOf(Key), '/page.html')
  const CopySource = `${Bucket}/${Key}`
  await client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }))
  assert.equal(await locationOf('copy'), undefined)
  const other = { WebsiteRedirectLocation: 'https://other.example/' }
  await client.send(new CopyObjectCommand({ Bucket, Key, CopySource, ...other }))
  assert.equal(await locationOf(Key), 'https://other.example/')
  const refused = await server.send({
    method: 'PUT',
    path: objectPath(Bucket, 'refused'),
    headers: { 'x-amz-website-redirect-location': 'elsewhere' },
    body: Buffer.from('x'),
  })
  assert.deepEqual(outcome(refused), [400, 'InvalidRedirectLocation'])
})

test('a website answers pages of other origins by the rules of its bucket', async () => {
  await configure(plain)
  const AllowedOrigins = ['https://app.example']
  const CORSRules = [{ AllowedOrigins, AllowedMethods: ['GET'] }]
  await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
  const headers = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'GET' }
  for (const [method, path, status] of [
    ['OPTIONS', '/page.html', 200],
    ['GET', '/page.html', 200],
    ['GET', '/secret-none', 403],
  ] as const) {
    const answer = await visit(path, { method, headers })
    assert.equal(answer.status, status)
    assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example')
  }
})

test('a bucket that is not public shows nothing', async () => {
  const closed = 'closed-site'
  await client.send(new CreateBucketCommand({ Bucket: closed }))
  await client.send(new PutObjectCommand({ Bucket: closed, Key: 'index.html', Body: 'x' }))
  const WebsiteConfiguration = { ...plain, ErrorDocument: { Key: 'index.html' } }
  await client.send(new PutBucketWebsiteCommand({ Bucket: closed, WebsiteConfiguration }))
  const answer = await visit('/', { host: `${closed}.web.test` })
  assert.equal(answer.status, 403)
  assert.match(answer.body.toString(), /<li>Code: AccessDenied<\/li>/)
})
