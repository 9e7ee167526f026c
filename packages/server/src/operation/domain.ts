// Operations on domains: create, delete, list, and a domain's counts.

import { text, utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import {
  createDomain as createEntry,
  type DomainCounts,
  type DomainRecord,
  deleteDomain as deleteEntry,
  findDomain,
  readCounts,
  walkDomains,
} from '../store/domain/domain.ts'
import { isOver, walkExports } from '../store/domain/export.ts'
import { onAccount } from './need.ts'
import { openNextToken } from './next-token.ts'
import type { Change, CheckStep, CommitStep, Query } from './operation.ts'

export interface DomainAddress {
  readonly domain: string
}

/** Creates a domain owned by the caller; an existing one stays unchanged. */
export const createDomain: Change<DomainAddress, void> = {
  kind: 'change',
  name: 'CreateDomain',
  needs: () => [onAccount('sdb:CreateDomain')],
  async commit(step, { domain }) {
    checkDomainName(domain)
    const ownerId = step.owner.id
    if ((await findDomain(step.tx, ownerId, domain)) !== undefined) return
    let count = 0
    for await (const _ of walkDomains(step.tx, ownerId)) count++
    if (count >= step.services.simpleDb.limits.domainsPerOwner) {
      throw new StoreError({ code: 'NumberDomainsExceeded' })
    }
    createEntry({ tx: step.tx, ids: step.services.ids }, domain, { ownerId, createdAt: step.now })
  },
}

/** Deletes a domain with all its items. A missing domain is no error. */
export const deleteDomain: Change<DomainAddress, void> = {
  kind: 'change',
  name: 'DeleteDomain',
  needs: () => [onAccount('sdb:DeleteDomain')],
  usesReserve: true,
  async commit(step, { domain }) {
    const found = await findDomain(step.tx, step.owner.id, domain)
    if (found === undefined) return
    for await (const record of walkExports(step.tx, step.owner.id)) {
      if (record.domain !== domain || isOver(record)) continue
      throw new StoreError({ code: 'DomainInExport' })
    }
    deleteEntry(step.tx, { ...found, name: domain })
  },
}

export interface ListDomainsInput {
  /** 1 to 100. */
  readonly limit: number
  readonly nextToken?: string | undefined
}

export interface ListDomainsOutput {
  readonly domains: readonly string[]
  readonly nextToken?: string | undefined
}

/** Lists the caller's domains by name. */
export const listDomains: Query<ListDomainsInput, ListDomainsOutput> = {
  kind: 'query',
  name: 'ListDomains',
  needs: () => [onAccount('sdb:ListDomains')],
  async check(step, { limit, nextToken }) {
    const { tokens } = step.services
    const ownerId = step.owner.id
    const scope = `domains\0${ownerId}`
    const after =
      nextToken === undefined ? undefined : text(openNextToken(tokens, scope, nextToken))
    const domains: string[] = []
    for await (const { name } of walkDomains(step.tx, ownerId, after)) {
      const last = domains.at(-1)
      if (domains.length === limit && last !== undefined) {
        return { domains, nextToken: tokens.seal(scope, utf8(last)) }
      }
      domains.push(name)
    }
    return { domains }
  },
}

export interface DomainMetadataOutput {
  readonly counts: DomainCounts
  /** Milliseconds since the epoch. */
  readonly countedAt: number
}

/** Returns a domain's present counts. */
export const domainMetadata: Query<DomainAddress, DomainMetadataOutput> = {
  kind: 'query',
  name: 'DomainMetadata',
  needs: () => [onAccount('sdb:DomainMetadata')],
  async check(step, { domain }) {
    const { number } = await needDomain(step, domain)
    return { counts: await readCounts(step.tx, number), countedAt: step.services.clock.now() }
  },
}

/** The caller's domain with this name. @throws StoreError `InvalidDomainName`, `NoSuchDomain` */
export async function needDomain(
  step: Pick<CheckStep | CommitStep, 'tx' | 'owner'>,
  name: string,
): Promise<DomainRecord> {
  checkDomainName(name)
  const found = await findDomain(step.tx, step.owner.id, name)
  if (found !== undefined) return found
  throw new StoreError({ code: 'NoSuchDomain', domain: name })
}

const domainName = /^[A-Za-z0-9_.-]{3,255}$/

/** @throws StoreError `InvalidDomainName` for an illegal name */
function checkDomainName(name: string): void {
  if (domainName.test(name)) return
  throw new StoreError({ code: 'InvalidDomainName', domain: name })
}
