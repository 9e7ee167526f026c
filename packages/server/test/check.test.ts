// fsck has no findings in an intact store, and finds each planted fault.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { open as openLmdb } from 'lmdb'
import { compareBytes, utf8 } from '../src/base/bytes.ts'
import {
  asBlobId,
  asBucketId,
  asLeaseTicket,
  asStartId,
  type BlobId,
  type BucketId,
  type LeaseTicket,
} from '../src/base/terms.ts'
import type { ByteSource } from '../src/blob/blob.ts'
import { type OpenServices, openServices } from '../src/compose.ts'
import type { Range, Row, WriteTransaction } from '../src/engine/engine.ts'
import { silentLog } from '../src/observe/log.ts'
import { silentMetrics } from '../src/observe/metrics.ts'
import { type CheckSummary, checkStore, type Finding } from '../src/operation/fsck.ts'
import { putBlobBody, putManifest, putRowBody, retainBody } from '../src/store/body/body.ts'
import { markGarbage } from '../src/store/body/garbage.ts'
import * as bodySchema from '../src/store/body/schema.ts'
import { putPart, putUpload } from '../src/store/body/upload.ts'
import { ownerKey } from '../src/store/domain/domain.ts'
import { type ExportRecord, putExport, removeExport } from '../src/store/domain/export.ts'
import * as domainSchema from '../src/store/domain/schema.ts'
import { enterLease, pollLease } from '../src/store/lease/lease.ts'
import * as leaseSchema from '../src/store/lease/schema.ts'
import { type Body, type ObjectRecord, pack, unpack } from '../src/store/row/record.ts'
import * as rowSchema from '../src/store/row/schema.ts'
import { bucketCountKey, createBucket } from '../src/store/tree/bucket.ts'
import { putObject } from '../src/store/tree/object.ts'
import * as treeSchema from '../src/store/tree/schema.ts'
import { runHoldfast } from './harness.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-check-'))
let store: OpenServices
/** Ids of the store's contents. */
const held = {
  row: 0,
  shared: 0,
  manifest: 0,
  blob: asBlobId(''),
  part: asBlobId(''),
  bucket: asBucketId(0),
  upload: 0,
  lease: asLeaseTicket(0),
  waiting: asLeaseTicket(0),
}

function recordOf(body: Body, sizeBytes: number): ObjectRecord {
  const facts = { etag: 'e', modifiedAt: 1, ownerId: 'o', storageClass: 'STANDARD' }
  return { ...facts, sizeBytes, body, headers: {}, metadata: {} }
}

/** Enters a lease on a path, granted if possible. Returns the ticket. */
async function putLease(
  tx: WriteTransaction,
  bucketId: BucketId,
  path: string,
  token: string,
): Promise<LeaseTicket> {
  const paths = { read: [], write: [path] }
  const facts = { bucketId, ttlMs: 60_000, label: token, parameters: utf8('') }
  const address = await enterLease(tx, { ...facts, paths, token: utf8(token) }, 0)
  await pollLease(tx, address, 0)
  return address.ticket
}

async function writeBlob(text: string): Promise<BlobId> {
  const source: ByteSource = (async function* () {
    yield utf8(text)
  })()
  return (await store.services.blobs.write(source)).id
}

async function openAndClose(dataFolder: string): Promise<void> {
  const facts = { region: 'us-east-1', log: silentLog, metrics: silentMetrics, isSweeping: false }
  await (await openServices({ ...facts, dataFolder })).close()
}

