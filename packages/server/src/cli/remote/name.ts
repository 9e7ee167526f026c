// Names on the command line, of objects and folders in buckets, and of local files.

import { quote, UsageError } from '../../base/options.ts'

/** A key or prefix in a bucket. It is a folder if it ends in `/`, and the whole bucket if it is empty. */
export interface RemoteName {
  readonly bucket: string
  readonly key: string
}

/** A local file or folder. */
export interface LocalName {
  readonly path: string
}

/** A source or target of `cp`: in a bucket, on this machine, or standard input or output. */
export type AnyName =
  | { readonly kind: 'remote'; readonly name: RemoteName }
  | { readonly kind: 'local'; readonly name: LocalName }
  | { readonly kind: 'stream' }

const scheme = 's3://'
/** Looser than the rules for new buckets, which old ones may violate. Never matches the beginning of a path. */
const bucketName = /^[A-Za-z0-9_][A-Za-z0-9._-]{1,254}$/

/** Reads `s3://bucket/key` or `bucket/key`. @throws UsageError */
export function parseRemote(text: string): RemoteName {
  const rest = text.startsWith(scheme) ? text.slice(scheme.length) : text
  const slash = rest.indexOf('/')
  const bucket = slash === -1 ? rest : rest.slice(0, slash)
  if (bucketName.test(bucket)) return { bucket, key: slash === -1 ? '' : rest.slice(slash + 1) }
  throw new UsageError(`a name is like s3://bucket/key or s3://bucket/folder/, not ${quote(text)}`)
}

/**
 * Parses the two names of a copy. If one begins with `s3://`, a name without it is local. If none does, names that
 * begin like a path (`.`, `/`, `~`) are local, and others are in a bucket. `-` is standard input or output.
 * @throws UsageError
 */
export function parsePair(texts: readonly [string, string]): readonly [AnyName, AnyName] {
  const isMarked = texts.some((text) => text.startsWith(scheme))
  const parse = (text: string): AnyName => {
    if (text === '-') return { kind: 'stream' }
    const isRemote = isMarked ? text.startsWith(scheme) : !/^[./~]/.test(text)
    return isRemote
      ? { kind: 'remote', name: parseRemote(text) }
      : { kind: 'local', name: { path: text } }
  }
  const [source, target] = texts
  return [parse(source), parse(target)]
}

/** True for the name of a folder or a whole bucket. */
export function isFolder({ key }: RemoteName): boolean {
  return key === '' || key.endsWith('/')
}

/** The name as typed: `s3://bucket/key`. */
export function show({ bucket, key }: RemoteName): string {
  return `${scheme}${bucket}/${key}`
}

/** A key's name in its folder: `c` of `a/b/c`, `b/` of `a/b/`. */
export function lastName(key: string): string {
  return key.slice(key.lastIndexOf('/', key.length - 2) + 1)
}
