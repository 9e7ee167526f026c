// Uploads by an HTML form across the wire.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  PutBucketOwnershipControlsCommand,
} from '@aws-sdk/client-s3'
import { xmlText } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'
import { signedForm as signedFields } from './signed-form.ts'

const { Bucket, server, client } = await startWithBucket('forms', { owners: 1 })

interface FormOptions {
  readonly fields?: Readonly<Record<string, string>>
  readonly conditions?: readonly unknown[]
  readonly expiresInMs?: number
  readonly owner?: number
  readonly file?: Buffer | string
  readonly filename?: string
  readonly bucket?: string
  /** Headers beside the form. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A form whose policy allows its own fields by default. */
function signedForm(options: FormOptions): FormData {
  const form = new FormData()
  const { owner = 0, ...rest } = options
  const all = signedFields(server.credential(owner), { ...rest, bucket: Bucket })
  for (const [name, value] of Object.entries(all)) form.set(name, value)
  form.set(
    'file',
    new Blob([Uint8Array.from(Buffer.from(options.file ?? 'content'))]),
    options.filename ?? 'a.txt',
  )
  return form
}

async function post(options: FormOptions): Promise<Response> {
  const { bucket = Bucket, headers = {} } = options
  const body = signedForm(options)
  const url = `${server.endpoint}/${bucket}`
  return fetch(url, { method: 'POST', body, headers, redirect: 'manual' })
}

async function refusal(response: Response): Promise<[number, string | undefined]> {
  return [response.status, xmlText(await response.text(), 'Code')]
}

test('a form stores its file with the description in its fields', async () => {
  const file = randomBytes(300_000)
  const fields = {
    key: 'photo.png',
    'Content-Type': 'image/png',
    'Cache-Control': 'no-store',
    'x-amz-meta-title': 'Übersicht',
    'x-amz-storage-class': 'STANDARD_IA',
  }
  const response = await post({ fields, file })
  assert.equal(response.status, 204)
  assert.equal(response.headers.get('location'), `${server.endpoint}/${Bucket}/photo.png`)
  const found = await client.send(new GetObjectCommand({ Bucket, Key: 'photo.png' }))
  assert.equal(found.ETag, response.headers.get('etag'))
  assert.equal(found.ContentType, 'image/png')
  assert.equal(found.CacheControl, 'no-store')
  assert.equal(found.StorageClass, 'STANDARD_IA')
  assert.equal(
    found.Metadata?.['title'],
    `=?UTF-8?B?${Buffer.from('Übersicht').toString('base64')}?=`,
  )
  assert.ok(Buffer.from((await found.Body?.transformToByteArray()) ?? []).equals(file))
})

test('the key may take the name of the file', async () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how forms write it
  const fields = { key: 'user/${filename}' }
  await post({ fields, filename: 'C:\\pictures\\me & you.gif' })
  const found = await client.send(new GetObjectCommand({ Bucket, Key: 'user/me & you.gif' }))
  assert.equal(await found.Body?.transformToString(), 'content')
})

test('every field may take the name of the file, before the policy is evaluated', async () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how forms write it
  const name = '${filename}'
  const fields = {
    key: `named/${name}`,
    'Content-Type': `text/${name}`,
    'Content-Disposition': `attachment; filename="${name}"`,
    'x-amz-meta-name': `${name}, ${name}`,
    success_action_redirect: `https://example.com/${name}`,
  }
  const conditions = [
    { key: 'named/ä.css' },
    ['starts-with', '$Content-Type', 'text/ä.'],
    ['starts-with', '$Content-Disposition', ''],
    { 'X-Amz-Meta-Name': 'ä.css, ä.css' },
    ['eq', '$success_action_redirect', 'https://example.com/ä.css'],
    ['starts-with', '$x-amz-algorithm', ''],
    ['starts-with', '$x-amz-credential', ''],
    ['starts-with', '$x-amz-date', ''],
  ]
  const filename = 'C:\\styles\\ä.css'
  const response = await post({ fields, conditions, filename })
  assert.equal(response.status, 303)
  assert.match(response.headers.get('location') ?? '', /^https:\/\/example\.com\/%C3%A4\.css\?/)
  const found = await client.send(new GetObjectCommand({ Bucket, Key: 'named/ä.css' }))
  const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
  assert.equal(found.ContentType, latin1('text/ä.css'))
  assert.equal(found.ContentDisposition, latin1('attachment; filename="ä.css"'))
  const encoded = Buffer.from('ä.css, ä.css').toString('base64')
  assert.equal(found.Metadata?.['name'], `=?UTF-8?B?${encoded}?=`)
  const other = await post({ fields, conditions, filename: 'b.css' })
  assert.deepEqual(await refusal(other), [403, 'AccessDenied'])
  const long = { key: 'k', 'x-ignore-a': name.repeat(200) }
  const grown = await post({ fields: long, filename: 'f'.repeat(200) })
  assert.deepEqual(await refusal(grown), [400, 'MaxPostPreDataLengthExceeded'])
})

