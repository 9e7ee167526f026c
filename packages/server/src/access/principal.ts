// The maker of a request: an owner, identified by the access key that signed it.

/** An owner of buckets and objects. Several access keys may share one owner. */
export interface Owner {
  readonly id: string
  readonly displayName: string
}

/** The authenticated maker of a request. */
export interface Principal {
  readonly accessKeyId: string
  readonly owner: Owner
}