before(async () => {
  store = await openServices({
    dataFolder: folder,
    region: 'us-east-1',
    log: silentLog,
    metrics: silentMetrics,
    isSweeping: false,
  })
  const { engine, ids } = store.services
  const [blob, one, two] = [
    await writeBlob('blob'),
    await writeBlob('one'),
    await writeBlob('two2'),
  ]
  await engine.write(async (tx) => {
    const facts = { ownerId: 'o', createdAt: 0, region: 'us-east-1' }
    const { root, id } = createBucket({ tx, ids }, 'bucket', facts)
    const put = async (key: string, body: Body, sizeBytes: number): Promise<void> => {
      await putObject({ tx, ids }, root, utf8(key), recordOf(body, sizeBytes))
    }
    Object.assign(held, {
      row: ids.next(),
      shared: ids.next(),
      manifest: ids.next(),
      blob,
      part: two,
    })
    Object.assign(held, { bucket: id, upload: ids.next() })
    await put('a/row', putRowBody(tx, held.row, utf8('small')), 5)
    const shared = putRowBody(tx, held.shared, utf8('both'))
    await put('a/first', shared, 4)
    await retainBody(tx, shared)
    await put('b/second', shared, 4)
    await put('blob', putBlobBody(tx, blob), 4)
    await put('empty', { kind: 'empty' }, 0)
    putBlobBody(tx, one)
    putBlobBody(tx, two)
    await retainBody(tx, { kind: 'blob', id: two })
    const parts = [
      { number: 1, offset: 0, sizeBytes: 3, etag: '', blobId: one },
      { number: 5, offset: 3, sizeBytes: 4, etag: '', blobId: two },
    ]
    await put('c/parts', putManifest(tx, held.manifest, parts), 7)
    const address = { bucketId: id, key: utf8('up'), number: held.upload }
    const upload = { nonce: 'n', ownerId: 'o', initiatedAt: 0, headers: {}, metadata: {} }
    putUpload(tx, address, { ...upload, storageClass: 'STANDARD', keyExisted: false })
    await putPart(tx, held.upload, 1, { etag: '', sizeBytes: 4, blobId: two, modifiedAt: 0 })
    held.lease = await putLease(tx, id, 'a/', 'first')
    held.waiting = await putLease(tx, id, 'a/b', 'second')
  })
})