test('a header beside a form counts or is refused, and the headers of browsers are ignored', async () => {
  const beside = (headers: Readonly<Record<string, string>>): Promise<Response> =>
    post({ fields: { key: 'beside' }, headers })
  for (const [name, value] of [
    ['If-None-Match', '*'],
    ['If-Match', '"x"'],
    ['Content-MD5', 'x'],
    ['Content-Disposition', 'inline'],
    ['x-amz-meta-a', 'v'],
    ['x-amz-checksum-crc32', 'AAAAAA=='],
    ['x-amz-storage-class', 'STANDARD_IA'],
    ['x-amz-acl', 'private'],
  ] as const) {
    assert.deepEqual(await refusal(await beside({ [name]: value })), [501, 'NotImplemented'], name)
  }
  const browser = {
    'Accept-Language': 'de',
    'Cache-Control': 'no-cache',
    Origin: 'http://app.example',
    Pragma: 'no-cache',
    Referer: 'http://app.example/',
    'X-Requested-With': 'XMLHttpRequest',
  }
  assert.equal((await beside(browser)).status, 204)
  const { id } = server.credential().owner
  assert.equal((await beside({ 'x-amz-expected-bucket-owner': id })).status, 204)
  const other = await beside({ 'x-amz-expected-bucket-owner': 'other' })
  assert.deepEqual(await refusal(other), [403, 'AccessDenied'])
  const field = await post({ fields: { key: 'beside', 'x-amz-expected-bucket-owner': 'other' } })
  assert.deepEqual(await refusal(field), [403, 'AccessDenied'])
})

test('a file without a name can not lend its name to an empty key', async () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how forms write it
  const response = await post({ fields: { key: '${filename}' }, filename: 'folder/' })
  assert.deepEqual(await refusal(response), [400, 'InvalidArgument'])
})

test('the form chooses how success is told', async () => {
  for (const [status, expected] of [
    ['200', 200],
    ['201', 201],
    ['204', 204],
    ['404', 204],
  ] as const) {
    const response = await post({ fields: { key: 'status/a b', success_action_status: status } })
    assert.equal(response.status, expected)
    const text = await response.text()
    if (expected !== 201) {
      assert.equal(text, '')
      continue
    }
    assert.equal(xmlText(text, 'Location'), `${server.endpoint}/${Bucket}/status/a%20b`)
    assert.equal(xmlText(text, 'Bucket'), Bucket)
    assert.equal(xmlText(text, 'Key'), 'status/a b')
    assert.equal(xmlText(text, 'ETag'), response.headers.get('etag'))
  }
  const fields = { key: 'redirected', success_action_redirect: 'https://example.com/done?a=1' }
  const response = await post({ fields })
  assert.equal(response.status, 303)
  const location = new URL(response.headers.get('location') ?? '')
  assert.equal(location.origin, 'https://example.com')
  assert.deepEqual(Object.fromEntries(location.searchParams), {
    a: '1',
    bucket: Bucket,
    key: 'redirected',
    etag: response.headers.get('etag'),
  })
})

test('a policy is held to', async () => {
  const fields = { key: 'policy/x' }
  const others = [
    ['starts-with', '$x-amz-algorithm', ''],
    ['starts-with', '$x-amz-credential', ''],
    ['starts-with', '$x-amz-date', ''],
  ]
  const with_ = (...conditions: unknown[]): FormOptions => ({
    fields,
    conditions: [...others, ...conditions],
  })
  assert.equal((await post(with_(['starts-with', '$key', 'policy/']))).status, 204)
  assert.deepEqual(await refusal(await post(with_(['eq', '$key', 'other']))), [403, 'AccessDenied'])
  assert.deepEqual(await refusal(await post(with_())), [403, 'AccessDenied'])
  assert.deepEqual(await refusal(await post({ fields, expiresInMs: -1000 })), [403, 'AccessDenied'])
  const range = (minimum: number, maximum: number): FormOptions =>
    with_(['starts-with', '$key', ''], ['content-length-range', minimum, maximum])
  assert.deepEqual(await refusal(await post(range(0, 6))), [400, 'EntityTooLarge'])
  assert.deepEqual(await refusal(await post(range(8, 10))), [400, 'EntityTooSmall'])
  assert.equal((await post(range(7, 7))).status, 204)
})

