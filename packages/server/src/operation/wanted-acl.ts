// The access control list that a request asks for, and the list that its bucket or object gets.

import { type Acl, aclOf, type Grant, isPublicAcl } from '../access/acl.ts'
import { type AclSubject, type CannedAcl, cannedAcl } from '../access/canned-acl.ts'
import type { ObjectOwnership } from '../access/ownership.ts'
import type { PublicAccessBlock } from '../access/public-access-block.ts'
import { StoreError } from '../base/errors.ts'
import { type Need, onKey } from './need.ts'
import type { ObjectAddress } from './object.ts'
import type { Step } from './operation.ts'

/** A list by its name, or by its grants. */
export type WantedAcl =
  | { readonly kind: 'canned'; readonly name: CannedAcl }
  | {
      readonly kind: 'grants'
      readonly grants: readonly Grant[]
      /** The owner that the request says the resource has. */
      readonly ownerId?: string | undefined
    }

/** The list that a resource gets; undefined for a private one. */
export function aclFor(wanted: WantedAcl, subject: AclSubject): Acl | undefined {
  if (wanted.kind === 'canned') return cannedAcl(wanted.name, subject)
  return aclOf(subject.ownerId, wanted.grants)
}

/**
 * The list that an existing resource gets.
 * @throws StoreError `AclNotSupported`; `AccessDenied` for another owner, or a public list while those are blocked
 */
export function replacedAcl(
  step: Step,
  bucket: string,
  { subject, wanted }: { readonly subject: AclSubject; readonly wanted: WantedAcl },
): Acl | undefined {
  const { ownership, block } = step.facts(bucket)
  if (ownership === 'BucketOwnerEnforced') {
    // The list that such a bucket shows may be put back, as clients do after a copy.
    const shown = { ...subject, ownerId: subject.bucketOwnerId }
    const isOther = wanted.kind === 'canned' && wanted.name === 'bucket-owner-read'
    if (!isOther && aclFor(wanted, shown) === undefined) return undefined
    throw new StoreError({ code: 'AclNotSupported' })
  }
  const isForeign =
    wanted.kind === 'grants' && (wanted.ownerId ?? subject.ownerId) !== subject.ownerId
  if (isForeign) throw new StoreError({ code: 'AccessDenied' })
  return unlessBlocked(aclFor(wanted, subject), block)
}

/** @throws StoreError `AccessDenied` for a public list while those are blocked */
export function unlessBlocked(acl: Acl | undefined, block: PublicAccessBlock): Acl | undefined {
  if (!block.blockPublicAcls || !isPublicAcl(acl)) return acl
  throw new StoreError({ code: 'AccessDenied', setting: 'BlockPublicAcls' })
}

/**
 * The list of a new bucket.
 * @throws StoreError `BucketAclWithOwnerEnforced`, `PublicAclWithBlock`
 */
export function aclOfNewBucket(
  wanted: WantedAcl | undefined,
  ownerId: string,
  access: { readonly ownership: ObjectOwnership; readonly block: PublicAccessBlock },
): Acl | undefined {
  if (wanted === undefined) return undefined
  const acl = aclFor(wanted, { kind: 'bucket', ownerId, bucketOwnerId: ownerId })
  if (acl === undefined) return undefined
  if (access.ownership === 'BucketOwnerEnforced') {
    throw new StoreError({ code: 'BucketAclWithOwnerEnforced' })
  }
  if (access.block.blockPublicAcls && isPublicAcl(acl)) {
    throw new StoreError({ code: 'PublicAclWithBlock' })
  }
  return acl
}

/** The right to give a new object a list. */
export function aclNeeds(address: ObjectAddress, wanted: WantedAcl | undefined): Need[] {
  return wanted === undefined ? [] : [{ ...onKey('s3:PutObjectAcl', address), isOfNewObject: true }]
}
