// Bodies whose bytes the disk changed or lost. They are never served, and operations that don't need
// their bytes still work.

import assert from 'node:assert/strict'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Scrubber } from '../src/background/scrub.ts'
import { Sweeper } from '../src/background/sweep.ts'
import { DamagedBody } from '../src/base/damaged-body.ts'
import { storeIn } from '../src/base/store-location.ts'
import { asDirectoryId } from '../src/base/terms.ts'
import type { WriteTransaction } from '../src/engine/engine.ts'
import { silentLog } from '../src/observe/log.ts'
import { silentMetrics } from '../src/observe/metrics.ts'
import { type CheckSummary, checkStore, type Finding } from '../src/operation/fsck.ts'
import { recordLosses } from '../src/operation/loss.ts'
import { readManifestPart } from '../src/store/body/body.ts'
import * as bodySchema from '../src/store/body/schema.ts'
import { walkParts } from '../src/store/body/upload.ts'
import type { Body } from '../src/store/row/record.ts'
import { findBucket } from '../src/store/tree/bucket.ts'
import { collect } from '../src/store/tree/collect.ts'
import { findObject } from '../src/store/tree/directory.ts'
import { putObject } from '../src/store/tree/object.ts'
import { messagesOf } from './event-stream.ts'
import { runHoldfast } from './harness.ts'
import { InProcessServer } from './s3/in-process.ts'
import { objectPath, type WireAnswer, type WireRequest, xmlText, xmlTexts } from './wire.ts'

const Bucket = 'rot'
const large = Buffer.from(Uint8Array.from({ length: 700_000 }, (_, index) => (index * 7919) >> 5))
const small = Buffer.from('some bytes that are few enough for a row')
const part = Buffer.alloc(5_242_880, 'a part of an upload ')
let server: InProcessServer

before(async () => {
  server = await InProcessServer.start()
  await server.send({ method: 'PUT', path: `/${Bucket}` })
})

beforeEach(() => {
  server.faults.length = 0
})

after(async () => {
  await server.close()
})

function send(
  method: string,
  key: string,
  more: Omit<WireRequest, 'method' | 'path'> = {},
): Promise<WireAnswer> {
  return server.send({ method, path: objectPath(Bucket, key), ...more })
}

async function sendWell(...request: Parameters<typeof send>): Promise<WireAnswer> {
  const answer = await send(...request)
  assert.ok(answer.status < 300, `${request[0]} ${request[1]}: ${answer.status} ${answer.body}`)
  return answer
}

/** Fails unless the response is an internal error or is cut off, and the log names the object. */
async function refused(
  object: string,
  ...[method, key, more]: Parameters<typeof send>
): Promise<void> {
  const outcome = await send(method, key, more).catch((error: unknown) => error)
  if (!(outcome instanceof Error)) assert.equal(Object(outcome).status, 500, `${method} ${key}`)
  // The connection may be cut before the reason is logged.
  for (let turn = 0; server.faults.length === 0 && turn < 10_000; turn++) await nextTurn()
  const [fault, ...others] = server.faults.splice(0)
  assert.ok(fault?.error instanceof DamagedBody, `${method} ${key}: ${fault?.error}`)
  assert.equal(fault.error.object, `${Bucket}/${object}`)
  assert.deepEqual(others, [])
}

async function bodyOf(tx: WriteTransaction, key: string): Promise<Body> {
  const root = asDirectoryId((await findBucket(tx, Bucket))?.root ?? 0)
  return (await findObject(tx, root, Buffer.from(key)))?.body ?? { kind: 'empty' }
}

/** The file of the part `number` of the only upload in progress. */
async function fileOfPart(number: number): Promise<string> {
  return server.store.services.engine.read(async (tx) => {
    for await (const { key } of tx.range(bodySchema.allUploads())) {
      for await (const found of walkParts(tx, bodySchema.parseUpload(key).number)) {
        if (found.number === number) return pathOf(found.part.blobId)
      }
    }
    throw new Error(`there is no part ${number}`)
  })
}

/** The file of the object's blob, or of one of its parts. */
async function fileOf(key: string, index = 0): Promise<string> {
  const id = await server.store.services.engine.write(async (tx) => {
    const body = await bodyOf(tx, key)
    if (body.kind === 'blob') return body.id
    const row = body.kind === 'manifest' ? await readPart(tx, body.id, index) : undefined
    return row ?? ''
  })
  return pathOf(id)
}