test('forms without signature, of strangers, and for other buckets are refused', async () => {
  const form = new FormData()
  form.set('key', 'anonymous')
  form.set('file', 'content')
  const anonymous = await fetch(`${server.endpoint}/${Bucket}`, { method: 'POST', body: form })
  assert.deepEqual(await refusal(anonymous), [403, 'AccessDenied'])
  assert.deepEqual(await refusal(await post({ fields: { key: 'k' }, owner: 1 })), [
    403,
    'AccessDenied',
  ])
  await client.send(new CreateBucketCommand({ Bucket: 'forms-other' }))
  const elsewhere = await post({ fields: { key: 'k' }, bucket: 'forms-other' })
  assert.deepEqual(await refusal(elsewhere), [403, 'AccessDenied'])
  const altered = signedForm({ fields: { key: 'k' } })
  altered.set('x-amz-signature', '0'.repeat(64))
  const response = await fetch(`${server.endpoint}/${Bucket}`, { method: 'POST', body: altered })
  assert.deepEqual(await refusal(response), [403, 'SignatureDoesNotMatch'])
})

test('a form that asks for an unimplemented feature is refused', async () => {
  for (const [name, value] of [
    ['x-amz-tagging', 'a=b'],
    ['x-amz-server-side-encryption', 'AES256'],
  ] as const) {
    const response = await post({ fields: { key: 'demand', [name]: value } })
    assert.deepEqual(await refusal(response), [501, 'NotImplemented'], name)
  }
  assert.equal((await post({ fields: { key: 'demand', acl: 'private' } })).status, 204)
})

test('a form gives its file the list that its field names', async () => {
  const wanted = { fields: { key: 'listed', acl: 'public-read' } }
  assert.deepEqual(await refusal(await post(wanted)), [400, 'AccessControlListNotSupported'])
  const OwnershipControls = { Rules: [{ ObjectOwnership: 'ObjectWriter' as const }] }
  await client.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }))
  assert.deepEqual(await refusal(await post(wanted)), [403, 'AccessDenied'])
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
  assert.equal((await post(wanted)).status, 204)
  assert.equal((await fetch(`${server.endpoint}/${Bucket}/listed`)).status, 200)
  const other = { fields: { key: 'listed', acl: 'public' } }
  assert.deepEqual(await refusal(await post(other)), [400, 'InvalidArgument'])
})

test('a form gives its file the tags in its field, which are a document', async () => {
  const tagging = (tags: string): string => `<Tagging><TagSet>${tags}</TagSet></Tagging>`
  const tag = (key: string): string => `<Tag><Key>${key}</Key><Value>grün</Value></Tag>`
  const fields = { key: 'tagged', tagging: tagging(tag('colour')) }
  assert.equal((await post({ fields })).status, 204)
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }))
  assert.deepEqual(TagSet, [{ Key: 'colour', Value: 'grün' }])
  for (const [text, code] of [
    ['<Tagging/>', 'MalformedXML'],
    ['colour=blue', 'MalformedXML'],
    [tagging(tag('a*b')), 'InvalidTag'],
    [tagging(tag('a') + tag('a')), 'InvalidTag'],
  ] as const) {
    const response = await post({ fields: { key: 'refused', tagging: text } })
    assert.deepEqual(await refusal(response), [400, code], text)
  }
  const conditions = [['starts-with', '$x-amz-', ''], { key: 'unsaid' }]
  const unsaid = await post({ fields: { key: 'unsaid', tagging: tagging('') }, conditions })
  assert.equal(unsaid.status, 403)
})

