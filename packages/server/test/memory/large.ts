// Transfers a large object while checking that the server's memory stays bounded, and checks that
// many slow clients don't stall a fast one. `--gib N` is the object's size (5 by default).

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { bodyOf } from '../crash/content.ts'
import { startServer, type TestServer } from '../harness.ts'
import { objectPath, signedHeaders, WireClient } from '../wire.ts'
import { MemoryWatch, mebibytes } from './sample.ts'

const bucketName = 'large-bucket'
const objectKey = 'large.bin'
const partBytes = 64 * 1024 ** 2
const partsAtOnce = 3
const workerCount = 2
const boundBytes = 400 * 1024 ** 2
const slowUploads = 100
const slowDownloads = 100
const slowObjectBytes = 32 * 1024 ** 2
const slowDropMs = 1_000
const fastRequests = 400
const fastP99Ms = 250

const { values } = parseArgs({ options: { gib: { type: 'string', default: '5' } } })
const parts = Math.max(1, Math.round((Number(values.gib) * 1024 ** 3) / partBytes))

/** The bytes of part `number`: a block generated once, prefixed with the number. */
function partOf(block: Buffer, number: number): Buffer {
  const part = Buffer.from(block)
  part.writeUInt32BE(number)
  return part
}

async function upload(client: S3Client, block: Buffer): Promise<void> {
  const at = { Bucket: bucketName, Key: objectKey }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at))
  const done: { PartNumber: number; ETag: string | undefined }[] = []
  const left = Array.from({ length: parts }, (_, index) => index + 1).reverse()
  const sender = async (): Promise<void> => {
    for (let PartNumber = left.pop(); PartNumber !== undefined; PartNumber = left.pop()) {
      const Body = partOf(block, PartNumber)
      const { ETag } = await client.send(
        new UploadPartCommand({ ...at, UploadId, PartNumber, Body }),
      )
      done.push({ PartNumber, ETag })
    }
  }
  await Promise.all(Array.from({ length: partsAtOnce }, sender))
  const Parts = done.sort((a, b) => a.PartNumber - b.PartNumber)
  await client.send(
    new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }),
  )
}

async function download(client: S3Client): Promise<{ digest: string; sizeBytes: number }> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucketName, Key: objectKey }))
  assert.ok(Body !== undefined && Symbol.asyncIterator in Body)
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of Body) {
    hash.update(chunk)
    sizeBytes += chunk.length
  }
  return { digest: hash.digest('hex'), sizeBytes }
}

function speed(bytes: number, started: number): string {
  return `${Math.round(bytes / 1e6 / ((performance.now() - started) / 1e3))} MB/s`
}

test(`an object of ${parts} parts of 64 MiB leaves the memory bounded`, async (t) => {
  await using server = await startServer({ workers: workerCount })
  const client = server.client()
  await client.send(new CreateBucketCommand({ Bucket: bucketName }))
  const block = bodyOf('large', partBytes)
  const total = parts * partBytes
  const pids = [server.pid, ...(await server.workers())]

  await t.test('upload', async (u) => {
    const watch = new MemoryWatch(pids)
    const started = performance.now()
    await upload(client, block)
    const highest = await watch.stop()
    u.diagnostic(`at most ${mebibytes(highest)} in one process, ${speed(total, started)}`)
    assert.ok(highest < boundBytes, `${mebibytes(highest)} of anonymous memory`)
  })
  await t.test('download of the same bytes', async (d) => {
    const expected = createHash('sha256')
    for (let number = 1; number <= parts; number += 1) expected.update(partOf(block, number))
    const watch = new MemoryWatch(pids)
    const started = performance.now()
    const found = await download(client)
    const highest = await watch.stop()
    d.diagnostic(`at most ${mebibytes(highest)} in one process, ${speed(total, started)}`)
    assert.deepEqual(found, { digest: expected.digest('hex'), sizeBytes: total })
    assert.ok(highest < boundBytes, `${mebibytes(highest)} of anonymous memory`)
  })
})

