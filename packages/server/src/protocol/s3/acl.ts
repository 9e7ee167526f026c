// Access control lists on the wire. Every bucket and object has one owner with full control. A list that
// grants just this is accepted, since it changes nothing; any other list is refused.

import type { Owner } from '../../access/principal.ts'
import { StoreError } from '../../base/errors.ts'
import { type BucketAddress, getBucketAcl } from '../../operation/bucket.ts'
import { onBucket, onKey } from '../../operation/need.ts'
import type { ObjectAddress } from '../../operation/object.ts'
import { getObjectAcl } from '../../operation/object-setting.ts'
import { childOf, childrenOf, childText, type XmlElement } from '../xml/parse.ts'
import {
  type Answer,
  documentAnswer,
  emptyAnswer,
  type Route,
  route,
  unchanging,
} from './answer.ts'
import { invalidRequest, parameterNotImplemented, S3Error } from './error.ts'
import { writeAccessControl } from './owner.ts'
import { documentOf } from './payload.ts'
import type { S3Request } from './request.ts'
import { bucketOf, objectOf } from './setting.ts'

function aclAnswer({ owner }: { readonly owner: Owner }): Answer {
  return documentAnswer('AccessControlPolicy', (xml) => writeAccessControl(xml, owner))
}

export const getBucketAclRoute: Route = route(getBucketAcl, bucketOf, aclAnswer)
export const getObjectAclRoute: Route = route(getObjectAcl, objectOf, aclAnswer)

interface WantedAcl {
  /** True where the list gives the owner all rights and nobody else any. */
  readonly isPrivate: boolean
}

const putBucketAcl = {
  ...getBucketAcl,
  name: 'PutBucketAcl',
  needs: ({ bucket }: BucketAddress) => [onBucket('s3:PutBucketAcl', bucket)],
}
const putObjectAcl = {
  ...getObjectAcl,
  name: 'PutObjectAcl',
  needs: ({ bucket, key }: ObjectAddress) => [onKey('s3:PutObjectAcl', { bucket, key })],
}

export const putBucketAclRoute: Route = unchanging(
  route(
    putBucketAcl,
    async (request): Promise<BucketAddress & WantedAcl> => {
      return { ...bucketOf(request), ...(await wantedAclOf(request)) }
    },
    (_output, _request, wanted) => putAnswer(wanted),
  ),
)

export const putObjectAclRoute: Route = unchanging(
  route(
    putObjectAcl,
    async (request): Promise<ReturnType<typeof objectOf> & WantedAcl> => {
      return { ...objectOf(request), ...(await wantedAclOf(request)) }
    },
    (_output, _request, wanted) => putAnswer(wanted),
  ),
)

/** Refused only here, so that a bucket or object that isn't there is told of first. */
function putAnswer({ isPrivate }: WantedAcl): Answer {
  if (!isPrivate) throw parameterNotImplemented('acl')
  return emptyAnswer(200)
}

const cannedHeader = 'x-amz-acl'
/** The start of the headers that each grant one right. */
export const grantPrefix = 'x-amz-grant-'

/**
 * The list that a request brings in headers or in its body. Headers that would change something are refused
 * before, with those of other requests.
 */
async function wantedAclOf(request: S3Request): Promise<WantedAcl> {
  const isCanned = request.headers[cannedHeader] !== undefined
  const hasGrants = Object.keys(request.headers).some((name) => name.startsWith(grantPrefix))
  if (isCanned && hasGrants) {
    throw invalidRequest('Specifying both Canned ACLs and Header Grants is not allowed')
  }
  const document = await documentOf(request, { isRequired: false })
  if (isCanned || hasGrants) {
    if (document === undefined) return { isPrivate: true }
    throw new S3Error({
      status: 400,
      code: 'UnexpectedContent',
      message: 'This request does not support content',
    })
  }
  if (document !== undefined) {
    return { isPrivate: isPrivatePolicy(document, request.principal?.owner.id) }
  }
  throw new S3Error({
    status: 400,
    code: 'MissingSecurityHeader',
    message: 'Your request was missing a required header',
    fields: { MissingHeaderName: cannedHeader },
  })
}

/** @throws S3Error `MalformedACLError`; StoreError `AccessDenied` for a list that names another owner */
function isPrivatePolicy(document: XmlElement, ownerId: string | undefined): boolean {
  const [list, ...more] = childrenOf(document, 'AccessControlList')
  if (document.name !== 'AccessControlPolicy' || list === undefined || more.length > 0) {
    throw malformedAcl()
  }
  const owner = childOf(document, 'Owner')
  if (owner !== undefined && idIn(owner) !== ownerId) {
    throw new StoreError({ code: 'AccessDenied' })
  }
  const grants = childrenOf(list, 'Grant').map((grant) => {
    const grantee = childOf(grant, 'Grantee')
    const permission = childText(grant, 'Permission')?.trim()
    if (grantee === undefined || permission === undefined) throw malformedAcl()
    if (!permissions.has(permission)) throw malformedAcl()
    return permission === 'FULL_CONTROL' && idIn(grantee) === ownerId
  })
  return grants.length > 0 && grants.every((isOwners) => isOwners)
}

const permissions: ReadonlySet<string> = new Set([
  'FULL_CONTROL',
  'READ',
  'READ_ACP',
  'WRITE',
  'WRITE_ACP',
])

function idIn(element: XmlElement): string | undefined {
  return childText(element, 'ID')?.trim()
}

function malformedAcl(): S3Error {
  return new S3Error({
    status: 400,
    code: 'MalformedACLError',
    message:
      'The XML you provided was not well-formed or did not validate against our published schema',
  })
}

/** True for a header that grants full control to the owner alone: `id="…"`, perhaps repeated. */
export function isOwnersGrant(name: string, value: string, ownerId: string | undefined): boolean {
  if (name !== `${grantPrefix}full-control` || ownerId === undefined) return false
  const grantees = value.split(',').map((grantee) => grantee.trim())
  return grantees.every((grantee) => grantee === `id="${ownerId}"` || grantee === `id=${ownerId}`)
}
