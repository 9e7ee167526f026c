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

/** Owns what an anonymous request writes, where one is allowed to: the id that S3 uses for it. */
export const anonymousOwner: Owner = { id: '65a011a29cdf8ec533ec3d1ccaae921c', displayName: '' }
