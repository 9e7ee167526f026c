// The resources of access decisions. Folder operations ask for every key below a prefix at once.

/** The object of one right: an account, a bucket, one key, or every key that begins with a prefix. */
export type Resource =
  | { readonly kind: 'account' }
  | { readonly kind: 'bucket'; readonly bucket: string }
  | { readonly kind: 'key'; readonly bucket: string; readonly key: string }
  | { readonly kind: 'below'; readonly bucket: string; readonly prefix: string }

/** The caller's own account. */
export const account: Resource = { kind: 'account' }

/** A path of a bucket: everything below it if it is empty or ends in '/', else the one key. */
export function pathResource(bucket: string, path: string): Resource {
  const isFolder = path === '' || path.endsWith('/')
  return isFolder ? { kind: 'below', bucket, prefix: path } : { kind: 'key', bucket, key: path }
}