function pathOf(id: string): string {
  const [start = '', sequence = ''] = id.split('-')
  const folder = join(server.dataFolder, 'blobs', start)
  const leaf = Math.floor(Number(sequence) / 1024)
  return join(folder, '0', String(leaf), sequence)
}

async function readPart(tx: WriteTransaction, id: number, index: number): Promise<string> {
  return (await readManifestPart(tx, id, index))?.blobId ?? ''
}

/** Changes one bit of a file, as a disk does. */
async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await writeFile(path, bytes)
}

/** Replaces a small body's bytes by the result of `change`; removes the row if that is undefined. */
async function changeRow(
  key: string,
  change: (bytes: Buffer) => Buffer | undefined,
): Promise<void> {
  await server.store.services.engine.write(async (tx) => {
    const body = await bodyOf(tx, key)
    assert.ok(body.kind === 'row')
    const row = bodySchema.rowBody(body.id)
    const bytes = change(Buffer.from((await tx.get(row)) ?? []))
    if (bytes === undefined) tx.delete(row)
    else tx.put(row, bytes)
  })
}

const flipped = (bytes: Buffer): Buffer => {
  bytes[3] = (bytes[3] ?? 0) ^ 1
  return bytes
}

/** Starts an upload of parts, of which all but the last are large; returns the request that completes it. */
async function uploadParts(
  key: string,
  parts: readonly Buffer[] = [part, large],
): Promise<{ readonly query: { readonly uploadId: string }; readonly body: Buffer }> {
  const created = await sendWell('POST', key, { query: { uploads: '' } })
  const uploadId = xmlText(created.body, 'UploadId') ?? ''
  const listed: string[] = []
  for (const [index, body] of parts.entries()) {
    const query = { partNumber: String(index + 1), uploadId }
    const { headers } = await sendWell('PUT', key, { query, body })
    listed.push(`<Part><PartNumber>${index + 1}</PartNumber><ETag>${headers.etag}</ETag></Part>`)
  }
  const body = Buffer.from(`<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`)
  return { query: { uploadId }, body }
}

/** The same, completed as `key`. */
async function upload(key: string, parts?: readonly Buffer[]): Promise<void> {
  await sendWell('POST', key, await uploadParts(key, parts))
}

/**
 * Asserts that exactly the operations that read all bytes of `key` are refused. `copy` and `folder/copy` are
 * copies of it; more can be made if `isCopied`.
 */
async function assertDamaged(key: string, isCopied: boolean): Promise<void> {
  await refused(key, 'GET', key)
  await sendWell('HEAD', key)
  const source = { 'x-amz-copy-source': objectPath(Bucket, key) }
  const hashing = { ...source, 'x-amz-checksum-algorithm': 'SHA256' }
  await refused(key, 'PUT', 'hashed', { headers: hashing })
  assert.equal((await send('HEAD', 'hashed')).status, 404)
  if (isCopied) await sendWell('PUT', 'copy', { headers: source })
  else await refused(key, 'PUT', 'copy', { headers: source })
  await refused('copy', 'GET', 'copy')
  const created = await sendWell('POST', 'parts', { query: { uploads: '' } })
  const query = { partNumber: '1', uploadId: xmlText(created.body, 'UploadId') ?? '' }
  await refused(key, 'PUT', 'parts', { query, headers: source })
  await sendWell('DELETE', 'parts', { query: { uploadId: query.uploadId } })
  for (const archive of ['zip', 'tar']) {
    await refused('folder/copy', 'GET', 'folder/', { query: { archive } })
  }
  for (const other of ['copy', 'folder/copy']) await sendWell('DELETE', other)
  await sendWell('PUT', key, { body: large })
  assert.ok((await sendWell('GET', key)).body.equals(large))
  await sendWell('DELETE', key)
}

/** Copies `key` to `copy` and `folder/copy`. */
async function copy(key: string): Promise<void> {
  const headers = { 'x-amz-copy-source': objectPath(Bucket, key) }
  for (const other of ['copy', 'folder/copy']) await sendWell('PUT', other, { headers })
}

const rots: readonly (readonly [what: string, rot: (path: string) => Promise<void>])[] = [
  ['has a changed bit at its beginning', (path) => flip(path, 0)],
  ['has a changed bit in its last byte', (path) => flip(path, large.byteLength - 1)],
  ['was cut short', (path) => truncate(path, large.byteLength - 1000)],
  ['was cut to nothing', (path) => truncate(path, 0)],
  ['grew', (path) => truncate(path, large.byteLength + 1)],
  ['is missing', (path) => rm(path)],
]

