// Uploads from a page of another origin, in Debian's Chromium: by a presigned URL, by a form, and by the AWS SDK in
// the page. A bucket whose CORS rules allow the page takes them; the browser refuses them for any other bucket.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { build } from 'esbuild'
import { chromium, type Page } from 'playwright-core'
import { debianCommand } from '../clients/install.ts'
import { startForFile } from '../s3/bucket.fixture.ts'
import { signedForm } from '../s3/signed-form.ts'
import type { actions, PageClient } from './page.ts'

type Actions = typeof actions
type ActionName = keyof Actions

const server = await startForFile()
const client = server.client()
const open = 'open-bucket'
const closed = 'closed-bucket'
const foreign = 'bucket-of-another-page'
const origin = await servePage()
const page = await openPage()
await makeBuckets()

/** Serves the page from an origin of its own, which is returned. */
async function servePage(): Promise<string> {
  const [script = ''] = await bundled()
  const pages = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.end(`<!doctype html><title>page</title><script>${script}</script>`)
  })
  pages.listen(0, '127.0.0.1')
  await once(pages, 'listening')
  after(() => pages.close())
  const address = pages.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

async function openPage(): Promise<Page> {
  const executablePath = await debianCommand('chromium', '/usr/bin/chromium')
  // Chromium refuses its sandbox to root, as which containers run.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  after(() => browser.close())
  const opened = await browser.newPage()
  await opened.goto(origin)
  return opened
}

/** The script of the page as a browser takes it. */
async function bundled(): Promise<string[]> {
  const entry = fileURLToPath(new URL('page.ts', import.meta.url))
  const { outputFiles } = await build({
    ...{ entryPoints: [entry], bundle: true, write: false, minify: true },
    ...{ platform: 'browser', format: 'iife', logLevel: 'error' },
  })
  // Inside of an HTML document.
  return outputFiles.map(({ text }) => text.replaceAll('</script', '<\\/script'))
}

async function makeBuckets(): Promise<void> {
  for (const Bucket of [open, closed, foreign]) {
    await client.send(new CreateBucketCommand({ Bucket }))
    await client.send(new PutObjectCommand({ Bucket, Key: 'there', Body: 'content' }))
  }
  for (const [Bucket, allowed] of [
    [open, origin],
    [foreign, 'https://another.example'],
  ] as const) {
    const rule = {
      AllowedOrigins: [allowed],
      AllowedMethods: ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'],
      AllowedHeaders: ['*'],
      ExposeHeaders: ['ETag', 'x-amz-checksum-crc32'],
    }
    const CORSConfiguration = { CORSRules: [rule] }
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration }))
  }
}

/** Runs an action of the page; rejects as it does there. */
async function inPage<Name extends ActionName>(
  name: Name,
  ...args: Parameters<Actions[Name]>
): Promise<Awaited<ReturnType<Actions[Name]>>> {
  return page.evaluate(
    ({ action, given }) => Reflect.get(globalThis, 'actions')[action](...given),
    { action: name, given: args },
  )
}

function pageClient(): PageClient {
  const { accessKeyId, secretAccessKey } = server.credential()
  return { endpoint: server.endpoint, accessKeyId, secretAccessKey }
}

async function contentOf(Key: string): Promise<string | undefined> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: open, Key }))
  return Body?.transformToString()
}

async function presigned(Bucket: string, Key: string): Promise<string> {
  return getSignedUrl(client, new PutObjectCommand({ Bucket, Key }), { expiresIn: 60 })
}

function formOf(bucket: string, key: string): { url: string; fields: Record<string, string> } {
  const fields = signedForm(server.credential(), { bucket, fields: { key } })
  return { url: `${server.endpoint}/${bucket}`, fields }
}

test('a page uploads by a presigned URL', async () => {
  const { status, etag } = await inPage('putByUrl', await presigned(open, 'by-url'), 'from a page')
  assert.equal(status, 200)
  const head = await client.send(new HeadObjectCommand({ Bucket: open, Key: 'by-url' }))
  assert.equal(etag, head.ETag)
  assert.equal(await contentOf('by-url'), 'from a page')
})

test('a page uploads by a form', async () => {
  const { url, fields } = formOf(open, 'by-form')
  const { status, etag } = await inPage('postForm', url, fields, 'from a form')
  assert.equal(status, 204)
  assert.match(etag ?? '', /^"[0-9a-f]{32}"$/)
  assert.equal(await contentOf('by-form'), 'from a form')
})

test('a page uploads and reads by the SDK, in parts too, and is told of errors', async () => {
  assert.equal(await inPage('putBySdk', pageClient(), open, 'by-sdk'), 'by-sdk by the SDK')
  assert.match((await inPage('putInParts', pageClient(), open, 'parts')) ?? '', /-2"$/)
  assert.equal(await inPage('codeBySdk', pageClient(), open, 'none'), 'NoSuchKey')
})

for (const bucket of [closed, foreign]) {
  test(`the browser refuses a page the ${bucket}`, async () => {
    const failed = /Failed to fetch/
    await assert.rejects(inPage('putByUrl', await presigned(bucket, 'by-url'), 'x'), failed)
    const missing = new HeadObjectCommand({ Bucket: bucket, Key: 'by-url' })
    await assert.rejects(client.send(missing), { name: 'NotFound' })
    const { url, fields } = formOf(bucket, 'by-form')
    await assert.rejects(inPage('postForm', url, fields, 'x'), failed)
    await assert.rejects(inPage('putBySdk', pageClient(), bucket, 'by-sdk'), failed)
    assert.equal(await inPage('codeBySdk', pageClient(), bucket, 'there'), 'TypeError')
  })
}
