// Exports of domains: what was asked for and what became of it. The newest come first.

import { text, utf8 } from '../base/bytes.ts'
import type { ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import { ownerKey } from './domain.ts'
import { pack, unpack } from './record.ts'
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
  readonly failure?: { readonly code: string; readonly message: string } | undefined
}

/** Stores an export, new or as it is now. */
export function putExport(tx: WriteTransaction, record: ExportRecord): void {
  tx.put(schema.exportRow(ownerKey(record.ownerId), record.requestedAt, record.id), pack(record))
}

/** Forgets an export. */
export function removeExport(tx: WriteTransaction, record: ExportRecord): void {
  tx.delete(schema.exportRow(ownerKey(record.ownerId), record.requestedAt, record.id))
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

/** Exports that have not ended, of all owners. */
export async function unfinishedExports(tx: ReadTransaction): Promise<ExportRecord[]> {
  const found: ExportRecord[] = []
  for await (const { value } of tx.range(schema.allExports())) {
    const record = unpack<ExportRecord>(value)
    if (record.status === 'PENDING' || record.status === 'IN_PROGRESS') found.push(record)
  }
  return found.sort((a, b) => a.requestedAt - b.requestedAt)
}

/** A place as bytes, for tokens. */
export function encodePlace({ requestedAt, id }: ExportPlace): Buffer {
  return utf8(`${requestedAt} ${id}`)
}

/** What {@link encodePlace} made. */
export function decodePlace(bytes: Uint8Array): ExportPlace {
  const [requestedAt, id = ''] = text(bytes).split(' ')
  return { requestedAt: Number(requestedAt), id }
}
