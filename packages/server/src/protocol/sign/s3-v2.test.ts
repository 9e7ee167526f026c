// Signature Version 2: the examples of Amazon's page, every refusal, and what it leaves unsigned.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SignedRequest } from './canonical.ts'
import { isSignError } from './error.ts'
import type { PostFields } from './post.ts'
import { refusalOf } from './refusal.fixture.ts'
import { type Verified, Verifier } from './verifier.ts'
import type { SignWords } from './wording.ts'

const { HOLDFAST_TEST_SCALE: scale = '1' } = process.env
const accessKeyId = 'AKIAIOSFODNN7EXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'

interface Attempt {
  readonly method?: string
  readonly path?: string
  readonly hostBucket?: string
  readonly query?: readonly (readonly [string, string])[]
  readonly headers?: readonly (readonly [string, string])[]
  readonly now?: string | number
}

function requestOf({ method = 'GET', path = '/', ...rest }: Attempt): SignedRequest {
  const { hostBucket, query = [], headers = [] } = rest
  const joined: Record<string, string> = { host: 's3.amazonaws.com' }
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    joined[lower] = joined[lower] === undefined ? value : `${joined[lower]}, ${value}`
  }
  return {
    method,
    path,
    hostBucket,
    parameters: query.map(([name, value]) => ({ name, value })),
    headers: joined,
    rawHeaders: headers.flat(),
  }
}

function verifierAt(now: string | number, acceptsVersion2 = true): Verifier<string> {
  const nowMs = typeof now === 'number' ? now : Date.parse(now)
  return new Verifier({
    lookup: (id) => (id === accessKeyId ? { secretAccessKey, principal: 'owner' } : undefined),
    clock: { now: () => nowMs, monotonicMs: () => 0 },
    acceptsVersion2,
  })
}

const date = 'Tue, 27 Mar 2007 19:36:42 +0000'

function attempt(of: Attempt): Verified<string> {
  return verifierAt(of.now ?? date).verify(requestOf(of))
}

const refused = (of: Attempt): SignWords => refusalOf(() => attempt(of))

function sign(text: string): string {
  return createHmac('sha1', secretAccessKey).update(text).digest('base64')
}

const bearing = (signature: string): readonly [string, string] => [
  'Authorization',
  `AWS ${accessKeyId}:${signature}`,
]

test('the examples of Amazon verify', () => {
  const examples: readonly (Attempt & { readonly date: string; readonly signature: string })[] = [
    {
      path: '/photos/puppy.jpg',
      hostBucket: 'johnsmith',
      date,
      signature: 'bWq2s1WEIj+Ydj0vQ697zp+IXMU=',
    },
    {
      method: 'PUT',
      path: '/photos/puppy.jpg',
      hostBucket: 'johnsmith',
      headers: [
        ['Content-Type', 'image/jpeg'],
        ['Content-Length', '94328'],
      ],
      date: 'Tue, 27 Mar 2007 21:15:45 +0000',
      signature: 'MyyxeRY7whkBe+bq8fHCL/2kKUg=',
    },
    {
      hostBucket: 'johnsmith',
      query: [
        ['prefix', 'photos'],
        ['max-keys', '50'],
        ['marker', 'puppy'],
      ],
      date: 'Tue, 27 Mar 2007 19:42:41 +0000',
      signature: 'htDYFYduRNen8P9ZfE/s9SuKy0U=',
    },
    {
      hostBucket: 'johnsmith',
      query: [['acl', '']],
      date: 'Tue, 27 Mar 2007 19:44:46 +0000',
      signature: 'c2WLPFtWHVgbEmeEG93a4cG37dM=',
    },
    {
      method: 'DELETE',
      path: '/johnsmith/photos/puppy.jpg',
      date: 'Tue, 27 Mar 2007 21:20:26 +0000',
      signature: 'lx3byBScXR6KzyMaifNkardMwNk=',
    },
    {
      method: 'PUT',
      path: '/db-backup.dat.gz',
      hostBucket: 'static.johnsmith.net',
      headers: [
        ['x-amz-acl', 'public-read'],
        ['content-type', 'application/x-download'],
        ['Content-MD5', '4gJE4saaMU4BqNR0kLY+lw=='],
        ['X-Amz-Meta-ReviewedBy', 'joe@johnsmith.net'],
        ['X-Amz-Meta-ReviewedBy', 'jane@johnsmith.net'],
        ['X-Amz-Meta-FileChecksum', '0x02661779'],
        ['X-Amz-Meta-ChecksumAlgorithm', 'crc32'],
        ['Content-Disposition', 'attachment; filename=database.dat'],
        ['Content-Encoding', 'gzip'],
        ['Content-Length', '5913339'],
      ],
      date: 'Tue, 27 Mar 2007 21:06:08 +0000',
      signature: 'ilyl83RwaSoYIEdixDQcA4OnAnc=',
    },
    { date: 'Wed, 28 Mar 2007 01:29:59 +0000', signature: 'qGdzdERIC03wnaRNKh6OqZehG9s=' },
    {
      path: '/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re',
      date: 'Wed, 28 Mar 2007 01:49:49 +0000',
      signature: 'DNEZGsoieTZ92F3bUfSPQcbGmlM=',
    },
  ]
  for (const { date, signature, headers = [], ...rest } of examples) {
    const all = [...headers, ['Date', date] as const, bearing(signature)]
    const verified = attempt({ ...rest, headers: all, now: date })
    assert.deepEqual(verified, {
      principal: 'owner',
      accessKeyId,
      method: 'header',
      version: 'AWS',
      payload: { kind: 'unsigned' },
    })
    assert.equal(
      refused({ ...rest, method: 'HEAD', headers: all, now: date }).code,
      'SignatureDoesNotMatch',
    )
  }
})

