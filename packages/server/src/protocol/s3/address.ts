// Which bucket and key a request names, in its path or in front of one of the server's own domains.
// Keys are taken exactly as sent: `a//b`, `.` and `..` are ordinary keys. Only a bare '+' is a space, as on S3.

import { StoreError } from '../../base/errors.ts'
import { s3Limits } from '../../base/limits.ts'
import { bucketOfHost } from '../http/host.ts'
import { decodeText } from '../http/request.ts'

/** The resource of a request: the account (both empty), a bucket (no key), or an object. */
export interface Address {
  readonly bucket: string
  readonly key: string
  /** True where the bucket stood in the host name. */
  readonly isVirtualHost: boolean
}

/** Any name that a bucket was ever allowed to have; whether there is one is for the store to say. */
const plausibleBucket = /^[A-Za-z0-9._-]{3,255}$/

/**
 * The address of a request.
 * @param path as it was sent, not decoded
 * @param host with or without a port; the one that the signature covers
 * @param domains lower case, without port: names in front of which a bucket may stand
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
 * The text of a part of a path, in a URL or in a header that names an object: a bare '+' is a space.
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

/** @throws StoreError `KeyTooLong` for text that no key could equal. */
export function checkKeyLength(key: string): void {
  const size = Buffer.byteLength(key)
  if (size <= s3Limits.keyBytes) return
  throw new StoreError({ code: 'KeyTooLong', sizeBytes: size, maximumBytes: s3Limits.keyBytes })
}
