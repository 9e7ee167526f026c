// The status of a policy: it is public unless each Allow names fixed principals, or asks for a fixed value
// of a key that the public can't have.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html

import type { Condition } from './condition.ts'
import { parseRange } from './operator.ts'
import type { Statement } from './statement.ts'

/** Keys whose values the caller can't choose. */
const trustedKeys: ReadonlySet<string> = new Set([
  ...['aws:principalaccount', 'aws:principalarn', 'aws:principalorgid', 'aws:principalorgpaths'],
  ...['aws:sourceaccount', 'aws:sourcearn', 'aws:sourceowner', 'aws:sourcevpc', 'aws:sourcevpce'],
  ...['aws:userid', 's3:dataaccesspointaccount', 's3:dataaccesspointarn'],
  's3:x-amz-server-side-encryption-aws-kms-key-id',
])

/** True if a statement grants the public access. */
export function isPublicStatement(statement: Statement): boolean {
  const { effect, principals, conditions } = statement
  if (effect === 'Deny' || !principals.isEveryone) return false
  return !conditions.some(isFixed)
}

/** True if a condition leaves only requests with fixed values of a key. */
function isFixed({ operator, key, values, isStrict }: Condition): boolean {
  if (!isStrict || values.length === 0) return false
  if (operator === 'IpAddress') return key.name === 'aws:sourceip' && values.every(isNarrow)
  if (!/^(?:String(?:Equals|EqualsIgnoreCase|Like)|Arn(?:Equals|Like))$/.test(operator))
    return false
  if (key.name === 's3:dataaccesspointarn') return values.every(hasFixedAccount)
  return trustedKeys.has(key.name) && values.every((value) => !/[*?]|\$\{/.test(value))
}

/** The name of an access point may be a pattern, if its account is not. */
function hasFixedAccount(arn: string): boolean {
  const [, , , , account = ''] = arn.split(':')
  return account !== '' && !/[*?]|\$\{/.test(account)
}

/** False for ranges of which Amazon says that they are public: wider than /8, or /32 of IPv6. */
function isNarrow(value: string): boolean {
  const range = parseRange(value)
  return range !== undefined && range.bits >= (range.family === 'ipv4' ? 8 : 32)
}
