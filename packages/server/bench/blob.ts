// How fast bodies are stored and read on this machine, over a real socket, and from what size on a
// file is cheaper than a row of the engine. `node bench/blob.ts [seconds for each line] [folder]`
// The client is a process of its own and takes its share of the machine, as it does for the sink.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeIn } from '../src/base/store-location.ts'
import { asStartId, type BlobId } from '../src/base/terms.ts'
import type { BlobStore, ByteSource } from '../src/blob/blob.ts'
import { digesting } from '../src/blob/digest.ts'
import { openFileBlobs } from '../src/blob/file.ts'
import type { Engine } from '../src/engine/engine.ts'
import { openEngine } from '../src/engine/open.ts'
import { key } from '../src/engine/tuple.ts'

const bodyBytes = 67_108_864
const bodySpace = 1
const objectSpace = 2

function print(title: string, rest: string): void {
  process.stdout.write(`${title.padEnd(44)} ${rest}\n`)
}

async function* bodyOf(sizeBytes: number): ByteSource {
  const chunk = Buffer.alloc(Math.min(sizeBytes, 65_536), 5)
  for (let left = sizeBytes; left > 0; left -= chunk.byteLength) yield chunk.subarray(0, left)
}

// The client.

async function putBody(socket: Socket, path: string): Promise<void> {
  const chunk = Buffer.alloc(1_048_576, 9)
  const answered = once(socket, 'data')
  socket.write(`PUT ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${bodyBytes}\r\n\r\n`)
  for (let left = bodyBytes; left > 0; left -= chunk.byteLength) {
    if (!socket.write(chunk)) await once(socket, 'drain')
  }
  await answered
}

async function getBody(socket: Socket, path: string): Promise<void> {
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)
  let left = bodyBytes
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    left -= Buffer.isBuffer(chunk) ? chunk.byteLength : 0
    if (left <= 0) return
  }
}

/** Two connections that do the same again and again; prints bytes a second. */
async function load(port: number, seconds: number, path: string): Promise<number> {
  const request = path.startsWith('/read') ? getBody : putBody
  const start = performance.now()
  let count = 0
  async function loop(): Promise<void> {
    const socket = connect(port, '127.0.0.1')
    for (; performance.now() - start < seconds * 1000; count++) await request(socket, path)
    socket.destroy()
  }
  await Promise.all([loop(), loop()])
  return (count * bodyBytes) / ((performance.now() - start) / 1000)
}

// The server.

async function serve(
  blobs: BlobStore,
  stored: BlobId,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const hashed = digesting(request, request.url?.includes('MD5') === true ? ['MD5'] : [])
  if (request.url === '/read') {
    response.setHeader('content-length', bodyBytes)
    for await (const chunk of await blobs.read(stored)) {
      await new Promise((done) => response.write(chunk, done))
    }
  } else if (request.url?.startsWith('/blob') === true) {
    const { id } = await blobs.write(hashed.source)
    await hashed.results()
    await blobs.delete(id)
  } else {
    for await (const _ of hashed.source);
  }
  response.end()
}

async function measureStreams(blobs: BlobStore, seconds: number): Promise<void> {
  const stored = (await blobs.write(bodyOf(bodyBytes))).id
  const server = createServer((request, response) => {
    serve(blobs, stored, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  let sink = 0
  for (const path of ['/sink', '/sink MD5', '/blob', '/blob MD5', '/read']) {
    const escaped = path.replace(' ', '-')
    const client = fork(import.meta.filename, ['client', `${address.port}`, `${seconds}`, escaped])
    const [rate] = await once(client, 'message')
    sink ||= Number(rate)
    print(
      `64 MiB, 2 at a time: ${path}`,
      `${(Number(rate) / 1e6).toFixed(0).padStart(6)} MB/s  ${(Number(rate) / sink).toFixed(2)} of the sink`,
    )
  }
  server.close()
  await blobs.delete(stored)
}

// Rows against files.

async function perSecond(
  seconds: number,
  concurrency: number,
  step: (index: number) => Promise<void>,
): Promise<number> {
  const start = performance.now()
  let next = 0
  async function loop(): Promise<void> {
    while (performance.now() - start < seconds * 1000) await step(next++)
  }
  await Promise.all(Array.from({ length: concurrency }, loop))
  return next / ((performance.now() - start) / 1000)
}

async function compare(
  engine: Engine,
  blobs: BlobStore,
  options: { readonly seconds: number; readonly sizeBytes: number; readonly concurrency: number },
): Promise<void> {
  const { seconds, sizeBytes, concurrency } = options
  const bytes = Buffer.alloc(sizeBytes, 5)
  const files: BlobId[] = []
  // As many bodies as stay in use are overwritten again and again, in both places.
  const kept = 64
  const asRow = await perSecond(seconds, concurrency, async (index) => {
    await engine.write(async (tx) => {
      tx.put(
        key(bodySpace)
          .u64(index % kept)
          .end(),
        bytes,
      )
      tx.put(
        key(objectSpace)
          .u64(index % kept)
          .end(),
        Buffer.alloc(200),
      )
    })
  })
  const asFile = await perSecond(seconds, concurrency, async (index) => {
    const { id } = await blobs.write(bodyOf(sizeBytes))
    const before = files[index % kept]
    files[index % kept] = id
    await engine.write(async (tx) => {
      tx.put(
        key(objectSpace)
          .u64(index % kept)
          .end(),
        Buffer.alloc(200),
      )
    })
    if (before !== undefined) await blobs.delete(before)
  })
  const rowRead = await perSecond(seconds / 4, concurrency, async (index) => {
    await engine.read(async (tx) => {
      await tx.get(
        key(bodySpace)
          .u64(index % Math.min(kept, 16))
          .end(),
      )
    })
  })
  const fileRead = await perSecond(seconds / 4, concurrency, async (index) => {
    const id = files[index % Math.min(files.length, 16)]
    if (id !== undefined) for await (const _ of await blobs.read(id));
  })
  for (const id of files) await blobs.delete(id)
  const [row, file, readRow, readFile] = [asRow, asFile, rowRead, fileRead].map((rate) =>
    rate.toFixed(0).padStart(7),
  )
  print(
    `${sizeBytes / 1024} KiB, ${concurrency} at a time`,
    `store: row ${row}/s  file ${file}/s   read: row ${readRow}/s  file ${readFile}/s`,
  )
}

async function main(seconds: number, parent: string): Promise<void> {
  const folder = await mkdtemp(join(parent, 'bench-blob-'))
  const blobs = await openFileBlobs({ folder: join(folder, 'blobs'), start: asStartId(1) })
  const engine = await openEngine(storeIn(join(folder, 'store')).engine)
  try {
    await measureStreams(blobs, seconds)
    for (const concurrency of [1, 16]) {
      for (const kibibytes of [1, 4, 16, 32, 64, 128, 256, 512, 1024]) {
        await compare(engine, blobs, { seconds, sizeBytes: kibibytes * 1024, concurrency })
      }
    }
  } finally {
    await blobs.close()
    await engine.close()
    await rm(folder, { recursive: true })
  }
}

const [first, ...rest] = process.argv.slice(2)
if (first === 'client') {
  process.send?.(await load(Number(rest[0]), Number(rest[1]), rest[2] ?? '/'))
  process.disconnect()
} else {
  await main(Number(first ?? 2), rest[0] ?? tmpdir())
}