const expires = 1175139620
const url: Attempt = {
  path: '/photos/puppy.jpg',
  hostBucket: 'johnsmith',
  query: [
    ['AWSAccessKeyId', accessKeyId],
    ['Signature', 'NpgCjnDzrM+WFzoENXmpNDUsSn8='],
    ['Expires', String(expires)],
  ],
}

test('the presigned URL of Amazon verifies until it expires', () => {
  const { principal, method } = attempt(url)
  assert.deepEqual([principal, method], ['owner', 'query'])
  assert.equal(attempt({ ...url, now: expires * 1000 }).principal, 'owner')
  const { code, message, fields } = refused({ ...url, now: expires * 1000 + 1000 })
  assert.deepEqual([code, message], ['ExpiredUrl', 'Request has expired'])
  assert.deepEqual(fields, {
    Expires: '2007-03-29T03:40:20Z',
    ServerTime: '2007-03-29T03:40:21Z',
  })
})

const form = (values: Readonly<Record<string, string>>): PostFields => {
  const fields = Object.entries(values).map(([name, value]) => ({ name, value }))
  return { fields, get: (name) => fields.find((field) => field.name.toLowerCase() === name)?.value }
}

const policy = Buffer.from(`{ "expiration": "2007-12-01T12:00:00.000Z",
  "conditions": [
    {"bucket": "johnsmith"},
    ["starts-with", "$key", "user/eric/"],
    {"acl": "public-read"},
    {"success_action_redirect": "http://johnsmith.s3.amazonaws.com/successful_upload.html"},
    ["starts-with", "$Content-Type", "image/"],
    {"x-amz-meta-uuid": "14365123651274"},
    ["starts-with", "$x-amz-meta-tag", ""]
  ]
}
`).toString('base64')
const signedForm = {
  AWSAccessKeyId: accessKeyId,
  Policy: policy,
  Signature: sign(policy),
}