for (const [what, rot] of rots) {
  test(`a body whose file ${what} is not given out`, async () => {
    await sendWell('PUT', 'blob', { body: large })
    await copy('blob')
    await rot(await fileOf('blob'))
    await assertDamaged('blob', what.includes('a changed bit'))
  })
}

const rowRots: readonly (readonly [string, Parameters<typeof changeRow>[1]])[] = [
  ['has a changed bit', flipped],
  ['was cut short', (bytes) => bytes.subarray(1)],
  ['grew', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
  ['is missing', () => undefined],
]

for (const [what, change] of rowRots) {
  test(`a small body whose row ${what} is not given out`, async () => {
    await sendWell('PUT', 'row', { body: small })
    await copy('row')
    await changeRow('row', change)
    const { status, body } = await send('GET', 'row')
    assert.deepEqual([status, xmlText(body, 'Code')], [500, 'InternalError'])
    server.faults.length = 0
    await refused('row', 'GET', 'row', { headers: { range: 'bytes=9-12' } })
    await assertDamaged('row', true)
  })
}

test('a range is served unless it touches damaged bytes', async () => {
  await sendWell('PUT', 'ranges', { body: large })
  await flip(await fileOf('ranges'), 200_000)
  const ranges = [
    [0, 9],
    [100, 196_607],
    [262_144, 699_999],
    [300_000, 300_000],
  ] as const
  for (const [start, end] of ranges) {
    const headers = { range: `bytes=${start}-${end}` }
    const { status, body } = await sendWell('GET', 'ranges', { headers })
    assert.equal(status, 206)
    assert.ok(body.equals(large.subarray(start, end + 1)), headers.range)
  }
  for (const range of ['200000-200000', '196608-196608', '262143-262143', '5-', '0-200001']) {
    await refused('ranges', 'GET', 'ranges', { headers: { range: `bytes=${range}` } })
  }
})

test('a damaged part of an upload cuts off only the reads that reach it', async () => {
  await upload('manifest')
  await flip(await fileOf('manifest', 1), 5)
  const { body } = await sendWell('GET', 'manifest', { query: { partNumber: '1' } })
  assert.ok(body.equals(part))
  await refused('manifest', 'GET', 'manifest', { query: { partNumber: '2' } })
  const headers = { range: `bytes=${part.byteLength - 5}-${part.byteLength + 5}` }
  await refused('manifest', 'GET', 'manifest', { headers })
  await sendWell('HEAD', 'manifest')
  // The copy has a single body, so its ETag needs all bytes.
  const source = { 'x-amz-copy-source': objectPath(Bucket, 'manifest') }
  await refused('manifest', 'PUT', 'copy', { headers: source })
  await upload('folder/manifest')
  await flip(await fileOf('folder/manifest'), 5_000_000)
  for (const archive of ['zip', 'tar']) {
    await refused('folder/manifest', 'GET', 'folder/', { query: { archive } })
  }
  await sendWell('DELETE', 'folder/manifest')
  await upload('manifest')
  await sendWell('GET', 'manifest')
  await sendWell('DELETE', 'manifest')
})

const losses: readonly (readonly [what: string, lose: (path: string) => Promise<void>])[] = [
  ['is missing', (path) => rm(path)],
  ['was cut short', (path) => truncate(path, 1000)],
  ['grew', (path) => truncate(path, part.byteLength + 1)],
]

for (const [what, lose] of losses) {
  test(`a part whose file ${what} can be uploaded again, and not completed before`, async () => {
    await sendWell('PUT', 'lost', { body: small })
    const { query, body } = await uploadParts('lost')
    await lose(await fileOfPart(1))
    for (let attempt = 0; attempt < 2; attempt++) {
      const refusal = await send('POST', 'lost', { query, body })
      const { body: text } = refusal
      assert.deepEqual([refusal.status, xmlText(text, 'Code')], [400, 'InvalidPart'])
      assert.equal(xmlText(text, 'PartNumber'), '1')
      const [fault, ...others] = server.faults.splice(0)
      assert.ok(fault?.error instanceof DamagedBody)
      assert.equal(fault.error.object, `${Bucket}/lost`)
      assert.deepEqual(others, [])
      assert.ok((await sendWell('GET', 'lost')).body.equals(small))
    }
    await sendWell('PUT', 'lost', { query: { ...query, partNumber: '1' }, body: part })
    await sendWell('POST', 'lost', { query, body })
    assert.ok((await sendWell('GET', 'lost')).body.equals(Buffer.concat([part, large])))
    // A repeated completion doesn't need the parts.
    await sendWell('POST', 'lost', { query, body })
    assert.deepEqual(server.faults, [])
    await sendWell('DELETE', 'lost')
  })
}

test('a lost part that is not listed does not hinder a completion', async () => {
  const { query } = await uploadParts('lost')
  await rm(await fileOfPart(1))
  const parts = await sendWell('GET', 'lost', { query })
  const [, etag = ''] = xmlTexts(parts.body, 'ETag')
  const listed = `<Part><PartNumber>2</PartNumber><ETag>${etag}</ETag></Part>`
  const body = Buffer.from(`<CompleteMultipartUpload>${listed}</CompleteMultipartUpload>`)
  await sendWell('POST', 'lost', { query, body })
  assert.ok((await sendWell('GET', 'lost')).body.equals(large))
  await sendWell('DELETE', 'lost')
})

/** A SelectObjectContent request for all records, or for those that begin in a range. */
function query(
  range?: readonly [start: number, end: number],
): Omit<WireRequest, 'method' | 'path'> {
  const scan =
    range === undefined
      ? ''
      : `<ScanRange><Start>${range[0]}</Start><End>${range[1]}</End></ScanRange>`
  const body = Buffer.from(
    '<SelectObjectContentRequest><Expression>SELECT * FROM S3Object</Expression>' +
      '<ExpressionType>SQL</ExpressionType><InputSerialization><CSV/></InputSerialization>' +
      `<OutputSerialization><CSV/></OutputSerialization>${scan}</SelectObjectContentRequest>`,
  )
  return { query: { select: '', 'select-type': '2' }, body }
}

const records = Buffer.from('0123456,89abcde\n'.repeat(43_750))

/** Fails unless the query fails before its first record, or ends with an event that says so. */
async function queryRefused(
  object: string,
  ...[key, request]: readonly [string, ReturnType<typeof query>]
): Promise<string> {
  const { status, body } = await send('POST', key, request)
  let delivered = ''
  if (status === 200) {
    const messages = messagesOf(body)
    const last = messages.pop()
    assert.equal(last?.headers[':message-type'], 'error')
    assert.equal(last?.headers[':error-code'], 'InternalError')
    for (const { headers, payload } of messages) {
      assert.notEqual(headers[':event-type'], 'End')
      if (headers[':event-type'] === 'Records') delivered += payload
    }
  } else {
    assert.deepEqual([status, xmlText(body, 'Code')], [500, 'InternalError'])
  }
  const [fault, ...others] = server.faults.splice(0)
  assert.ok(fault?.error instanceof DamagedBody, String(fault?.error))
  assert.equal(fault.error.object, `${Bucket}/${object}`)
  assert.deepEqual(others, [])
  return delivered
}

test('a query of a damaged body fails, and its ranges that miss the damage do not', async () => {
  await sendWell('PUT', 'records', { body: records })
  await sendWell('PUT', 'queried/records', { body: records })
  await sendWell('POST', 'records', query())
  await flip(await fileOf('records'), 200_000)
  await queryRefused('records', 'records', query())
  await queryRefused('records', 'records', query([196_000, 210_000]))
  const { body } = await sendWell('POST', 'records', query([300_000, 300_015]))
  assert.equal(messagesOf(body).at(-1)?.headers[':event-type'], 'End')
  await flip(await fileOf('queried/records'), records.byteLength - 1)
  const headers = { 'x-holdfast-recursive': 'true' }
  await queryRefused('queried/records', 'queried/', { ...query(), headers })
  for (const key of ['records', 'queried/records']) await sendWell('DELETE', key)
})

test('a query of a small body with a changed bit fails', async () => {
  const line = Buffer.from('a,b,c\n')
  for (const key of ['line', 'queried/line']) {
    await sendWell('PUT', key, { body: line })
    await changeRow(key, flipped)
  }
  await queryRefused('line', 'line', query())
  const headers = { 'x-holdfast-recursive': 'true' }
  await queryRefused('queried/line', 'queried/', { ...query(), headers })
  for (const key of ['line', 'queried/line']) await sendWell('DELETE', key)
})

test('a query that has delivered records ends with an error at a damaged part', async () => {
  const parts = Buffer.alloc(part.byteLength, '0123456,89abcde\n')
  await upload('queried', [parts, records])
  await sendWell('POST', 'queried', query())
  await flip(await fileOf('queried', 1), 5)
  const delivered = await queryRefused('queried', 'queried', query())
  assert.match(delivered, /^(0123456,89abcde\n)+$/)
  assert.ok(delivered.length <= parts.byteLength)
  await sendWell('DELETE', 'queried')
})

test('bodies of a version without checksums are read as they are', async () => {
  await sendWell('PUT', 'old-row', { body: small })
  await sendWell('PUT', 'old-blob', { body: large })
  await forgetChecksums(['old-row', 'old-blob'])
  for (const [key, bytes] of [['old-row', small] as const, ['old-blob', large] as const]) {
    assert.ok((await sendWell('GET', key)).body.equals(bytes))
    const ranged = await sendWell('GET', key, { headers: { range: 'bytes=7-20' } })
    assert.ok(ranged.body.equals(bytes.subarray(7, 21)))
  }
  await truncate(await fileOf('old-blob'), large.byteLength - 1)
  await refused('old-blob', 'GET', 'old-blob')
  await changeRow('old-row', (bytes) => bytes.subarray(1))
  await refused('old-row', 'GET', 'old-row')
})

async function check(withContent = true): Promise<{ found: Finding[]; summary: CheckSummary }> {
  const { engine, blobs } = server.store.services
  const content = withContent ? { onBytes: () => undefined } : undefined
  const checking = checkStore({ engine, blobs, content, bodiesPerPass: 3 })
  const found: Finding[] = []
  for (;;) {
    const step = await checking.next()
    if (step.done === true) return { found, summary: step.value }
    found.push(step.value)
  }
}

/** Removes the remains of other tests. */
async function empty(): Promise<void> {
  const { body } = await server.send({
    method: 'GET',
    path: `/${Bucket}`,
    query: { 'list-type': '2' },
  })
  for (const key of xmlTexts(body, 'Key')) await sendWell('DELETE', key)
  while ((await collect(server.store.services.engine, { maxRows: 256 })).hasMore);
}

/** Rewrites the bodies of these objects as a version without checksums would have. */
async function forgetChecksums(keys: readonly string[]): Promise<void> {
  const { engine, ids } = server.store.services
  await engine.write(async (tx) => {
    const root = asDirectoryId((await findBucket(tx, Bucket))?.root ?? 0)
    for (const key of keys) {
      const record = await findObject(tx, root, Buffer.from(key))
      const body = record?.body
      if (body?.kind === 'blob') tx.delete(bodySchema.blobSums(body.id))
      if (body?.kind !== 'row' || record === undefined) continue
      const id = ids.next()
      tx.put(bodySchema.rowBody(id), (await tx.get(bodySchema.rowBody(body.id))) ?? small)
      await putObject({ tx, ids }, root, Buffer.from(key), { ...record, body: { kind: 'row', id } })
    }
  })
}

test('fsck reads content only when told to, and has no findings in an intact store', async () => {
  await empty()
  await sendWell('PUT', 'a/row', { body: small })
  await sendWell('PUT', 'a/blob', { body: large })
  await sendWell('PUT', 'old-row', { body: small })
  await sendWell('PUT', 'old-blob', { body: large })
  await forgetChecksums(['old-row', 'old-blob'])
  await upload('parts')
  const { found, summary } = await check()
  assert.deepEqual(found, [])
  const bytes = 2 * small.byteLength + 3 * large.byteLength + part.byteLength
  assert.equal(summary.contentBytes, bytes)
  const without = await check(false)
  assert.deepEqual(without.found, [])
  assert.equal(without.summary.contentBytes, undefined)
})

test('fsck names damaged bodies and their objects, including copies', async () => {
  await empty()
  const copySource = (key: string): Record<string, string> => ({
    'x-amz-copy-source': objectPath(Bucket, key),
  })
  for (const key of ['a/b/row', 'c/old-row']) await sendWell('PUT', key, { body: small })
  for (const key of ['a/blob', 'c/old-blob', 'short', 'gone'])
    await sendWell('PUT', key, { body: large })
  await sendWell('PUT', 'other', { headers: copySource('a/blob') })
  await sendWell('PUT', 'copied/', {
    headers: { ...copySource('a/'), 'x-holdfast-recursive': 'true' },
  })
  await sendWell('PUT', 'copied/new', { body: small })
  await sendWell('PUT', 'copied/b/row', { body: small })
  await upload('parts')
  await forgetChecksums(['c/old-row', 'c/old-blob'])
  assert.deepEqual((await check()).found, [])
  await changeRow('a/b/row', flipped)
  await changeRow('c/old-row', flipped)
  for (const key of ['a/blob', 'c/old-blob', 'parts']) await flip(await fileOf(key), 100_000)
  await truncate(await fileOf('short'), 9)
  await rm(await fileOf('gone'))
  const { found } = await check()
  const told = found.map(({ objects = [], detail }) =>
    [...objects].sort().concat(detail).join(' | '),
  )
  const expected = [
    /^rot.a.b.row . body \d+: its bytes differ from their checksum$/,
    /^rot.a.blob . (rot.copied.blob . )?rot.other . blob .*: the 65536 bytes at 65536 differ/,
    /^rot.c.old-blob . blob .*: its bytes differ from its ETag$/,
    /^rot.c.old-row . body .*: its bytes differ from its ETag$/,
    /^rot.gone . the file of blob .* is missing$/,
    /^rot.parts . blob .*: the 65536 bytes at 65536 differ from their checksum$/,
    /^rot.short . it says 700000 bytes, the file of blob .* has 9$/,
  ]
  for (const pattern of expected) {
    assert.equal(told.filter((text) => pattern.test(text)).length, 1, `${pattern}: ${told}`)
  }
  assert.equal(told.length, expected.length, told.join('\n'))
  assert.equal((await check(false)).found.length, 2)
  await empty()
  assert.deepEqual((await check()).found, [])
})

test('the command compares content when it is told to, and ends with 4 for damage', async () => {
  await empty()
  const before = await runHoldfast(['fsck', '--content', '--data', server.dataFolder])
  assert.equal(before.exitCode, 0, before.output)
  assert.match(before.output, /^clean: .* content of 0 bytes compared/m)
  await sendWell('PUT', 'dir/rotten', { body: large })
  await flip(await fileOf('dir/rotten'), 1)
  const fast = await runHoldfast(['fsck', '--data', server.dataFolder])
  assert.equal(fast.exitCode, 0, fast.output)
  const thorough = await runHoldfast(['fsck', '--content', '--data', server.dataFolder])
  assert.equal(thorough.exitCode, 4)
  assert.match(thorough.output, /blob \d+-\d+: the 65536 bytes at 0 differ from their checksum/)
  assert.match(thorough.output, /read as: "rot\/dir\/rotten"/)
  const json = await runHoldfast(['fsck', '--content', '--json', '--data', server.dataFolder])
  const [finding, summary] = json.output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(finding.finding.objects, ['rot/dir/rotten'])
  assert.equal(summary.summary.findings, 1)
})

/** A scrub of the store without pauses, with its reports. */
function scrubber(pause: () => Promise<void> = async () => undefined): {
  readonly scrub: Scrubber
  readonly found: Record<string, unknown>[]
  readonly counts: { bytes: number; damaged: number; ends: number; waitedMs: number }
  readonly clock: { time: number }
} {
  const found: Record<string, unknown>[] = []
  const counts = { bytes: 0, damaged: 0, ends: 0, waitedMs: 0 }
  const clock = { time: 1000 }
  const scrub = new Scrubber({
    ...server.store.services,
    clock: { now: () => clock.time, monotonicMs: () => clock.time },
    log: { ...silentLog, error: (_, fields) => void found.push({ ...fields }) },
    metrics: {
      ...silentMetrics,
      damagedBody: () => void counts.damaged++,
      scrubbed: (bytes) => {
        counts.bytes += bytes
      },
      scrubEnded: () => void counts.ends++,
    },
    bytesPerSecond: 1_000_000,
    pause: (ms) => {
      counts.waitedMs += ms
      return pause()
    },
  })
  return { scrub, found, counts, clock }
}

test('the scrub does not report losses that were accepted, but those that came later', async () => {
  await empty()
  for (const key of ['accepted', 'later']) await sendWell('PUT', key, { body: large })
  const { engine } = server.store.services
  await rm(await fileOf('accepted'))
  await recordLosses(engine, storeIn(server.dataFolder).blobs)
  await rm(await fileOf('later'))
  const { scrub, found } = scrubber()
  await scrub.run(new AbortController().signal)
  assert.deepEqual(
    found.flatMap(({ objects }) => objects),
    [`${Bucket}/later`],
  )
  const { found: findings, summary } = await check(false)
  assert.deepEqual(
    findings.map(({ objects, isAccepted }) => [objects?.join(), isAccepted]).toSorted(),
    [
      [`${Bucket}/accepted`, true],
      [`${Bucket}/later`, undefined],
    ],
  )
  assert.deepEqual([summary.findings, summary.accepted], [1, 1])
  // Once the scrub has seen a restored file, its loss is damage.
  const file = await fileOf('accepted')
  await writeFile(file, large)
  await scrubber().scrub.run(new AbortController().signal)
  await rm(file)
  assert.equal((await check(false)).summary.findings, 2)
  for (const key of ['accepted', 'later']) await sendWell('DELETE', key)
})

test('the scrub reads every body once per pass, and reports each damaged body once', async () => {
  await empty()
  for (const key of ['x/row', 'old-row', 'bad-row', 'old-bad-row'])
    await sendWell('PUT', key, { body: small })
  for (const key of ['x/blob', 'old-blob', 'bad-blob', 'old-bad-blob', 'gone'])
    await sendWell('PUT', key, { body: large })
  await upload('parts')
  await forgetChecksums(['old-row', 'old-bad-row', 'old-blob', 'old-bad-blob'])
  const { signal } = new AbortController()
  const whole = scrubber()
  await whole.scrub.run(signal)
  assert.deepEqual(whole.found, [])
  const bytes = 4 * small.byteLength + 6 * large.byteLength + part.byteLength
  assert.deepEqual([whole.counts.bytes, whole.counts.damaged], [bytes, 0])
  // A million bytes in a second.
  assert.equal(Math.round(whole.counts.waitedMs), Math.round(bytes / 1000))
  for (const key of ['bad-row', 'old-bad-row']) await changeRow(key, flipped)
  for (const key of ['bad-blob', 'old-bad-blob', 'parts']) await flip(await fileOf(key), 100_000)
  await rm(await fileOf('gone'))
  await whole.scrub.run(signal)
  assert.deepEqual(whole.found, [], 'a pass rests before the next')
  for (const _ of [1, 2]) {
    whole.clock.time += 60_000
    await whole.scrub.run(signal)
    assert.deepEqual(whole.found.flatMap(({ objects }) => objects).sort(), [
      `${Bucket}/bad-blob`,
      `${Bucket}/bad-row`,
      `${Bucket}/gone`,
      `${Bucket}/old-bad-blob`,
      `${Bucket}/old-bad-row`,
      `${Bucket}/parts`,
    ])
  }
  assert.equal(whole.counts.damaged, 6)
})

test('the scrub resumes at its last position after a stop', async () => {
  await empty()
  const keys = ['1', '2', '3', '4']
  for (const key of keys) await sendWell('PUT', key, { body: large })
  const stopping = new AbortController()
  // The position is due to be stored after each blob; the scrub is stopped in the third one.
  const first = scrubber(async () => {
    first.clock.time += 31_000
    if (first.counts.bytes > 2 * large.byteLength) stopping.abort(new Error('stopped'))
    stopping.signal.throwIfAborted()
  })
  await assert.rejects(first.scrub.run(stopping.signal), /stopped/)
  const second = scrubber()
  await second.scrub.run(new AbortController().signal)
  assert.equal(second.counts.bytes, 2 * large.byteLength)
  const third = scrubber()
  await third.scrub.run(new AbortController().signal)
  assert.equal(third.counts.bytes, keys.length * large.byteLength)
})

test('the process with the duty continues the scrub in each round', async () => {
  const rounds: AbortSignal[] = []
  const { services } = server.store
  const scrub = async (signal: AbortSignal): Promise<void> => void rounds.push(signal)
  const sweeper = new Sweeper({ ...services, scrub })
  await sweeper.sweep()
  await nextTurn()
  await sweeper.sweep()
  const idle = new Sweeper({ ...services, scrub, isCollecting: false })
  await idle.sweep()
  assert.equal(rounds.length, 2)
  await sweeper.close()
  assert.ok(rounds.every(({ aborted }) => aborted))
})
