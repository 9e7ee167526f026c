// Does the exports that were asked for, one after the other, in the process that has the duty. Each is
// a snapshot of its domain, written as lines of JSON into objects of the bucket; after a crash it is
// begun anew on the same snapshot.

import type { Owner } from '../access/principal.ts'
import { type Refusal, StoreError } from '../base/errors.ts'
import type { FinalRefusal } from '../base/refusal/export.ts'
import { findDomain, setSnapshot } from '../store/domain.ts'
import { walkSnapshot } from '../store/domain-snapshot.ts'
import { type ExportRecord, putExport, unfinishedExports } from '../store/export.ts'
import { putObject } from './object.ts'
import type { Services } from './operation.ts'
import { run } from './run.ts'

/** Entries of a snapshot that one read goes through: far less than a read may take. */
const entriesPerRead = 500
/** Bytes after which a file ends and another one begins. */
const fileBytes = 1_073_741_824

/** One item as a line of an export's file. */
export interface ExportedItem {
  readonly itemName: string
  readonly attributes: readonly { readonly name: string; readonly values: readonly string[] }[]
}

const finalCodes: Readonly<Record<FinalRefusal['code'], true>> = {
  NoSuchBucket: true,
  NoSuchDomain: true,
  AccessDenied: true,
  KeyTooLong: true,
  TransactionTooLarge: true,
}

/** Does every export that has not ended; what fails for now is left for the next call. */
export async function runExports(services: Services, signal: AbortSignal): Promise<void> {
  for (const record of await services.engine.read(unfinishedExports)) {
    if (signal.aborted) return
    try {
      await runExport(services, signal, record)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof StoreError) || !isFinal(error.refusal)) throw error
      await end(services, { ...record, status: 'FAILED', failure: { refusal: error.refusal } })
    }
  }
}

function isFinal(refusal: Refusal): refusal is FinalRefusal {
  return Object.hasOwn(finalCodes, refusal.code)
}

/** The snapshot of a domain that is exported. */
interface Snapshot {
  readonly domain: number
  readonly snapshot: number
}

async function runExport(
  services: Services,
  signal: AbortSignal,
  asked: ExportRecord,
): Promise<void> {
  const { record, ...snapshot } = await begin(services, asked)
  const prefix = record.keyPrefix === undefined ? '' : `${record.keyPrefix}/`
  const folder = `${prefix}AWSSimpleDB/${record.id}/${record.domain}`
  const files: { key: string; itemCount: number; sizeBytes: number; etag: string }[] = []
  const progress: Progress = { after: undefined, isOver: false, items: 0 }
  const put = (key: string, source: AsyncIterable<Uint8Array>) =>
    putFile(services, signal, { record, key, source })
  do {
    const number = String(files.length).padStart(5, '0')
    const key = `${folder}/data-${number}.json`
    const before = progress.items
    const { etag, sizeBytes } = await put(key, fileOf(services, signal, snapshot, progress))
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
  await end(services, { ...record, status: 'SUCCEEDED', manifestKey, items: progress.items })
}

/** Begins the domain's snapshot, or finds the one that an interrupted try began. */
async function begin(
  { engine, ids, clock }: Services,
  record: ExportRecord,
): Promise<Snapshot & { readonly record: ExportRecord }> {
  return engine.write(async (tx) => {
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

/** Ends an export, and with it its snapshot. */
async function end({ engine }: Services, record: ExportRecord): Promise<void> {
  await engine.write(async (tx) => {
    const domain = await findDomain(tx, record.ownerId, record.domain)
    if (domain?.snapshot !== undefined) {
      setSnapshot(tx, { ...domain, name: record.domain }, undefined)
    }
    putExport(tx, record)
  })
}

interface Progress {
  after: number | undefined
  isOver: boolean
  items: number
}

/** The lines of one file, read while they are stored. */
async function* fileOf(
  { engine }: Services,
  signal: AbortSignal,
  snapshot: Snapshot,
  progress: Progress,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  while (bytes < fileBytes && !progress.isOver) {
    signal.throwIfAborted()
    const lines = await engine.read(async (tx) => {
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
        if (entries === entriesPerRead) return text
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
