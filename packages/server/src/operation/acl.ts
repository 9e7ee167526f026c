// Access control lists of buckets and objects: get and put.

import { type Grant, grantsOf } from '../access/acl.ts'
import { utf8 } from '../base/bytes.ts'
import { retainBody } from '../store/body/body.ts'
import { putObject } from '../store/tree/object.ts'
import { putAccess } from './access-setting.ts'
import type { BucketAddress } from './bucket.ts'
import { onBucket } from './need.ts'
import {
  type ObjectAddress,
  objectNeed,
  requireNullVersion,
  requireObject,
  writesObject,
} from './object.ts'
import { noteAccess } from './object-owner.ts'
import type { Change, Query } from './operation.ts'
import { replacedAcl, type WantedAcl } from './wanted-acl.ts'

/** A list as it is shown. */
export interface ShownAcl {
  readonly ownerId: string
  readonly grants: readonly Grant[]
}

/** Returns a bucket's list. With bucket owner enforced, it has the owner's full control only. */
export const getBucketAcl: Query<BucketAddress, ShownAcl> = {
  kind: 'query',
  name: 'GetBucketAcl',
  needs: ({ bucket }) => [onBucket('s3:GetBucketAcl', bucket)],
  async check(step, { bucket }) {
    const { ownerId, ownership, acl } = step.facts(bucket)
    const areListsOff = ownership === 'BucketOwnerEnforced'
    return { ownerId, grants: grantsOf(areListsOff ? undefined : acl, ownerId) }
  },
}

export interface PutBucketAclInput extends BucketAddress {
  readonly acl: WantedAcl
}

/** Replaces a bucket's list. @throws StoreError `AclNotSupported`, `AccessDenied` */
export const putBucketAcl: Change<PutBucketAclInput, void> = {
  kind: 'change',
  name: 'PutBucketAcl',
  needs: ({ bucket }) => [onBucket('s3:PutBucketAcl', bucket)],
  async commit(step, { bucket, acl: wanted }) {
    const { ownerId } = step.facts(bucket)
    const subject = { kind: 'bucket', ownerId, bucketOwnerId: ownerId } as const
    putAccess(step, bucket, { acl: replacedAcl(step, bucket, { subject, wanted }) })
  },
}

interface VersionAddress extends ObjectAddress {
  readonly versionId?: string | undefined
}

/** Returns an object's list. With bucket owner enforced, the object is the bucket owner's. */
export const getObjectAcl: Query<VersionAddress, ShownAcl> = {
  kind: 'query',
  name: 'GetObjectAcl',
  needs: (input) => [objectNeed('s3:GetObjectAcl', input)],
  async check(step, input) {
    requireNullVersion(input)
    const { ownerId, acl } = await requireObject(step.tx, step.bucket(input.bucket).root, input)
    const facts = step.facts(input.bucket)
    if (facts.ownership !== 'BucketOwnerEnforced')
      return { ownerId, grants: grantsOf(acl, ownerId) }
    return { ownerId: facts.ownerId, grants: grantsOf(undefined, facts.ownerId) }
  },
}

export interface PutObjectAclInput extends VersionAddress {
  readonly acl: WantedAcl
}

/** Replaces an object's list; its ETag and time stay. @throws StoreError `AclNotSupported`, `AccessDenied` */
export const putObjectAcl: Change<PutObjectAclInput, void> = {
  kind: 'change',
  name: 'PutObjectAcl',
  needs: (input) => [objectNeed('s3:PutObjectAcl', input)],
  writes: writesObject,
  async commit(step, input) {
    requireNullVersion(input)
    const { root } = step.bucket(input.bucket)
    const record = await requireObject(step.tx, root, input)
    const { ownerId: bucketOwnerId } = step.facts(input.bucket)
    const subject = { kind: 'object', ownerId: record.ownerId, bucketOwnerId } as const
    const acl = replacedAcl(step, input.bucket, { subject, wanted: input.acl })
    noteAccess(step, input.bucket, { ownerId: record.ownerId, acl })
    // The row that is replaced gives its reference back, unless a copy of the folder shares it.
    await retainBody(step.tx, record.body)
    const ctx = { tx: step.tx, ids: step.services.ids }
    await putObject(ctx, root, utf8(input.key), { ...record, acl })
  },
}
