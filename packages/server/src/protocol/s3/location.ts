// URLs of objects in responses.

import type { S3Request } from './request.ts'

/** Percent-encodes a key for a URL, except slashes. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeSegment).join('/')
}

/** Encodes all but RFC 3986's unreserved characters. Keys are well-formed Unicode. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** The URL of a key in the request's bucket, in the style that the client used. */
export function objectUrl(
  { origin, bucket, isVirtualHost }: Pick<S3Request, 'origin' | 'bucket' | 'isVirtualHost'>,
  key: string,
): string {
  return isVirtualHost ? `${origin}/${encodeKey(key)}` : `${origin}/${bucket}/${encodeKey(key)}`
}
