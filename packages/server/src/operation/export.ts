// Exports: requesting one, and querying its state. `run-export.ts` executes them.

import { randomUUID } from 'node:crypto'
import { StoreError } from '../base/errors.ts'
import {
  decodePlace,
  type ExportRecord,
  encodePlace,
  isOver,
  putExport,
  removeExport,
  walkExports,
} from '../store/domain/export.ts'
import { needDomain } from './domain.ts'
import { onAccount, onPath } from './need.ts'
import { openNextToken } from './next-token.ts'
import type { Change, CommitStep, Query } from './operation.ts'

export type { ExportRecord } from '../store/domain/export.ts'

const hourMs = 3_600_000
/** Milliseconds for which a client token is valid. */
const tokenMs = 8 * hourMs
/** Milliseconds of the period over which exports are limited in number. */
const limitMs = 24 * hourMs
/** Milliseconds for which an export remains visible: three months. */
const keptMs = 92 * 24 * hourMs

export interface StartExportInput {
  readonly clientToken: string
  readonly domain: string
  readonly bucket: string
  readonly keyPrefix?: string | undefined
}

/** Requests an export; the same request with the same token creates only one. */
export const startDomainExport: Change<StartExportInput, ExportRecord> = {
  kind: 'change',
  name: 'StartDomainExport',
  needs: ({ bucket, keyPrefix }) => [
    onAccount('sdb:StartDomainExport'),
    onPath('s3:PutObject', bucket, keyPrefix === undefined ? '' : `${keyPrefix}/`),
  ],
  async commit(step, input) {
    const known = await lookThrough(step, input)
    if (known !== undefined) return known
    await needDomain(step, input.domain)
    const { owner } = step
    const id = randomUUID()
    const record: ExportRecord = {
      ...input,
      id,
      // As in the samples of Amazon's guide, with an empty partition.
      arn: `arn:aws::sdb:${step.services.region}:${owner.id}:domain/${input.domain}/export/${id}`,
      ownerId: owner.id,
      ownerName: owner.displayName,
      requestedAt: step.now,
      status: 'PENDING',
    }
    putExport(step.tx, record)
    return record
  },
}

/** Scans the owner's exports: finds the token's export, checks the limits, and removes old records. */
async function lookThrough(
  step: CommitStep,
  input: StartExportInput,
): Promise<ExportRecord | undefined> {
  const { exportsPerDomain, exportsPerOwner } = step.services.simpleDb.limits
  const old: ExportRecord[] = []
  let ofDomain = 0
  let ofOwner = 0
  for await (const record of walkExports(step.tx, step.owner.id)) {
    const ageMs = step.now - record.requestedAt
    if (ageMs > keptMs && isOver(record)) old.push(record)
    if (ageMs <= tokenMs && record.clientToken === input.clientToken) {
      const isSame =
        record.domain === input.domain &&
        record.bucket === input.bucket &&
        record.keyPrefix === input.keyPrefix
      if (isSame) return record
      throw new StoreError({ code: 'ExportConflict' })
    }
    if (ageMs > limitMs) continue
    ofOwner++
    if (record.domain === input.domain) ofDomain++
  }
  if (ofDomain >= exportsPerDomain || ofOwner >= exportsPerOwner) {
    throw new StoreError({ code: 'NumberExportsExceeded' })
  }
  for (const record of old) removeExport(step.tx, record)
  return undefined
}

/** Returns an export's record. */
export const getExport: Query<{ readonly arn: string }, ExportRecord> = {
  kind: 'query',
  name: 'GetExport',
  needs: () => [onAccount('sdb:GetExport')],
  async check(step, { arn }) {
    for await (const record of walkExports(step.tx, step.owner.id)) {
      if (record.arn === arn) return record
    }
    throw new StoreError({ code: 'NoSuchExport' })
  },
}

export interface ListExportsInput {
  readonly domain?: string | undefined
  /** 1 to 100. */
  readonly limit: number
  readonly nextToken?: string | undefined
}

export interface ListExportsOutput {
  readonly exports: readonly ExportRecord[]
  readonly nextToken: string | undefined
}

/** Lists the caller's exports of the last three months, newest first. */
export const listExports: Query<ListExportsInput, ListExportsOutput> = {
  kind: 'query',
  name: 'ListExports',
  needs: () => [onAccount('sdb:ListExports')],
  async check(step, { domain, limit, nextToken }) {
    const { tokens, clock } = step.services
    const ownerId = step.owner.id
    const scope = `exports\0${ownerId}\0${domain ?? ''}`
    const place =
      nextToken === undefined ? undefined : decodePlace(openNextToken(tokens, scope, nextToken))
    const exports: ExportRecord[] = []
    for await (const record of walkExports(step.tx, ownerId, place)) {
      if (domain !== undefined && record.domain !== domain) continue
      if (clock.now() - record.requestedAt > keptMs) break
      const last = exports.at(-1)
      if (exports.length === limit && last !== undefined) {
        return { exports, nextToken: tokens.seal(scope, encodePlace(last)) }
      }
      exports.push(record)
    }
    return { exports, nextToken: undefined }
  },
}
