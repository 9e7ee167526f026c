// The keys of conditions and policy variables, with their values for a request. Values are looked up only
// when a statement asks for them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html

import { principalArn } from '../principal-arn.ts'
import { objectActions } from './action.ts'
import type { PolicyRequest } from './request.ts'

/** The value of a key that depends on an object which wasn't looked up, or on each of many objects. */
export const unknownValue: unique symbol = Symbol('unknown')
export type Unknown = typeof unknownValue

/** One value, several, or none. */
export type KeyValue = string | readonly string[] | undefined | Unknown

/** A key. */
export interface ContextKey {
  /** In lower case, but for the name of a tag. */
  readonly name: string
  /** True if requests for the action (by its IAM name) can have it. */
  appliesTo(action: string): boolean
  valueOf(request: PolicyRequest): KeyValue
}

type Read = (request: PolicyRequest) => KeyValue

const absent: Read = () => undefined

function header(name: string): Read {
  return ({ context }) => {
    const value = context.headers?.[name]
    return typeof value === 'object' ? value.join(',') : value
  }
}

function parameter(name: string): Read {
  return ({ context }) => context.query?.get(name)
}

/** Global keys. AWS sets those without a value here for its own services and organizations only. */
const globalKeys: Readonly<Record<string, Read>> = {
  'aws:currenttime': ({ nowMs }) => new Date(nowMs).toISOString(),
  'aws:epochtime': ({ nowMs }) => String(Math.floor(nowMs / 1000)),
  'aws:principalaccount': ({ context }) => context.principal?.owner.id,
  'aws:principalarn': ({ context: { principal } }) =>
    principal === undefined ? undefined : principalArn(principal),
  'aws:principalisawsservice': () => 'false',
  'aws:principaltype': ({ context }) => (context.principal === undefined ? 'Anonymous' : 'User'),
  'aws:referer': header('referer'),
  'aws:requestedregion': ({ bucket }) => bucket?.region,
  'aws:resourceaccount': ({ bucket }) => bucket?.ownerId,
  'aws:securetransport': ({ context }) =>
    context.isSecure === undefined ? undefined : String(context.isSecure),
  'aws:sourceip': ({ context }) => context.sourceIp,
  'aws:useragent': header('user-agent'),
  'aws:userid': ({ context }) => context.principal?.owner.id ?? 'anonymous',
  'aws:username': ({ context }) => context.principal?.owner.displayName,
  'aws:viaawsservice': () => 'false',
}

const absentGlobalKeys: ReadonlySet<string> = new Set(
  [
    'CalledVia CalledViaFirst CalledViaLast ChatbotSourceArn Ec2InstanceSourceVpc',
    'Ec2InstanceSourcePrivateIPv4 FederatedProvider MultiFactorAuthAge MultiFactorAuthPresent',
    'PrincipalOrgID PrincipalOrgPaths PrincipalServiceName PrincipalServiceNamesList ResourceOrgID',
    'ResourceOrgPaths RoleSessionName SourceAccount SourceArn SourceIdentity SourceOrgID SourceOrgPaths',
    'SourceOwner SourceVpc SourceVpcArn SourceVpce TagKeys TokenIssueTime VpceAccount VpceOrgID',
    'VpceOrgPaths VpcSourceIp AssumedRoot SourceInstanceARN',
  ].flatMap((names) => names.split(' ').map((name) => `aws:${name.toLowerCase()}`)),
)

/** Keys of identity providers, which never sign in here. */
const providerKey =
  /^(?:saml|sts|cognito-identity\.amazonaws\.com|www\.amazon\.com|accounts\.google\.com|graph\.facebook\.com):/

/** A key before it has a name. Requests for other actions have no value of it. */
interface S3Key {
  readonly read: Read
  readonly actions: 'all' | 'objects' | ReadonlySet<string>
}