/** Opens a connection and sends a request without its body. */
async function openRequest(
  server: TestServer,
  method: string,
  key: string,
  headers: Readonly<Record<string, string>>,
): Promise<Socket> {
  const path = objectPath(bucketName, key)
  const host = `${server.host}:${server.port}`
  const signed = signedHeaders(server, { method, host, path, headers, date: new Date() })
  const lines = Object.entries(signed).map(([name, value]) => `${name}: ${value}\r\n`)
  const socket = connect({ host: server.host, port: server.port })
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
  return socket
}

/** Uploads that send a byte per second, and downloads that read one chunk and then stall. */
async function slowClients(server: TestServer, signal: AbortSignal): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (let n = 0; n < slowUploads; n += 1) {
    const length = { 'content-length': String(slowObjectBytes) }
    const socket = await openRequest(server, 'PUT', `slow/${n}`, length)
    const timer = setInterval(() => socket.writable && socket.write('x'), slowDropMs)
    signal.addEventListener('abort', () => clearInterval(timer))
    sockets.push(socket)
  }
  for (let n = 0; n < slowDownloads; n += 1) {
    const socket = await openRequest(server, 'GET', 'slow object', {})
    socket.once('data', () => socket.pause())
    sockets.push(socket)
  }
  return sockets
}

/** Sorted latencies in milliseconds of small sequential PUTs and GETs. */
async function fastClient(client: WireClient): Promise<number[]> {
  const times: number[] = []
  const body = bodyOf('fast', 4_096)
  for (let n = 0; n < fastRequests; n += 1) {
    const method = n % 2 === 0 ? 'PUT' : 'GET'
    const path = `/${bucketName}/fast/${Math.floor(n / 2)}`
    const started = performance.now()
    const answer = await client.send({ method, path, ...(method === 'PUT' ? { body } : {}) })
    times.push(performance.now() - started)
    assert.equal(answer.status, 200)
    if (method === 'GET') assert.ok(answer.body.equals(body))
  }
  return times.sort((a, b) => a - b)
}

function describeTimes(times: readonly number[]): string {
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(1)
  return `median ${at(0.5)} ms, 99th percentile ${at(0.99)} ms`
}

test('200 slow clients don’t stop a fast one', async (t) => {
  await using server = await startServer({ workers: workerCount })
  const sdk = server.client()
  await sdk.send(new CreateBucketCommand({ Bucket: bucketName }))
  const Body = bodyOf('slow', slowObjectBytes)
  await sdk.send(new PutObjectCommand({ Bucket: bucketName, Key: 'slow object', Body }))
  const client = new WireClient(server)
  await fastClient(client)
  t.diagnostic(`alone: ${describeTimes(await fastClient(client))}`)
  const watch = new MemoryWatch([server.pid, ...(await server.workers())])
  const end = new AbortController()
  const sockets = await slowClients(server, end.signal)
  await delay(2 * slowDropMs)
  const times = await fastClient(client)
  const open = sockets.filter((socket) => !socket.destroyed).length
  const highest = await watch.stop()
  t.diagnostic(`with ${open} slow clients: ${describeTimes(times)}`)
  t.diagnostic(`at most ${mebibytes(highest)} in one process`)
  const listed = await client.send({
    method: 'GET',
    path: `/${bucketName}`,
    query: { 'list-type': '2', prefix: 'slow/' },
  })
  end.abort()
  for (const socket of sockets) socket.destroy()
  client.close()
  assert.equal(open, slowUploads + slowDownloads, 'slow clients were thrown out')
  assert.ok(!listed.body.includes('<Key>'), 'an unfinished upload is listed')
  assert.ok((times[Math.floor(times.length * 0.99)] ?? 0) < fastP99Ms, describeTimes(times))
  assert.ok(highest < boundBytes, `${mebibytes(highest)} of anonymous memory`)
})