test('a form is signed over its policy', () => {
  const verifier = verifierAt(date)
  const { principal, method } = verifier.verifyForm(form(signedForm))
  assert.deepEqual([principal, method], ['owner', 'form'])
  const refusedForm = (changes: Readonly<Record<string, string>>): string =>
    refusalOf(() => verifier.verifyForm(form({ ...signedForm, ...changes }))).code
  assert.equal(refusedForm({ Policy: `${policy}=` }), 'SignatureDoesNotMatch')
  assert.equal(refusedForm({ Signature: sign('x') }), 'SignatureDoesNotMatch')
  assert.equal(refusedForm({ AWSAccessKeyId: 'AKID' }), 'InvalidAccessKeyId')
  assert.equal(refusedForm({ 'x-amz-security-token': 't' }), 'InvalidToken')
  for (const name of ['Policy', 'Signature', 'AWSAccessKeyId']) {
    const { code, message } = refusalOf(() =>
      verifier.verifyForm(form({ ...signedForm, [name]: '' })),
    )
    assert.equal(code, 'InvalidArgument')
    assert.ok(message.startsWith(`Bucket POST must contain a field named '${name.toLowerCase()}'`))
  }
  const off = verifierAt(date, false)
  assert.equal(refusalOf(() => off.verifyForm(form(signedForm))).code, 'InvalidRequest')
})

test('switched off, it is refused wherever it stands', () => {
  const off = verifierAt(date, false)
  const header = requestOf({ headers: [['Date', date], bearing('x')] })
  for (const request of [header, requestOf(url)]) {
    const { code, message } = refusalOf(() => off.verify(request))
    assert.equal(code, 'InvalidRequest')
    assert.match(message, /Please use AWS4-HMAC-SHA256\.$/)
  }
})

test('an Authorization header has its form', () => {
  const message = (authorization: string): string => {
    const headers = [['Date', date] as const, ['Authorization', authorization] as const]
    const error = refused({ headers })
    assert.equal(error.code, 'InvalidArgument')
    return error.message
  }
  const space = "Authorization header is invalid -- one and only one ' ' (space) required"
  const parts = 'AWS authorization header is invalid.  Expected AwsAccessKeyId:signature'
  assert.equal(message('AWS'), space)
  assert.equal(message('AWS a:b c'), space)
  assert.equal(message('AWS  a:b'), space)
  assert.equal(message('AWS ab'), parts)
  assert.equal(message('AWS a:b:c'), parts)
  assert.equal(message('AWS :b'), parts)
  assert.equal(message('AWSX a:b'), 'Unsupported Authorization Type')
  const both = { ...url, headers: [['Date', date] as const, bearing('x')] }
  assert.match(refused(both).message, /^Only one auth mechanism allowed/)
})

test('a header needs a date near to the present one, of which x-amz-date wins', () => {
  const signed = (at: string): Attempt => ({
    headers: [['Date', at], bearing(sign(`GET\n\n\n${at}\n/`))],
  })
  assert.equal(refused(signed('')).code, 'AccessDenied')
  assert.equal(refused({ headers: [bearing('x')] }).code, 'AccessDenied')
  assert.equal(refused(signed('yesterday')).code, 'AccessDenied')
  assert.equal(attempt(signed('Tue, 27 Mar 2007 19:21:42 GMT')).principal, 'owner')
  assert.equal(refused(signed('Tue, 27 Mar 2007 19:21:41 GMT')).code, 'RequestTimeTooSkewed')
  assert.equal(refused(signed('Tue, 27 Mar 2007 19:51:43 GMT')).code, 'RequestTimeTooSkewed')
  const amzDate = (text: string): Attempt => ({
    headers: [['Date', 'odd'], ['x-amz-date', date], bearing(sign(text))],
  })
  assert.equal(attempt(amzDate(`GET\n\n\n\nx-amz-date:${date}\n/`)).principal, 'owner')
  assert.equal(
    refused(amzDate(`GET\n\n\nodd\nx-amz-date:${date}\n/`)).code,
    'SignatureDoesNotMatch',
  )
})

test('a URL without one of its parameters, or with a bad one, is refused', () => {
  const { query = [] } = url
  for (const [name] of query) {
    if (name === 'Expires') continue
    const { code, message } = refused({ ...url, query: query.filter(([other]) => other !== name) })
    assert.equal(code, 'AccessDenied')
    assert.match(message, /^Query-string authentication requires the Signature, Expires and/)
  }
  const withValue = (name: string, value: string): Attempt => ({
    ...url,
    query: query.map(([other, old]) => [other, other === name ? value : old] as const),
  })
  for (const value of ['soon', '-1', '1e9', '1175139620.5']) {
    const { code, message } = refused(withValue('Expires', value))
    assert.equal(code, 'AccessDenied')
    assert.equal(message, `Invalid date (should be seconds since epoch): ${value}`)
  }
  assert.equal(refused(withValue('Expires', String(expires + 1))).code, 'SignatureDoesNotMatch')
  assert.equal(refused(withValue('AWSAccessKeyId', 'AKID')).code, 'InvalidAccessKeyId')
  const { fields } = refused(withValue('Signature', 'x'))
  assert.equal(fields['StringToSign'], `GET\n\n\n${expires}\n/johnsmith/photos/puppy.jpg`)
  assert.equal(fields['SignatureProvided'], 'x')
  assert.equal(fields['AWSAccessKeyId'], accessKeyId)
})

