// Access control lists of buckets and objects, as they are stored.

/** A right that a list grants. */
export type Permission = 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP' | 'FULL_CONTROL'

/** The receiver of a right: an owner, by canonical id, or one of S3's predefined groups. */
export type Grantee =
  | { readonly kind: 'owner'; readonly id: string }
  | { readonly kind: 'group'; readonly group: 'AllUsers' | 'AuthenticatedUsers' | 'LogDelivery' }

/** One right of one grantee. */
export interface Grant {
  readonly grantee: Grantee
  readonly permission: Permission
}

/** A list of grants; the owner is the resource's. A private list is stored as absent. */
export interface Acl {
  readonly grants: readonly Grant[]
}
