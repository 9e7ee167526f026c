// Access control lists: the grants of one bucket or object. They name owners and groups, never keys.

/** A right that a list grants. `WRITE` has a meaning for buckets only. */
export type Permission = 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP' | 'FULL_CONTROL'

/** The predefined groups. `AuthenticatedUsers` are the owners of all access keys. */
export type Group = 'AllUsers' | 'AuthenticatedUsers' | 'LogDelivery'

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
