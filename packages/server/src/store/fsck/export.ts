// The exports' part of fsck: exactly the exports that have not ended are queued.

import { compareBytes, hexOf } from '../../base/bytes.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { type ExportRecord, isOver } from '../domain/export.ts'
import * as domainSchema from '../domain/schema.ts'
import { unpack } from '../row/record.ts'
import type { Finding } from './tree.ts'

/** Yields the findings about the exports of all owners. */
export async function* checkExports(tx: ReadTransaction): AsyncGenerator<Finding> {
  const invariant = 'an export is queued until it has ended'
  for await (const { key, value } of tx.range(domainSchema.allExports())) {
    const record = unpack<ExportRecord>(value)
    const queued = await tx.get(domainSchema.queuedExport(record.requestedAt, record.id))
    const isQueued = queued !== undefined && compareBytes(queued, key) === 0
    if (isQueued !== isOver(record)) continue
    const detail = `it is ${record.status}, and ${isQueued ? 'queued' : 'not queued'}`
    yield { invariant, where: `export ${record.id}`, detail }
  }
  for await (const { key, value } of tx.range(domainSchema.exportQueue())) {
    const row = await tx.get(value)
    const record = row === undefined ? undefined : unpack<ExportRecord>(row)
    const isInPlace =
      record !== undefined &&
      compareBytes(key, domainSchema.queuedExport(record.requestedAt, record.id)) === 0
    if (isInPlace) continue
    yield { invariant, where: `queued export ${hexOf(key)}`, detail: 'there is no such export' }
  }
}
