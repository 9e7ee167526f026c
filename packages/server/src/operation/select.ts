// Select: one page of a query's results in a domain, and the query's plan.

import { isStoreError, StoreError } from '../base/errors.ts'
import type { Select } from '../select/ast.ts'
import { executeSelect } from '../select/execute.ts'
import { type Explanation, explainSelect as explain } from '../select/explain.ts'
import type { SelectPage } from '../select/page.ts'
import { parseSelect } from '../select/parse.ts'
import { decodePosition, encodePosition, tokenScope } from '../select/token.ts'
import { findDomain } from '../store/domain/domain.ts'
import { readLagging } from './attribute.ts'
import { onAccount } from './need.ts'
import { openNextToken } from './next-token.ts'
import type { CheckStep, Query } from './operation.ts'
import { DomainSource } from './select-source.ts'

export interface SelectInput {
  readonly expression: string
  readonly nextToken?: string | undefined
  readonly consistentRead: boolean
}

export interface SelectOutput {
  readonly items: SelectPage['items']
  /** For `count(*)`: the number counted on this page. */
  readonly count: number | undefined
  readonly nextToken: string | undefined
}

/** Returns a page of a query's results. */
export const select: Query<SelectInput, SelectOutput> = {
  kind: 'query',
  name: 'Select',
  needs: () => [onAccount('sdb:Select')],
  async check(step, { expression, nextToken, consistentRead }) {
    const query = parseSelect(expression)
    const domain = await domainOf(step, query)
    const { tokens, clock, simpleDb } = step.services
    // A token is valid for the same domain only, not for a later one with the same name.
    const scope = `select\0${domain}\0${tokenScope(query)}`
    const after =
      nextToken === undefined ? undefined : decodePosition(openNextToken(tokens, scope, nextToken))
    const { selectMs, selectPageBytes } = simpleDb.limits
    const startedMs = clock.monotonicMs()
    const page = await readLagging(step, consistentRead, (tx) =>
      executeSelect(new DomainSource(tx, domain), {
        select: query,
        after,
        clock,
        budgetMs: selectMs,
        pageBytes: selectPageBytes,
      }),
    ).catch((cause: unknown) => {
      // The time budget of a page ends long before its snapshot expires, unless a single step used it up.
      const isLate = clock.monotonicMs() - startedMs >= selectMs
      throw isLate && isStoreError(cause, 'ReadTooLong')
        ? queryTimeout(query.domain, expression, cause)
        : cause
    })
    const { items, count, next } = page
    const token = next && tokens.seal(scope, encodePosition(next))
    return { items, count, nextToken: token }
  },
}

/** The refusal of a query without even a partial result within its time. */
function queryTimeout(domain: string, expression: string, cause: unknown): StoreError {
  return new StoreError({ code: 'QueryTimeout', domain, expression }, { cause })
}

/** Returns the plan of a query: an extension, to diagnose slow queries. */
export const explainSelect: Query<{ readonly expression: string }, Explanation> = {
  kind: 'query',
  name: 'ExplainSelect',
  needs: () => [onAccount('sdb:Select')],
  async check(step, { expression }) {
    const query = parseSelect(expression)
    return explain(new DomainSource(step.tx, await domainOf(step, query)), query)
  },
}

/** The number of the queried domain. */
async function domainOf(step: CheckStep, { domain }: Select): Promise<number> {
  const found = await findDomain(step.tx, step.owner.id, domain)
  if (found !== undefined) return found.number
  throw new StoreError({ code: 'NoSuchDomain', domain })
}