test('a form writes under the lease that a field of it names, and no other way against one', async () => {
  const lease = (method: string, ticket: string, body = ''): ReturnType<typeof server.send> =>
    server.send({ method, path: `/${Bucket}`, query: { lease: ticket }, body: Buffer.from(body) })
  const { ticket } = JSON.parse(`${(await lease('POST', '', '{"write":["leased/"]}')).body}`)
  const fields = { key: 'leased/x' }
  assert.deepEqual(await refusal(await post({ fields })), [503, 'SlowDown'])
  const under = (name: string): Promise<Response> =>
    post({ fields: { ...fields, 'x-holdfast-lease': name } })
  assert.equal((await under(String(ticket))).status, 204)
  assert.deepEqual(await refusal(await under('999999')), [409, 'LeaseLost'])
  const headers = { 'x-holdfast-lease': String(ticket) }
  const body = signedForm({ fields })
  const sent = await fetch(`${server.endpoint}/${Bucket}`, { method: 'POST', body, headers })
  assert.deepEqual(await refusal(sent), [501, 'NotImplemented'])
  assert.equal((await lease('DELETE', String(ticket))).status, 204)
})

test('a form may announce the MD5 of its file, which is held to', async () => {
  const md5 = (text: string): string => createHash('md5').update(text).digest('base64')
  const announced = (name: string, digest: string): Promise<Response> =>
    post({ fields: { key: name, 'Content-MD5': digest }, file: 'content' })
  assert.deepEqual(await refusal(await announced('md5', md5('other'))), [400, 'BadDigest'])
  const wrong = await (await announced('md5', md5('other'))).text()
  assert.equal(xmlText(wrong, 'ExpectedDigest'), md5('other'))
  assert.equal(xmlText(wrong, 'CalculatedDigest'), md5('content'))
  assert.deepEqual(await refusal(await announced('md5', 'no digest')), [400, 'InvalidDigest'])
  const missing = client.send(new GetObjectCommand({ Bucket, Key: 'md5' }))
  await assert.rejects(missing, { name: 'NoSuchKey' })
  assert.equal((await announced('md5', md5('content'))).status, 204)
})

test('a form may have the conditions of a write, and no others', async () => {
  const conditional = (name: string, value: string): Promise<Response> =>
    post({ fields: { key: 'conditional', [name]: value } })
  const first = await conditional('If-None-Match', '*')
  assert.equal(first.status, 204)
  const again = await conditional('If-None-Match', '*')
  assert.deepEqual(await refusal(again), [412, 'PreconditionFailed'])
  const other = await conditional('If-Match', '"other"')
  assert.deepEqual(await refusal(other), [412, 'PreconditionFailed'])
  assert.equal((await conditional('If-Match', first.headers.get('etag') ?? '')).status, 204)
  const since = await conditional('If-Unmodified-Since', new Date().toUTCString())
  assert.deepEqual(await refusal(since), [501, 'NotImplemented'])
})

test('the description in a form comes back in headers, or is refused', async () => {
  for (const name of ['x-amz-meta-a b', 'x-amz-meta-é', 'x-amz-meta-\u212a']) {
    const response = await post({ fields: { key: 'unfit', [name]: 'v' } })
    assert.deepEqual(await refusal(response), [400, 'InvalidArgument'], name)
  }
  const control = await post({ fields: { key: 'unfit', 'x-amz-meta-a': 'v\u0000' } })
  assert.deepEqual(await refusal(control), [400, 'InvalidArgument'])
  const long = await post({ fields: { key: 'unfit', 'Content-Disposition': 'x'.repeat(2048) } })
  assert.deepEqual(await refusal(long), [400, 'MetadataTooLarge'])
})

test('a form can not smuggle a header', async () => {
  const fields = { key: 'smuggle', 'Content-Disposition': 'inline\r\nx-evil: 1' }
  const form = signedForm({ fields })
  const response = await fetch(`${server.endpoint}/${Bucket}`, { method: 'POST', body: form })
  assert.deepEqual(await refusal(response), [400, 'InvalidArgument'])
})

test('a POST that is no form, or has no key or file, is refused', async () => {
  const url = `${server.endpoint}/${Bucket}`
  const text = await fetch(url, { method: 'POST', body: 'text' })
  assert.deepEqual(await refusal(text), [412, 'PreconditionFailed'])
  assert.deepEqual(await refusal(await post({ fields: { other: 'x' } })), [400, 'InvalidArgument'])
  const noFile = new FormData()
  noFile.set('key', 'k')
  assert.deepEqual(await refusal(await fetch(url, { method: 'POST', body: noFile })), [
    400,
    'InvalidArgument',
  ])
  const headers = { 'content-type': 'multipart/form-data; boundary=x' }
  const broken = await fetch(url, { method: 'POST', headers, body: '--x\r\nnonsense' })
  assert.deepEqual(await refusal(broken), [400, 'MalformedPOSTRequest'])
})
