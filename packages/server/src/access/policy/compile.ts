// Checks a bucket policy and compiles it.

import { parsePolicy } from './document.ts'
import { malformed } from './fault.ts'
import type { CompiledPolicy } from './policy.ts'
import { isPublicStatement } from './public.ts'
import { statementOf } from './statement.ts'

/** Compiles the policy of `bucket`. @throws StoreError `MalformedPolicy` */
export function compilePolicy(text: string, bucket: string): CompiledPolicy {
  const { hasVariables, statements: blocks } = parsePolicy(text)
  const statements = blocks.map((block) => statementOf(block, { bucket, hasVariables }))
  const sids = statements.map(({ sid }) => sid).filter((sid) => sid !== undefined && sid !== '')
  if (new Set(sids).size < sids.length) throw malformed({ kind: 'repeated Sid' })
  return {
    statements,
    isPublic: statements.some(isPublicStatement),
    namedOwners: new Set(statements.flatMap(({ principals }) => principals.bareIds)),
  }
}