const listing = new Set(['s3:ListBucket', 's3:ListBucketVersions', 's3:ListBucketMultipartUploads'])
const writing = new Set(['s3:PutObject', 's3:ReplicateObject', 's3:BypassGovernanceRetention'])
const listSetting = new Set([
  ...['s3:CreateBucket', 's3:PutBucketAcl', 's3:PutObject', 's3:PutObjectAcl'],
  ...['s3:PutObjectVersionAcl', 's3:ReplicateObject', 's3:BypassGovernanceRetention'],
])
const locking = new Set([...writing, 's3:PutObjectRetention', 's3:PutObjectLegalHold'])
const conditional = new Set(['s3:PutObject', 's3:DeleteObject', 's3:DeleteObjectVersion'])
const tagging = new Set([
  ...[...writing, 's3:PutObjectTagging', 's3:PutObjectVersionTagging', 's3:ReplicateTags'],
])
const uploading = new Set([...writing, 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'])
const existing = new Set([...objectActions].filter((action) => !uploading.has(action)))

const s3Keys: Readonly<Record<string, S3Key>> = {
  's3:accessgrantsinstancearn': { read: absent, actions: 'all' },
  's3:accesspointnetworkorigin': { read: absent, actions: 'all' },
  's3:authtype': { read: ({ context }) => context.signature?.authType, actions: 'all' },
  's3:dataaccesspointaccount': { read: absent, actions: 'all' },
  's3:dataaccesspointarn': { read: absent, actions: 'all' },
  's3:delimiter': { read: parameter('delimiter'), actions: listing },
  's3:if-match': { read: header('if-match'), actions: conditional },
  's3:if-none-match': { read: header('if-none-match'), actions: conditional },
  's3:inventoryaccessibleoptionalfields': {
    read: absent,
    actions: new Set(['s3:PutInventoryConfiguration']),
  },
  's3:locationconstraint': { read: absent, actions: new Set(['s3:CreateBucket']) },
  's3:max-keys': { read: parameter('max-keys'), actions: listing },
  's3:object-lock-legal-hold': {
    read: header('x-amz-object-lock-legal-hold'),
    actions: locking,
  },
  's3:object-lock-mode': { read: header('x-amz-object-lock-mode'), actions: locking },
  's3:object-lock-remaining-retention-days': { read: remainingDays, actions: locking },
  's3:object-lock-retain-until-date': {
    read: header('x-amz-object-lock-retain-until-date'),
    actions: locking,
  },
  's3:objectcreationoperation': { read: createsObject, actions: writing },
  's3:prefix': { read: parameter('prefix'), actions: listing },
  's3:requestobjecttagkeys': {
    read: ({ context, resource }) =>
      resource.kind === 'below' ? unknownValue : Object.keys(context.requestTags?.() ?? {}),
    actions: tagging,
  },
  's3:resourceaccount': { read: ({ bucket }) => bucket?.ownerId, actions: 'all' },
  's3:signatureage': { read: signatureAge, actions: 'all' },
  's3:signatureversion': { read: ({ context }) => context.signature?.version, actions: 'all' },
  's3:tlsversion': { read: absent, actions: 'all' },
  's3:versionid': { read: parameter('versionId'), actions: 'objects' },
  's3:x-amz-acl': { read: header('x-amz-acl'), actions: listSetting },
  's3:x-amz-content-sha256': { read: header('x-amz-content-sha256'), actions: 'all' },
  's3:x-amz-copy-source': { read: copySource, actions: writing },
  's3:x-amz-object-ownership': {
    read: header('x-amz-object-ownership'),
    actions: new Set(['s3:CreateBucket', 's3:PutBucketOwnershipControls']),
  },
  ...ofHeaders(listSetting, [
    ...['x-amz-grant-full-control', 'x-amz-grant-read', 'x-amz-grant-read-acp'],
    ...['x-amz-grant-write', 'x-amz-grant-write-acp'],
  ]),
  ...ofHeaders(writing, [
    ...['x-amz-metadata-directive', 'x-amz-storage-class', 'x-amz-website-redirect-location'],
    ...['x-amz-server-side-encryption', 'x-amz-server-side-encryption-aws-kms-key-id'],
    ...['x-amz-server-side-encryption-customer-algorithm'],
  ]),
}

function ofHeaders(
  actions: ReadonlySet<string>,
  names: readonly string[],
): Readonly<Record<string, S3Key>> {
  return Object.fromEntries(names.map((name) => [`s3:${name}`, { read: header(name), actions }]))
}

/** Keys with the name of a tag behind a slash. */
const tagKeys: Readonly<Record<string, (tag: string) => S3Key>> = {
  's3:existingobjecttag': (tag) => ({
    read: ({ object, resource }) => {
      if (object === undefined) return resource.kind === 'bucket' ? undefined : unknownValue
      return object === 'absent' ? undefined : ownValue(object.tags, tag)
    },
    actions: existing,
  }),
  's3:requestobjecttag': (tag) => ({
    read: ({ context, resource }) =>
      resource.kind === 'below' ? unknownValue : ownValue(context.requestTags?.() ?? {}, tag),
    actions: tagging,
  }),
  's3:buckettag': () => ({ read: absent, actions: 'all' }),
  'aws:principaltag': () => ({ read: absent, actions: 'all' }),
  'aws:requesttag': () => ({ read: absent, actions: 'all' }),
  'aws:resourcetag': () => ({ read: absent, actions: 'all' }),
}

/** The key of that name, in any case; undefined for one that S3 doesn't know. */
export function contextKey(name: string): ContextKey | undefined {
  const lower = name.toLowerCase()
  const slash = name.indexOf('/')
  if (slash !== -1) {
    const family = lower.slice(0, slash)
    const tag = name.slice(slash + 1)
    const make = ownValue(tagKeys, family)
    return make === undefined || tag === '' ? undefined : keyOf(`${family}/${tag}`, make(tag))
  }
  const global = ownValue(globalKeys, lower)
  if (global !== undefined) return keyOf(lower, { read: global, actions: 'all' })
  if (absentGlobalKeys.has(lower) || providerKey.test(lower)) {
    return keyOf(lower, { read: absent, actions: 'all' })
  }
  const s3Key = ownValue(s3Keys, lower)
  return s3Key === undefined ? undefined : keyOf(lower, s3Key)
}

function keyOf(name: string, { read, actions }: S3Key): ContextKey {
  if (actions === 'all') return { name, valueOf: read, appliesTo: () => true }
  const known = actions === 'objects' ? objectActions : actions
  return {
    name,
    appliesTo: (action) => known.has(action),
    valueOf: (request) => (known.has(request.action) ? read(request) : undefined),
  }
}

function ownValue<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/** Milliseconds since the request was signed. */
function signatureAge({ context: { signature }, nowMs }: PolicyRequest): string | undefined {
  const signedAt = signature?.signedAt
  return signedAt === undefined ? undefined : String(Math.max(0, nowMs - signedAt))
}

/** The source of a copy as `bucket/key`, without its version. Each object of a folder has its own. */
function copySource(request: PolicyRequest): KeyValue {
  const value = header('x-amz-copy-source')(request)
  if (typeof value !== 'string') return undefined
  if (request.resource.kind === 'below') return unknownValue
  const [path = ''] = value.replace(/^\//, '').split('?versionId=')
  try {
    return decodeURIComponent(path)
  } catch {
    // An invalid escape is refused later; until then it stands for itself.
    return path
  }
}

/** False for the requests of a multipart upload that make no object. */
function createsObject({ context }: PolicyRequest): string | undefined {
  const { query } = context
  if (query === undefined) return undefined
  return String(query.get('uploads') === undefined && query.get('partNumber') === undefined)
}

function remainingDays(request: PolicyRequest): string | undefined {
  const until = header('x-amz-object-lock-retain-until-date')(request)
  const untilMs = typeof until === 'string' ? Date.parse(until) : Number.NaN
  if (Number.isNaN(untilMs)) return undefined
  return String(Math.floor((untilMs - request.nowMs) / 86_400_000))
}