after(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

async function check(
  bodiesPerPass?: number,
): Promise<{ findings: Finding[]; summary: CheckSummary }> {
  const { engine, blobs } = store.services
  const options = bodiesPerPass === undefined ? {} : { bodiesPerPass }
  const checking = checkStore({ engine, blobs, ...options })
  const findings: Finding[] = []
  for (;;) {
    const step = await checking.next()
    if (step.done === true) return { findings, summary: step.value }
    findings.push(step.value)
  }
}

async function allRows(): Promise<Row[]> {
  return store.services.engine.read(async (tx) => {
    const rows: Row[] = []
    for await (const row of tx.range({ start: new Uint8Array([0]) })) rows.push(row)
    return rows
  })
}

/**
 * Puts the store back into the state of `rows`, except the pulse of this process: its marks lie beside
 * the blobs as well, where they can't be taken back.
 */
async function restore(rows: readonly Row[]): Promise<void> {
  const pulse = bodySchema.pulse(store.start)
  const isRestored = ({ key }: Row): boolean => compareBytes(key, pulse) !== 0
  const now = await allRows()
  await store.services.engine.write(async (tx) => {
    for (const { key } of now.filter(isRestored)) tx.delete(key)
    for (const { key, value } of rows.filter(isRestored)) tx.put(key, value)
  })
}

test('an intact store has no findings, in one pass or in many', async () => {
  for (const bodiesPerPass of [undefined, 3, 1]) {
    const { findings, summary } = await check(bodiesPerPass)
    assert.deepEqual(findings, [])
    assert.deepEqual(summary, {
      buckets: 1,
      objects: 6,
      uploads: 1,
      domains: 0,
      items: 0,
      blobs: 3,
      blobBytes: 11,
      garbage: 0,
      findings: 0,
      accepted: 0,
    })
  }
})

const part = { number: 1, offset: 0, sizeBytes: 1, etag: '', blobId: asBlobId('1-999') }

const pending: ExportRecord = {
  ...{ id: 'e1', arn: 'arn', ownerId: 'o', ownerName: 'o', clientToken: 't' },
  ...{ domain: 'd', bucket: 'bucket', requestedAt: 1, status: 'PENDING' },
}

type Plant = (tx: WriteTransaction) => Promise<void> | void

async function idsOf(tx: WriteTransaction, range: Range): Promise<number[]> {
  const ids: number[] = []
  for await (const { key } of tx.range(range)) ids.push(treeSchema.directoryId(key))
  return ids
}

const faults: readonly (readonly [name: string, plant: Plant, found: RegExp])[] = [
  [
    'a body is gone',
    (tx) => tx.delete(bodySchema.rowBody(held.row)),
    /"row" .*body \d+ has no row/,
  ],
  [
    'a body is cut short',
    (tx) => tx.put(bodySchema.rowBody(held.row), utf8('sma')),
    /"row" .*says 5 bytes, body \d+ has 3/,
  ],
  [
    'a body has no object',
    (tx) => tx.put(bodySchema.rowBody(held.upload), utf8('lost')),
    /body \d+: 4 bytes/,
  ],
  [
    'a shared body is counted once too often',
    (tx) => tx.put(bodySchema.rowBodyCount(held.shared), pack([3])),
    /body \d+: counts 3, has 2/,
  ],
  [
    'a shared body is not counted',
    (tx) => tx.delete(bodySchema.rowBodyCount(held.shared)),
    /body \d+: counts 1, has 2/,
  ],
  [
    'a blob is counted too low',
    (tx) => tx.put(bodySchema.blobCount(held.part), pack([1])),
    /blob \d+-\d+: counts 1, has 2/,
  ],
  ['a blob is not counted', (tx) => tx.delete(bodySchema.blobCount(held.blob)), /counts 0, has 1/],
  [
    'a manifest lacks its last part',
    (tx) => tx.delete(bodySchema.manifestPart(held.manifest, 1)),
    /"parts" .*says 7 bytes in 2 parts, manifest \d+ has 3 in 1/,
  ],
  [
    'a manifest lacks its first part',
    (tx) => tx.delete(bodySchema.manifestPart(held.manifest, 0)),
    /it begins at 3, after 0 parts of 0 bytes/,
  ],
  [
    'a manifest is gone',
    (tx) => {
      for (const index of [0, 1]) tx.delete(bodySchema.manifestPart(held.manifest, index))
    },
    /manifest \d+ has no rows/,
  ],
  [
    'a manifest that an object has waits to be released',
    (tx) => tx.put(bodySchema.queuedManifest(held.manifest), new Uint8Array()),
    /"parts" .*manifest \d+ waits to be released/,
  ],
  [
    'a manifest that nothing has does not wait to be released',
    (tx) => putManifest(tx, held.upload, [part]) && putBlobBody(tx, part.blobId) && undefined,
    /manifest \d+: 1 parts/,
  ],
  [
    'a blob of a manifest that waits to be released is not counted',
    (tx) => {
      putManifest(tx, held.upload, [part])
      tx.put(bodySchema.queuedManifest(held.upload), new Uint8Array())
    },
    /blob 1-999: counts 0, has 1/,
  ],
  [
    'a part has no upload',
    (tx) => tx.delete(bodySchema.upload(held.bucket, utf8('up'), held.upload)),
    /part 1 of upload \d+: there is no such upload/,
  ],
  [
    'a bucket is gone',
    (tx) => tx.delete(treeSchema.bucket(utf8('bucket'))),
    /upload \d+: there is no bucket \d+/,
  ],
  [
    'buckets are counted too high',
    (tx) => tx.add(bucketCountKey('o'), 1n),
    /buckets of o: counts 2, has 1/,
  ],
  [
    'buckets are counted of an owner who has none',
    (tx) => tx.add(bucketCountKey('p'), 1n),
    /buckets of an owner who has none, row \w+: counts 1, has 0/,
  ],
  [
    'two buckets have one root',
    async (tx) => {
      tx.put(
        treeSchema.bucket(utf8('twin')),
        (await tx.get(treeSchema.bucket(utf8('bucket')))) ?? new Uint8Array(),
      )
    },
    /buckets: 2 buckets/,
  ],
  [
    'an export waits for nobody',
    (tx) => {
      putExport(tx, pending)
      tx.delete(domainSchema.queuedExport(pending.requestedAt, pending.id))
    },
    /export e1: it is PENDING, and not queued/,
  ],
  [
    'an export is queued that is not there',
    (tx) => {
      putExport(tx, pending)
      removeExport(tx, pending)
    },
    /queued export \w+: there is no such export/,
  ],
  [
    'an export is queued though it has ended',
    (tx) => {
      putExport(tx, pending)
      tx.put(domainSchema.exportRow(ownerKey('o'), 1, 'e1'), pack({ ...pending, status: 'FAILED' }))
    },
    /export e1: it is FAILED, and queued/,
  ],
  [
    'an export is queued twice',
    async (tx) => {
      putExport(tx, pending)
      const row = await tx.get(domainSchema.queuedExport(pending.requestedAt, pending.id))
      tx.put(domainSchema.queuedExport(2, pending.id), row ?? new Uint8Array())
    },
    /queued export \w+: there is no such export/,
  ],
  [
    'a snapshot is not counted, and of a start that is not there',
    async (tx) => {
      const [directory] = await idsOf(tx, treeSchema.directories())
      tx.put(treeSchema.snapshot(asStartId(store.start + 1), 1), pack([directory]))
    },
    /directory \d+: counts 1, has 2.*snapshot 1: there is no start \d+/s,
  ],
  [
    'a snapshot is of no directory',
    (tx) => tx.put(treeSchema.snapshot(store.start, 1), pack([9])),
    /a snapshot: 9 has no row/,
  ],
  [
    'garbage is referred to',
    (tx) => tx.put(bodySchema.garbage(0, held.blob), new Uint8Array()),
    /garbage since epoch 0: its references are counted/,
  ],
  [
    'tickets of leases would be given again',
    (tx) => tx.put(rowSchema.sequence('lease-ticket'), pack([1])),
    /lease 2 of bucket \d+: 1 was the last one/,
  ],
  [
    'a lease is not in its place',
    async (tx) => {
      for await (const { key } of tx.range(leaseSchema.leaseQueues(held.bucket))) tx.delete(key)
    },
    /lease 1 of bucket \d+: its place at a node is missing/,
  ],
  [
    'two leases are held that conflict',
    async (tx) => {
      const row = await tx.get(leaseSchema.lease(held.bucket, held.waiting))
      tx.put(
        leaseSchema.lease(held.bucket, held.waiting),
        pack({ ...unpack<object>(row ?? new Uint8Array()), state: 'held' }),
      )
    },
    /lease 2: lease 1 is before it/,
  ],
  [
    'a lease has no mark',
    (tx) => tx.delete(leaseSchema.leaseMark(held.bucket)),
    /lease 1 of bucket \d+: its mark of its bucket is missing/,
  ],
  [
    'a lease is gone',
    (tx) => tx.delete(leaseSchema.lease(held.bucket, held.lease)),
    /row \w+: held at a node, of no lease that has it/,
  ],
  [
    'leases are counted too high',
    (tx) => tx.add(leaseSchema.leaseCount(held.bucket, 1), 1n),
    /leases of bucket \d+ held: counts 2, has 1/,
  ],
  [
    'ids would be given out again',
    (tx) => tx.delete(rowSchema.sequence('id-block')),
    /directory \d+: \d+ comes next/,
  ],
]

for (const [name, plant, found] of faults) {
  test(`it is found when ${name}`, async () => {
    const rows = await allRows()
    await store.services.engine.write(async (tx) => plant(tx))
    const { findings, summary } = await check()
    await restore(rows)
    const texts = findings.map(({ where, detail }) => `${where}: ${detail}`)
    assert.match(texts.join('\n'), found)
    assert.equal(summary.findings, findings.length)
    assert.deepEqual((await check()).findings, [])
  })
}

test('an unreferenced file is found once its start is swept, and not while it is garbage', async () => {
  const { engine } = store.services
  const rows = await allRows()
  const leaked = await writeBlob('leak')
  assert.deepEqual((await check()).findings, [])
  await engine.write(async (tx) => tx.delete(bodySchema.processStart(store.start)))
  const { findings } = await check()
  assert.deepEqual(
    findings.map(({ where }) => where),
    [`blob ${leaked}`],
  )
  await engine.write((tx) => markGarbage(tx, [leaked]))
  assert.deepEqual((await check()).findings, [])
  await store.services.blobs.delete(leaked)
  await restore(rows)
})

test('the command ends with 0 for a clean folder, 4 with findings, 1 without a store', async () => {
  const clean = await runHoldfast(['fsck', '--data', folder])
  assert.equal(clean.exitCode, 0, clean.output)
  assert.match(
    clean.output,
    /^clean: 1 buckets, 6 objects, 1 uploads in progress, 0 domains, 0 items, 3 blobs/m,
  )
  const none = await runHoldfast(['fsck', '--data', join(folder, 'nothing')])
  assert.equal(none.exitCode, 1)
  assert.match(none.output, /there is no store in/)
  const [start, sequence] = held.blob.split('-')
  await writeFile(join(folder, 'blobs', `${start}`, '0', '0', `${sequence}`), 'too long')
  const damaged = await runHoldfast(['fsck', '--data', folder])
  assert.equal(damaged.exitCode, 4)
  assert.match(damaged.output, /object "blob" .*: it says 4 bytes, the file of blob .* has 8/)
  await store.services.blobs.delete(held.blob)
  const json = await runHoldfast(['fsck', '--data', folder, '--json'])
  assert.equal(json.exitCode, 4)
  const [finding, summary] = json.output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.match(finding.finding.detail, /^the file of blob .* is missing$/)
  assert.equal(summary.summary.findings, 1)
})

test('a store of a newer version is refused with exit code 3, by fsck and by a server', async () => {
  const data = join(folder, 'newer')
  await openAndClose(data)
  const bytes = { keyEncoding: 'binary', encoding: 'binary' } as const
  const root = openLmdb<Buffer, Buffer>({ path: join(data, 'engine'), maxDbs: 4, ...bytes })
  await root.put(utf8('format'), utf8('99'))
  await root.close()
  for (const command of [['fsck'], ['serve', '--port', '0']]) {
    const { exitCode, output } = await runHoldfast([...command, '--data', data])
    assert.equal(exitCode, 3, output)
    assert.match(output, /The store has format 99/)
  }
})
