// A second implementation of the decision for tests: slow, and as close to S3's documentation as can be. It
// reads the JSON of a policy anew for each question, and asks each rule by itself.

import type { Acl, Permission } from './acl.ts'
import type { BucketFacts, ObjectFacts } from './decide.ts'
import { anonymousOwner } from './principal.ts'

/** A statement in the subset of the language that the tests draw from. */
export interface PlainStatement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal?: '*' | { readonly AWS: readonly string[] }
  readonly NotPrincipal?: { readonly AWS: readonly string[] }
  readonly Action?: readonly string[]
  readonly NotAction?: readonly string[]
  readonly Resource?: readonly string[]
  readonly NotResource?: readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}

/** One question about a bucket, or about a key whose object is known. */
export interface PlainQuestion {
  /** The id of the caller's owner; undefined for anonymous. */
  readonly caller: string | undefined
  readonly action: string
  readonly bucketName: string
  readonly key: string | undefined
  readonly userAgent: string | undefined
  readonly bucket: Omit<BucketFacts, 'policy'>
  readonly isPolicyPublic: boolean
  readonly statements: readonly PlainStatement[]
  readonly object: ObjectFacts | 'absent'
}

export function isAllowed(question: PlainQuestion): boolean {
  const { caller, action, bucket, statements, object, key } = question
  const isBucketOwner = caller === bucket.ownerId
  if (isBucketOwner && /^s3:(Get|Put|Delete)BucketPolicy$/.test(action)) return true
  if (bucket.block.restrictPublicBuckets && question.isPolicyPublic && !isBucketOwner) return false
  const applying = statements.filter((statement) => applies(statement, question))
  if (applying.some(({ Effect }) => Effect === 'Deny')) return false
  const isAboutObject = key !== undefined
  if (isAboutObject && object === 'absent' && mustExist.test(action)) {
    return isAllowed({ ...question, action: 's3:ListBucket', key: undefined })
  }
  const isAllowedByPolicy = applying.length > 0
  const me = caller ?? anonymousOwner.id
  if (bucket.ownership === 'BucketOwnerEnforced') return isBucketOwner || isAllowedByPolicy
  const isObjects = isAboutObject && object !== 'absent' && ownedByObject.test(action)
  const ownerId = isObjects ? object.ownerId : bucket.ownerId
  const ofAbsent = isAboutObject && object === 'absent' && ownedByObject.test(action)
  const acl = isObjects ? object.acl : ofAbsent ? undefined : bucket.acl
  const counting = bucket.block.ignorePublicAcls && isPublic(acl) ? undefined : acl
  const permission = (isObjects || ofAbsent ? objectPermissions : bucketPermissions)[action]
  const isListed = permission !== undefined && has(counting, caller, ownerId, permission)
  if (me === ownerId) {
    if (permission === undefined || permission.endsWith('_ACP') || isListed) return true
  }
  if (isBucketOwner && /Tagging$/.test(action)) return true
  if (isAllowedByPolicy && ownerId === bucket.ownerId) return true
  return isListed
}

const mustExist = /^s3:GetObject|^s3:PutObject(Acl|Tagging)$|^s3:DeleteObjectTagging$/
const ownedByObject = /^s3:GetObject(Acl|Tagging)?$|^s3:PutObject(Acl|Tagging)$/

const bucketPermissions: Readonly<Record<string, Permission>> = {
  's3:ListBucket': 'READ',
  's3:PutObject': 'WRITE',
  's3:DeleteObject': 'WRITE',
  's3:GetBucketAcl': 'READ_ACP',
  's3:PutBucketAcl': 'WRITE_ACP',
}
const objectPermissions: Readonly<Record<string, Permission>> = {
  's3:GetObject': 'READ',
  's3:GetObjectAcl': 'READ_ACP',
  's3:PutObjectAcl': 'WRITE_ACP',
}

function isPublic(acl: Acl | undefined): boolean {
  const groups = (acl?.grants ?? []).flatMap(({ grantee }) =>
    grantee.kind === 'group' ? [grantee.group] : [],
  )
  return groups.includes('AllUsers') || groups.includes('AuthenticatedUsers')
}

function has(
  acl: Acl | undefined,
  caller: string | undefined,
  ownerId: string,
  wanted: Permission,
): boolean {
  const me = caller ?? anonymousOwner.id
  if (acl === undefined) return me === ownerId
  for (const { grantee, permission } of acl.grants) {
    if (permission !== wanted && permission !== 'FULL_CONTROL') continue
    if (grantee.kind === 'owner' && grantee.id === me) return true
    if (grantee.kind === 'group' && grantee.group === 'AllUsers') return true
    const isKnown = caller !== undefined
    if (grantee.kind === 'group' && grantee.group === 'AuthenticatedUsers' && isKnown) return true
  }
  return false
}

function applies(statement: PlainStatement, question: PlainQuestion): boolean {
  const { Principal, NotPrincipal, Action, NotAction, Resource, NotResource } = statement
  const { caller, action, bucketName, key } = question
  const path = key === undefined ? bucketName : `${bucketName}/${key}`
  const isNamed = (names: readonly string[]): boolean =>
    names.some((name) => name === '*' || name === caller)
  if (Principal !== undefined && Principal !== '*' && !isNamed(Principal.AWS)) return false
  if (NotPrincipal !== undefined && isNamed(NotPrincipal.AWS)) return false
  const isAction = (names: readonly string[]): boolean => names.some((name) => like(name, action))
  if (Action !== undefined && !isAction(Action)) return false
  if (NotAction !== undefined && isAction(NotAction)) return false
  const isResource = (names: readonly string[]): boolean =>
    names.some((name) => like(name, `arn:aws:s3:::${path}`))
  if (Resource !== undefined && !isResource(Resource)) return false
  if (NotResource !== undefined && isResource(NotResource)) return false
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    for (const [name, values] of Object.entries(keys)) {
      if (!holds(operator, values, contextValue(name, question))) return false
    }
  }
  return true
}

function contextValue(
  name: string,
  { userAgent, object, action, key }: PlainQuestion,
): string | undefined {
  if (name === 'aws:UserAgent') return userAgent
  const tag = name.slice('s3:ExistingObjectTag/'.length)
  if (object === 'absent' || key === undefined || action === 's3:PutObject') return undefined
  return object.tags[tag]
}

function holds(operator: string, values: readonly string[], value: string | undefined): boolean {
  if (operator === 'Null') return values.includes(String(value === undefined))
  if (operator.endsWith('IfExists')) {
    return value === undefined || holds(operator.slice(0, -8), values, value)
  }
  if (operator.startsWith('StringNot')) {
    return !holds(operator.replace('Not', ''), values, value)
  }
  if (value === undefined) return false
  return values.some((wanted) =>
    operator === 'StringLike' ? like(wanted, value) : wanted === value,
  )
}

function like(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(text)
}
