// Access control lists: the grants of one bucket or object. They name owners and groups, never keys.

const permissions = ['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL'] as const

/** A right that a list grants. `WRITE` has a meaning for buckets only. */
export type Permission = (typeof permissions)[number]

export function isPermission(text: string): text is Permission {
  return permissions.some((permission) => permission === text)
}

const groups = ['AllUsers', 'AuthenticatedUsers', 'LogDelivery'] as const

/** The predefined groups. `AuthenticatedUsers` are the owners of all access keys. */
export type Group = (typeof groups)[number]

export function isGroup(text: string): text is Group {
  return groups.some((group) => group === text)
}

export type Grantee =
  | { readonly kind: 'owner'; readonly id: string }
  | { readonly kind: 'group'; readonly group: Group }

export interface Grant {
  readonly grantee: Grantee
  readonly permission: Permission
}

/**
 * The list of a bucket or object. Its owner is that of the resource. A list that grants the owner
 * `FULL_CONTROL`, and nobody else anything, is stored as absent.
 */
export interface Acl {
  readonly grants: readonly Grant[]
}

/** The maker of a request as lists see it. */
export interface Requester {
  readonly id: string
  /** False for an anonymous request, whose id is that of the anonymous owner. */
  readonly isAuthenticated: boolean
}

/** True if a list grants the public anything. */
export function isPublicAcl(acl: Acl | undefined): boolean {
  return acl?.grants.some(({ grantee }) => isPublicGrantee(grantee)) ?? false
}

function isPublicGrantee(grantee: Grantee): boolean {
  return grantee.kind === 'group' && grantee.group !== 'LogDelivery'
}

/** True if the list of a resource of `ownerId` grants the requester `permission`. */
export function grants(
  { acl, ownerId }: { readonly acl: Acl | undefined; readonly ownerId: string },
  requester: Requester,
  permission: Permission,
): boolean {
  if (acl === undefined) return requester.id === ownerId
  return acl.grants.some(
    (grant) =>
      (grant.permission === permission || grant.permission === 'FULL_CONTROL') &&
      includes(grant.grantee, requester),
  )
}

function includes(grantee: Grantee, { id, isAuthenticated }: Requester): boolean {
  if (grantee.kind === 'owner') return grantee.id === id
  switch (grantee.group) {
    case 'AllUsers':
      return true
    case 'AuthenticatedUsers':
      return isAuthenticated
    case 'LogDelivery':
      return false
  }
}

/** A list without grants that repeat another; undefined for one that a private resource has anyway. */
export function aclOf(ownerId: string, grants: readonly Grant[]): Acl | undefined {
  const distinct = new Map(grants.map((grant) => [grantKey(grant), grant]))
  const ownersAll = grantKey(fullControl(ownerId))
  if (distinct.size === 1 && distinct.has(ownersAll)) return undefined
  return { grants: [...distinct.values()] }
}

/** All grants of a resource, as they are shown. */
export function grantsOf(acl: Acl | undefined, ownerId: string): readonly Grant[] {
  return acl?.grants ?? [fullControl(ownerId)]
}

/** The grant that every owner has at first. */
export function fullControl(id: string): Grant {
  return { grantee: { kind: 'owner', id }, permission: 'FULL_CONTROL' }
}

function grantKey({ grantee, permission }: Grant): string {
  return `${permission} ${grantee.kind} ${grantee.kind === 'owner' ? grantee.id : grantee.group}`
}
