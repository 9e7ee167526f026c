// Who makes a request: an owner, known by the access key that signed it.

/** Who owns buckets and objects. Several access keys may share one owner. */
export interface Owner {
  readonly id: string
  readonly displayName: string
}

/** The authenticated maker of a request. */
export interface Principal {
  readonly accessKeyId: string
  readonly owner: Owner
}