function presigned(text: string, more: Attempt['query'] = [], rest: Attempt = {}): Attempt {
  return {
    path: '/b/k',
    ...rest,
    query: [
      ...more,
      ['AWSAccessKeyId', accessKeyId],
      ['Signature', sign(text)],
      ['Expires', String(expires)],
    ],
  }
}

test('what the signature leaves open, and the server would act upon, is refused', () => {
  const text = `GET\n\n\n${expires}\n/b/k`
  assert.equal(attempt(presigned(text)).principal, 'owner')
  assert.equal(attempt(presigned(text, [['prefix', 'a']])).principal, 'owner')
  const ours = refused(presigned(text, [], { headers: [['X-Holdfast-Lease', '1']] }))
  assert.deepEqual(
    [ours.code, ours.fields],
    ['AccessDenied', { HeadersNotSigned: 'x-holdfast-lease' }],
  )
  for (const name of ['archive', 'renameObject', 'attributes', 'ACL', 'any']) {
    const { code, fields } = refused(presigned(text, [[name, '']]))
    assert.deepEqual([code, fields], ['AccessDenied', { ParametersNotSigned: name }])
  }
  for (const name of ['acl', 'versionId', 'response-expires', 'x-amz-acl']) {
    assert.equal(refused(presigned(text, [[name, 'v']])).code, 'SignatureDoesNotMatch')
  }
  const header: Attempt = { headers: [['x-amz-copy-source', '/b/other']] }
  assert.equal(refused(presigned(text, [], header)).code, 'SignatureDoesNotMatch')
})

test('parameters of the resource are signed decoded, in order', () => {
  const text = `GET\n\n\n${expires}\n/b/k?acl&response-content-type=é +&b&versionId=1`
  const query = [
    ['versionId', '1'],
    ['response-content-type', 'é +&b'],
    ['acl', ''],
  ] as const
  assert.equal(attempt(presigned(text, query)).principal, 'owner')
})

test('a value of a signed parameter can not swallow the next one', () => {
  const text = `GET\n\n\n${expires}\n/b/k?response-content-type=a/b&versionId=1`
  const apart = [
    ['response-content-type', 'a/b'],
    ['versionId', '1'],
  ] as const
  assert.equal(attempt(presigned(text, apart)).principal, 'owner')
  for (const value of ['a/b&versionId=1', 'a/b&versionId', 'a/b&x&acl']) {
    const { code } = refused(presigned(text, [['response-content-type', value]]))
    assert.equal(code, 'InvalidArgument', value)
  }
})

test('a URL may repeat the headers of a description, in any case, which count for nothing there', () => {
  const text = `PUT\n\ntext/x\n${expires}\n/b/k`
  const more = [
    ['Cache-Control', 'no-store'],
    ['Content-Disposition', 'inline'],
    ['content-encoding', 'gzip'],
    ['Content-Language', 'de'],
    ['Content-Length', '1'],
    ['Content-MD5', 'x'],
    ['CONTENT-TYPE', 'text/x'],
  ] as const
  const put: Attempt = { method: 'PUT', headers: [['Content-Type', 'text/x']] }
  assert.equal(attempt(presigned(text, more, put)).principal, 'owner')
  const without = presigned(text, more, { method: 'PUT' })
  assert.equal(refused(without).code, 'SignatureDoesNotMatch')
})

