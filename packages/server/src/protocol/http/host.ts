// Which host a request is for, and virtual-host-style addressing: the bucket in front of one of the server's
// own domain names.
import { StoreError } from '../../base/errors.ts'

/**
 * The host that a request is for; undefined where it names none. A target in absolute form has to name that of
 * the Host header, as RFC 9112 (3.2.2) tells clients: a signature covers the header, so no other host may count.
 * @param authority of the target, if it is in absolute form
 * @throws StoreError InvalidUri for two hosts
 */
export function hostOf(
  authority: string | undefined,
  hostHeader: string | undefined,
): string | undefined {
  if (authority !== undefined && authority.toLowerCase() !== hostHeader?.toLowerCase()) {
    throw new StoreError('InvalidUri', 'The URI names another host than the Host header.', {
      fields: { URI: authority },
    })
  }
  return hostHeader
}

/**
 * The bucket that a Host header names in front of one of `domains`, or undefined for path-style
 * (the bare domain, an address, a foreign name). Bucket names are lower case, and host names have no case.
 * @param hostHeader with or without a port, such as `photos.s3.example.com:9000`
 * @param domains lower case, without port, such as `s3.example.com`
 */
export function bucketOfHost(
  hostHeader: string | undefined,
  domains: readonly string[],
): string | undefined {
  if (hostHeader === undefined || domains.length === 0) return undefined
  const host = hostName(hostHeader)
  if (host === undefined) return undefined
  let longest: string | undefined
  for (const domain of domains) {
    if (host === domain) return undefined
    const starts = host.length - domain.length
    const isBelow = starts > 1 && host.endsWith(domain) && host.charCodeAt(starts - 1) === 46
    if (isBelow && (longest === undefined || domain.length > longest.length)) longest = domain
  }
  return longest === undefined ? undefined : host.slice(0, host.length - longest.length - 1)
}

/** Lower-case name without port and without the root's dot; undefined for an IPv6 address. */
function hostName(hostHeader: string): string | undefined {
  if (hostHeader.startsWith('[')) return undefined
  const colon = hostHeader.indexOf(':')
  const name = (colon < 0 ? hostHeader : hostHeader.slice(0, colon)).toLowerCase()
  return name.endsWith('.') ? name.slice(0, -1) : name
}
