// The lists that S3 knows by a name.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl

import { type Acl, aclOf, fullControl, type Grant, type Group, type Permission } from './acl.ts'

export const cannedAcls = [
  'private',
  'public-read',
  'public-read-write',
  'aws-exec-read',
  'authenticated-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'log-delivery-write',
] as const

export type CannedAcl = (typeof cannedAcls)[number]

/** The resource that gets a list. A bucket is its own bucket. */
export interface AclSubject {
  readonly kind: 'bucket' | 'object'
  readonly ownerId: string
  readonly bucketOwnerId: string
}

/** The canonical id of Amazon EC2, which reads images. */
export const imageReader = '6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c'

/** True if S3 takes the list for resources of that kind. */
export function isCannedAclOf(kind: AclSubject['kind'], name: string): name is CannedAcl {
  const isKnown = cannedAcls.some((known) => known === name)
  return isKnown && (kind === 'bucket' || name !== 'log-delivery-write')
}

/** The grants of a canned list; undefined for a private resource. A bucket ignores those for its owner. */
export function cannedAcl(name: CannedAcl, subject: AclSubject): Acl | undefined {
  const { kind, ownerId, bucketOwnerId } = subject
  return aclOf(ownerId, [fullControl(ownerId), ...more()])

  function more(): readonly Grant[] {
    switch (name) {
      case 'private':
        return []
      case 'public-read':
        return [toGroup('AllUsers', 'READ')]
      case 'public-read-write':
        return [toGroup('AllUsers', 'READ'), toGroup('AllUsers', 'WRITE')]
      case 'authenticated-read':
        return [toGroup('AuthenticatedUsers', 'READ')]
      case 'aws-exec-read':
        return [toOwner(imageReader, 'READ')]
      case 'log-delivery-write':
        return [toGroup('LogDelivery', 'WRITE'), toGroup('LogDelivery', 'READ_ACP')]
      case 'bucket-owner-read':
        return kind === 'bucket' || ownerId === bucketOwnerId
          ? []
          : [toOwner(bucketOwnerId, 'READ')]
      case 'bucket-owner-full-control':
        return kind === 'bucket' ? [] : [fullControl(bucketOwnerId)]
    }
  }
}

function toGroup(group: Group, permission: Permission): Grant {
  return { grantee: { kind: 'group', group }, permission }
}

function toOwner(id: string, permission: Permission): Grant {
  return { grantee: { kind: 'owner', id }, permission }
}