test('a bare plus in a path may be signed as a space, and in a URL as nothing else', () => {
  const of = (signed: string): Attempt =>
    presigned(`GET\n\n\n${expires}\n${signed}`, [], { path: '/b/a+b' })
  for (const signed of ['/b/a+b', '/b/a%20b']) assert.equal(attempt(of(signed)).principal, 'owner')
  assert.equal(refused(of('/b/a%2Bb')).code, 'SignatureDoesNotMatch')
  const headers = [['Date', date], bearing(sign(`GET\n\n\n${date}\n/b/a%2Bb`))] as const
  assert.equal(attempt({ path: '/b/a+b', headers }).principal, 'owner')
})

test('parameters of a URL stand for headers, and can not pass for two', () => {
  const text = `PUT\n\n\n${expires}\nx-amz-acl:private\nx-amz-meta-a:é\n/b/k`
  const put: Attempt = { method: 'PUT' }
  const query = [
    ['X-Amz-Meta-A', 'é'],
    ['x-amz-acl', 'private'],
  ] as const
  assert.equal(attempt(presigned(text, query, put)).principal, 'owner')
  const sent = presigned(text, query, { ...put, headers: [['x-amz-acl', 'private']] })
  assert.equal(attempt(sent).principal, 'owner')
  const other = presigned(text, query, { ...put, headers: [['x-amz-acl', 'public-read']] })
  assert.equal(refused(other).code, 'SignatureDoesNotMatch')
  for (const folded of [
    [['x-amz-acl', 'private\nx-amz-meta-a:é']],
    [
      ['x-amz-acl', 'private'],
      ['x-amz-meta-a:é\n/b/k?', ''],
    ],
  ] as const) {
    assert.equal(refused(presigned(text, folded, put)).code, 'InvalidArgument')
  }
  assert.equal(refused(presigned(text, [['x-amz-security-token', 't']], put)).code, 'InvalidToken')
})

test('the body may be framed, but not signed in chunks', () => {
  const signed = (value: string): Attempt => {
    const text = `PUT\n\n\n${date}\nx-amz-content-sha256:${value}\n/`
    const headers = [['Date', date], ['x-amz-content-sha256', value], bearing(sign(text))] as const
    return { method: 'PUT', headers }
  }
  assert.deepEqual(attempt(signed('STREAMING-UNSIGNED-PAYLOAD-TRAILER')).payload, {
    kind: 'chunked',
    signing: undefined,
    hasTrailers: true,
  })
  const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  assert.deepEqual(attempt(signed(hex)).payload, { kind: 'sha256', hex })
  assert.equal(refused(signed('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')).code, 'AccessDenied')
  assert.equal(refused(signed('nonsense')).code, 'InvalidArgument')
})

test('a bucket without a slash at its end may be signed with one', () => {
  const of = presigned(`GET\n\n\n${expires}\n/b/`, [['list-type', '2']], { path: '/b' })
  assert.equal(attempt(of).principal, 'owner')
  assert.equal(refused({ ...of, path: '/b/k' }).code, 'SignatureDoesNotMatch')
})

test('a path verifies also where it is escaped otherwise than it was signed', () => {
  const text = `GET\n\n\n${expires}\n/b/a%20%27%C3%A9`
  for (const path of ['/b/a%20%27%C3%A9', "/b/a%20'%c3%a9"]) {
    assert.equal(attempt(presigned(text, [], { path })).principal, 'owner')
  }
})

test('any request ends in a principal or in a refusal', () => {
  const token = fc.oneof(
    fc.constantFrom('AWS', ' ', ':', accessKeyId, '=', '\n', '0', 'x-amz-', 'acl'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  )
  const text = fc.array(token, { maxLength: 5 }).map((pieces) => pieces.join(''))
  const name = fc.oneof(
    fc.constantFrom('AWSAccessKeyId', 'Signature', 'Expires', 'x-amz-date', 'Date'),
    text,
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(name, text)), text, fc.boolean(), (query, value, isHeader) => {
      const headers = isHeader ? [['Authorization', `AWS ${value}`] as const] : []
      try {
        const { principal } = attempt({ query, headers })
        assert.equal(principal, undefined)
      } catch (error) {
        assert.ok(isSignError(error), String(error))
      }
    }),
    { numRuns: 500 * Number(scale) },
  )
})
