// The bucket and key of a request, from its path or its host name. Keys are taken exactly as sent: `a//b`, `.`
// and `..` are ordinary keys. As on S3, only a bare '+' is a space.

import { StoreError } from '../../base/errors.ts'
import { s3Limits } from '../../base/limits.ts'
import { bucketOfHost } from '../http/host.ts'
import { decodeText } from '../http/request.ts'

/** The resource of a request: the account (both empty), a bucket (no key), or an object. */
export interface Address {
  readonly bucket: string
  readonly key: string
  /** True if the bucket is in the host name. */
  readonly isVirtualHost: boolean
}

/** All names that S3 ever allowed for buckets. */
const plausibleBucket = /^[A-Za-z0-9._-]{3,255}$/

/**
 * The address of a request.
 * @param path as sent, not decoded
 * @param host the host that the signature covers, with or without a port
 * @param domains in lower case, without port; a bucket may be their subdomain
 * @throws StoreError `InvalidUri`, `InvalidBucketName`, `KeyTooLong`
 */
export function addressOf(
  path: string,
  host: string | undefined,
  domains: readonly string[],
): Address {
  const hosted = bucketOfHost(host, domains)
  if (hosted !== undefined) {
    return checked({ bucket: hosted, key: decodePath(path.slice(1)), isVirtualHost: true })
  }
  const slash = path.indexOf('/', 1)
  const bucket = decodePath(slash < 0 ? path.slice(1) : path.slice(1, slash))
  const key = slash < 0 ? '' : decodePath(path.slice(slash + 1))
  return checked({ bucket, key, isVirtualHost: false })
}

/**
 * Decodes a part of a path, in a URL or in a header that names an object. A bare '+' is a space.
 * @throws StoreError `InvalidUri`
 */
export function decodePath(raw: string): string {
  return decodeText(raw.includes('+') ? raw.replaceAll('+', ' ') : raw)
}

function checked(address: Address): Address {
  const { bucket, key } = address
  if ((bucket !== '' || key !== '') && !plausibleBucket.test(bucket)) {
    throw new StoreError({ code: 'InvalidBucketName', bucket })
  }
  if (key.length > s3Limits.keyBytes / 3) checkKeyLength(key)
  return address
}

/** @throws StoreError `KeyTooLong` for text longer than any key */
export function checkKeyLength(key: string): void {
  const size = Buffer.byteLength(key)
  if (size <= s3Limits.keyBytes) return
  throw new StoreError({ code: 'KeyTooLong', sizeBytes: size, maximumBytes: s3Limits.keyBytes })
}
