// Runs one export: takes a snapshot of the domain and writes it as lines of JSON into objects of the bucket.
// After a crash, the export restarts on the same snapshot.

import type { Owner } from '../access/principal.ts'
import { isStoreError, StoreError } from '../base/errors.ts'
import type { ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import { putObject } from '../operation/object.ts'
import type { Services } from '../operation/operation.ts'
import { run } from '../operation/run.ts'
import { findDomain, setSnapshot } from '../store/domain/domain.ts'
import { type ExportRecord, findExport, isOver, putExport } from '../store/domain/export.ts'
import { walkSnapshot } from '../store/domain/snapshot.ts'
import { findHolder } from '../store/lease/guard.ts'
import { hasLeases } from '../store/lease/lease.ts'
import { findBucket } from '../store/tree/bucket.ts'

/** Snapshot entries per read; takes far less than the time limit of a read. */
const entriesPerRead = 500
/** UTF-16 units after which a read ends; an item has at most half a megabyte. */
const textPerRead = 1_048_576
/** Bytes after which a new file is started. */
const fileBytes = 1_073_741_824

/** One item as a line of an export's file. */
export interface ExportedItem {
  readonly itemName: string
  readonly attributes: readonly { readonly name: string; readonly values: readonly string[] }[]
}

export interface ExportContext {
  readonly services: Services
  readonly signal: AbortSignal
  /** Reads an engine snapshot when this export's turn has come. */
  read<T>(body: (tx: ReadTransaction) => Promise<T>): Promise<T>
}

/** The domain snapshot that is exported. */
interface Snapshot {
  readonly domain: number
  readonly snapshot: number
}

/**
 * Runs an export that has not ended. Returns `blocked` if a lease covers its target: then the export isn't
 * started, or must be set aside.
 * @throws StoreError for the reason why the export fails
 */
export async function runExport(
  { services, signal, read }: ExportContext,
  asked: ExportRecord,
): Promise<'ended' | 'blocked'> {
  const prefix = asked.keyPrefix === undefined ? '' : `${asked.keyPrefix}/`
  const folder = `${prefix}AWSSimpleDB/${asked.id}/${asked.domain}`
  if (await isBlocked(services, asked, folder)) return 'blocked'
  const begun = await begin(services, asked)
  if (begun === undefined) return 'ended'
  const { record, ...snapshot } = begun
  const files: { key: string; itemCount: number; sizeBytes: number; etag: string }[] = []
  const progress: Progress = { after: undefined, isOver: false, items: 0 }
  const put = (key: string, source: AsyncIterable<Uint8Array>) =>
    putFile(services, signal, { record, key, source })
  try {
    do {
      const number = String(files.length).padStart(5, '0')
      const key = `${folder}/data-${number}.json`
      const before = progress.items
      const { etag, sizeBytes } = await put(key, fileOf(read, signal, snapshot, progress))
      files.push({ key, itemCount: progress.items - before, sizeBytes, etag })
    } while (!progress.isOver)
    const manifestKey = `${folder}/manifest.json`
    const manifest = {
      format: 1,
      exportArn: record.arn,
      domainName: record.domain,
      exportDataCutoffTime: (record.cutoffAt ?? 0) / 1000,
      itemsCount: progress.items,
      files,
    }
    await put(manifestKey, one(Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`)))
    await endExport(services, {
      ...record,
      status: 'SUCCEEDED',
      manifestKey,
      items: progress.items,
    })
    return 'ended'
  } catch (error) {
    // A lease granted while the export ran.
    if (isBusy(error) && (await isBlocked(services, record, folder))) {
      return 'blocked'
    }
    throw error
  }
}

function isBusy(error: unknown): boolean {
  return (
    isStoreError(error, 'SlowDown') ||
    isStoreError(error, 'BlockedByLease') ||
    isStoreError(error, 'TooManyWaiting')
  )
}

/** True if a lease covers the export's folder; tested before anything is read. */
async function isBlocked(
  { engine, clock }: Services,
  { bucket: name }: ExportRecord,
  folder: string,
): Promise<boolean> {
  return engine.write(async (tx) => {
    const bucket = await findBucket(tx, name)
    if (bucket === undefined || !(await hasLeases(tx, bucket.id))) return false
    return (await findHolder(tx, bucket.id, { folder: `${folder}/` }, clock.now())) !== undefined
  })
}

/** Creates the domain snapshot, or finds that of an interrupted attempt; undefined if the export has ended. */
async function begin(
  { engine, ids, clock }: Services,
  asked: ExportRecord,
): Promise<(Snapshot & { readonly record: ExportRecord }) | undefined> {
  return engine.write(async (tx) => {
    const record = await findExport(tx, asked)
    if (record === undefined || isOver(record)) return undefined
    const domain = await findDomain(tx, record.ownerId, record.domain)
    if (domain === undefined) throw noSuchDomain(record)
    if (domain.snapshot !== undefined && record.status === 'IN_PROGRESS') {
      return { domain: domain.number, snapshot: domain.snapshot, record }
    }
    const snapshot = ids.next()
    setSnapshot(tx, { ...domain, name: record.domain }, snapshot)
    const begun: ExportRecord = { ...record, status: 'IN_PROGRESS', cutoffAt: clock.now() }
    putExport(tx, begun)
    return { domain: domain.number, snapshot, record: begun }
  })
}

/** Ends an export, and its snapshot if there is one. */
export async function endExport({ engine }: Services, record: ExportRecord): Promise<void> {
  await engine.write((tx) => putWithoutSnapshot(tx, record))
}

/** Returns an export to the queue, and ends its snapshot if there is one. */
export async function setAside({ engine }: Services, asked: ExportRecord): Promise<void> {
  await engine.write(async (tx) => {
    const record = await findExport(tx, asked)
    if (record?.status !== 'IN_PROGRESS') return
    await putWithoutSnapshot(tx, { ...record, status: 'PENDING', cutoffAt: undefined })
  })
}

async function putWithoutSnapshot(tx: WriteTransaction, record: ExportRecord): Promise<void> {
  const before = await findExport(tx, record)
  const domain = await findDomain(tx, record.ownerId, record.domain)
  // An export that wasn't started has no snapshot: a snapshot of the domain is another export's.
  if (before?.status === 'IN_PROGRESS' && domain?.snapshot !== undefined) {
    setSnapshot(tx, { ...domain, name: record.domain }, undefined)
  }
  putExport(tx, record)
}

interface Progress {
  after: number | undefined
  isOver: boolean
  items: number
}

/** The lines of one file, read while the file is stored. */
async function* fileOf(
  read: ExportContext['read'],
  signal: AbortSignal,
  snapshot: Snapshot,
  progress: Progress,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  while (bytes < fileBytes && !progress.isOver) {
    signal.throwIfAborted()
    const lines = await read(async (tx) => {
      let text = ''
      let entries = 0
      for await (const { number, item } of walkSnapshot(tx, {
        ...snapshot,
        after: progress.after,
      })) {
        progress.after = number
        if (item !== undefined) {
          const { name: itemName, attributes } = item
          const line: ExportedItem = { itemName, attributes }
          text += `${JSON.stringify(line)}\n`
          progress.items++
        }
        entries++
        if (entries === entriesPerRead || text.length >= textPerRead) return text
      }
      progress.isOver = true
      return text
    })
    const chunk = Buffer.from(lines)
    bytes += chunk.byteLength
    if (chunk.byteLength > 0) yield chunk
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function putFile(
  services: Services,
  signal: AbortSignal,
  file: {
    readonly record: ExportRecord
    readonly key: string
    readonly source: AsyncIterable<Uint8Array>
  },
): Promise<{ readonly etag: string; readonly sizeBytes: number }> {
  const { record, key, source } = file
  const owner: Owner = { id: record.ownerId, displayName: record.ownerName }
  const principal = { accessKeyId: 'export', owner }
  return run(services, { principal, requestId: record.id, signal }, putObject, {
    bucket: record.bucket,
    key,
    headers: { 'content-type': 'application/json' },
    metadata: {},
    storageClass: 'STANDARD',
    body: { source, sizeBytes: undefined },
    conditions: {},
  })
}

function noSuchDomain({ domain }: ExportRecord): StoreError {
  return new StoreError({ code: 'NoSuchDomain', domain })
}
