// The actions that a permission of an access control list stands for.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-access-policy-permission-mapping

import type { Permission } from './acl.ts'

/** Permissions on a bucket. Those who may write may abort uploads and look at their parts, too. */
const ofBucket: ReadonlyMap<string, Permission> = new Map([
  ['s3:ListBucket', 'READ'],
  ['s3:ListBucketVersions', 'READ'],
  ['s3:ListBucketMultipartUploads', 'READ'],
  ['s3:PutObject', 'WRITE'],
  ['s3:DeleteObject', 'WRITE'],
  ['s3:AbortMultipartUpload', 'WRITE'],
  ['s3:ListMultipartUploadParts', 'WRITE'],
  ['s3:GetBucketAcl', 'READ_ACP'],
  ['s3:PutBucketAcl', 'WRITE_ACP'],
])

/** Permissions on an object. */
const ofObject: ReadonlyMap<string, Permission> = new Map([
  ['s3:GetObject', 'READ'],
  ['s3:GetObjectVersion', 'READ'],
  ['s3:GetObjectTorrent', 'READ'],
  ['s3:GetObjectAcl', 'READ_ACP'],
  ['s3:GetObjectVersionAcl', 'READ_ACP'],
  ['s3:PutObjectAcl', 'WRITE_ACP'],
  ['s3:PutObjectVersionAcl', 'WRITE_ACP'],
])

/** Further actions for which the owner of an object has the say, and not that of its bucket. */
const ofObjectOwner: ReadonlySet<string> = new Set([
  ...ofObject.keys(),
  's3:GetObjectAttributes',
  's3:GetObjectVersionAttributes',
  's3:RestoreObject',
])

/** Actions on an object that both owners may do. */
const ofBothOwners: ReadonlySet<string> = new Set([
  's3:GetObjectTagging',
  's3:GetObjectVersionTagging',
  's3:PutObjectTagging',
  's3:PutObjectVersionTagging',
  's3:DeleteObjectTagging',
  's3:DeleteObjectVersionTagging',
])

/** Actions on objects that exist: for a missing one, the right to list the bucket decides on what is told. */
const ofExisting: ReadonlySet<string> = new Set([
  ...[...ofObjectOwner, ...ofBothOwners],
  's3:GetObjectLegalHold',
  's3:GetObjectRetention',
])

/** The owners with a say in an action. */
export type Authority = 'bucket' | 'object' | 'both'

export function authorityOf(action: string): Authority {
  if (ofObjectOwner.has(action)) return 'object'
  return ofBothOwners.has(action) ? 'both' : 'bucket'
}

/** The permission that allows an action, in the list of a bucket or an object. */
export function permissionFor(action: string, of: 'bucket' | 'object'): Permission | undefined {
  return (of === 'bucket' ? ofBucket : ofObject).get(action)
}

/** True for an action on an object that has to exist. */
export function needsObject(action: string): boolean {
  return ofExisting.has(action)
}
