// The page at the root, for browsers alone.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, test } from 'node:test'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { open } from '../src/index.ts'

const server = await open({ memory: true, domains: ['s3.example.com'] })
after(() => server.close())

/** As Firefox and Chromium send it. */
const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

function get(path: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(server.endpoint + path, { headers })
}

async function isPage(answer: Response): Promise<boolean> {
  const text = await answer.text()
  return (answer.headers.get('content-type') ?? '').startsWith('text/html') && text.includes('<h1>')
}

test('a browser gets a page that says what this is, that it is well, and how to begin', async () => {
  const answer = await get('/', { accept })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  const text = await answer.text()
  assert.match(text, /It is well/)
  assert.match(text, new RegExp(`--endpoint-url ${server.endpoint} s3 mb`))
})

test('the page may load nothing, run nothing, be framed by nobody; its style is the one allowed', async () => {
  const answer = await get('/', { accept })
  const policy = answer.headers.get('content-security-policy') ?? ''
  const [, style = ''] = /<style>(.*)<\/style>/s.exec(await answer.text()) ?? []
  const hash = createHash('sha256').update(style).digest('base64')
  for (const rule of [
    "default-src 'none'",
    `style-src 'sha256-${hash}'`,
    "frame-ancestors 'none'",
    "form-action 'none'",
    "base-uri 'none'",
  ]) {
    assert.ok(policy.includes(rule), rule)
  }
  assert.doesNotMatch(policy, /unsafe/)
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
})

test('HEAD has the headers of the page, and no body', async () => {
  const answer = await fetch(`${server.endpoint}/`, { method: 'HEAD', headers: { accept } })
  assert.equal(answer.status, 200)
  assert.equal(await answer.text(), '')
  assert.match(answer.headers.get('content-type') ?? '', /html/)
})

test('a name of a host that is none is not shown', async () => {
  const { pageText } = await import('../src/protocol/admin/page.ts')
  const of = (host: string | undefined): string =>
    pageText({ host, isSecure: true, isStopping: false })
  for (const host of ['"><script>', 'a b', '', undefined, 'a/b', 'x:1:2']) {
    assert.match(of(host), /https:\/\/THIS-SERVER s3 mb/, host)
  }
  for (const host of ['s3.example.com', '127.0.0.1:9000', '[::1]:9000', 'localhost']) {
    assert.ok(of(host).includes(`https://${host} s3 mb`), host)
  }
  assert.match(pageText({ host: 'a', isSecure: false, isStopping: true }), /It is stopping/)
})

test('no client of S3 or SimpleDB gets the page', async () => {
  const client = new S3Client(server.clientConfig)
  assert.deepEqual((await client.send(new ListBucketsCommand())).Buckets ?? [], [])
  client.destroy()
  const others: readonly [path: string, headers: Readonly<Record<string, string>>][] = [
    ['/', {}],
    ['/', { accept: '*/*' }],
    ['/', { accept: 'application/xml' }],
    ['/', { accept: 'application/json, text/html' }],
    ['/', { accept, authorization: 'AWS4-HMAC-SHA256 Credential=x' }],
    ['/', { accept, 'x-amz-date': '20260101T000000Z' }],
    ['/?Action=ListDomains', { accept }],
    ['/?X-Amz-Signature=1', { accept }],
    ['/bucket', { accept }],
    ['/bucket/', { accept }],
    ['//', { accept }],
  ]
  for (const [path, headers] of others) {
    const answer = await get(path, headers)
    assert.ok(answer.status >= 400, path)
    assert.equal(await isPage(answer), false, `${path} ${JSON.stringify(headers)}`)
  }
  const posted = await fetch(`${server.endpoint}/`, { method: 'POST', headers: { accept } })
  assert.equal(await isPage(posted), false)
})
