// Exports of domains: what was asked for and what became of it. The newest come first.

import { type Bytes, text, utf8 } from '../../base/bytes.ts'
import type { ExportFailure } from '../../base/refusal/export.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import { ownerKey } from './domain.ts'
import * as schema from './schema.ts'

/** How far an export has come. */
export type ExportStatus = 'PENDING' | 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED'

/** An export of one domain to one bucket. */
export interface ExportRecord {
  readonly id: string
  readonly arn: string
  readonly ownerId: string
  readonly ownerName: string
  readonly clientToken: string
  readonly domain: string
  readonly bucket: string
  /** Before the export's own folder; without a slash at its end. */
  readonly keyPrefix?: string | undefined
  /** Milliseconds since the epoch. */
  readonly requestedAt: number
  readonly status: ExportStatus
  /** The moment that the exported items are of. */
  readonly cutoffAt?: number | undefined
  readonly manifestKey?: string | undefined
  readonly items?: number | undefined
  readonly failure?: ExportFailure | undefined
}

/** Stores an export, new or as it is now; one that has not ended is queued. */
export function putExport(tx: WriteTransaction, record: ExportRecord): void {
  const key = rowOf(record)
  tx.put(key, pack(record))
  const queued = schema.queuedExport(record.requestedAt, record.id)
  if (isOver(record)) tx.delete(queued)
  else tx.put(queued, key)
}

/** An export as it is now, wherever `record` is from. */
export async function findExport(
  tx: ReadTransaction,
  record: ExportRecord,
): Promise<ExportRecord | undefined> {
  const value = await tx.get(rowOf(record))
  return value === undefined ? undefined : unpack<ExportRecord>(value)
}

/** True for an export that has ended, one way or the other. */
export function isOver({ status }: ExportRecord): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED'
}

function rowOf({ ownerId, requestedAt, id }: ExportRecord): Bytes {
  return schema.exportRow(ownerKey(ownerId), requestedAt, id)
}

/** Forgets an export that has ended. */
export function removeExport(tx: WriteTransaction, record: ExportRecord): void {
  tx.delete(rowOf(record))
}

/** Where an export stands in the order of its owner's. */
export interface ExportPlace {
  readonly requestedAt: number
  readonly id: string
}

/** The exports of an owner, the newest first, those after `place` if it is given. */
export async function* walkExports(
  tx: ReadTransaction,
  ownerId: string,
  place?: ExportPlace,
): AsyncGenerator<ExportRecord> {
  const owner = ownerKey(ownerId)
  const all = schema.exportsOf(owner)
  const start =
    place === undefined ? all.start : schema.exportRow(owner, place.requestedAt, `${place.id}\0`)
  for await (const { value } of tx.range({ ...all, start })) yield unpack<ExportRecord>(value)
}

/** Exports that have not ended, of all owners, the oldest first. */
export async function unfinishedExports(tx: ReadTransaction): Promise<ExportRecord[]> {
  const found: ExportRecord[] = []
  for await (const { value: key } of tx.range(schema.exportQueue())) {
    const row = await tx.get(key)
    if (row !== undefined) found.push(unpack<ExportRecord>(row))
  }
  return found
}

/** A place as bytes, for tokens. */
export function encodePlace({ requestedAt, id }: ExportPlace): Buffer {
  return utf8(`${requestedAt} ${id}`)
}

/** The inverse of {@link encodePlace}. */
export function decodePlace(bytes: Uint8Array): ExportPlace {
  const [requestedAt, id = ''] = text(bytes).split(' ')
  return { requestedAt: Number(requestedAt), id }
}
