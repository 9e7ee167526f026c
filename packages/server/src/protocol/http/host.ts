// The host of a request, and virtual-host-style addressing: a bucket as subdomain of one of the server's domain
// names.
import { StoreError } from '../../base/errors.ts'

/**
 * The host of a request; undefined if there is none. A target in absolute form must name the host of the Host
 * header (RFC 9112, 3.2.2): signatures cover only the header.
 * @param authority the host and port of a target in absolute form
 * @throws StoreError InvalidUri for two hosts
 */
export function hostOf(
  authority: string | undefined,
  hostHeader: string | undefined,
): string | undefined {
  if (authority !== undefined && authority.toLowerCase() !== hostHeader?.toLowerCase()) {
    throw new StoreError({ code: 'InvalidUri', uri: authority, problem: 'host' })
  }
  return hostHeader
}

/** The loopback domain. All its subdomains resolve to loopback too (RFC 6761, 6.3). */
const loopbackDomain = 'localhost'

/** Possible bucket names. `s3.localhost` is a name of the server, since `s3` is too short for a bucket. */
const plausibleBucket = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

/**
 * The bucket in a Host header, as subdomain of one of `domains` or of `localhost`. Undefined for path-style
 * requests: the domain itself, an address, or a foreign name. Host names are case-insensitive.
 * @param hostHeader with or without a port, such as `photos.s3.example.com:9000`
 * @param domains lower case, without port, such as `s3.example.com`
 */
export function bucketOfHost(
  hostHeader: string | undefined,
  domains: readonly string[],
): string | undefined {
  const below = bucketBelow(hostHeader, domains)
  if (below !== undefined) return below === '' ? undefined : below
  const host = hostHeader === undefined ? undefined : hostName(hostHeader)
  const bucket = host === undefined ? undefined : labelsBelow(host, loopbackDomain)
  return bucket !== undefined && plausibleBucket.test(bucket) ? bucket : undefined
}

/**
 * The bucket that a Host header names in front of one of `domains`: '' for a domain itself, undefined for any other
 * host.
 */
export function bucketBelow(
  hostHeader: string | undefined,
  domains: readonly string[],
): string | undefined {
  const host = hostHeader === undefined ? undefined : hostName(hostHeader)
  if (host === undefined) return undefined
  let longest: string | undefined
  for (const domain of domains) {
    if (host === domain) return ''
    const isLonger = longest === undefined || domain.length > longest.length
    if (isLonger && labelsBelow(host, domain) !== undefined) longest = domain
  }
  return longest === undefined ? undefined : labelsBelow(host, longest)
}

/** The labels before `domain` and its dot; undefined for `domain` itself and for foreign names. */
function labelsBelow(host: string, domain: string): string | undefined {
  const dot = host.length - domain.length - 1
  const isBelow = dot > 0 && host.charCodeAt(dot) === 46 && host.endsWith(domain)
  return isBelow ? host.slice(0, dot) : undefined
}

/** The name in lower case, without port and trailing dot; undefined for an IPv6 address. */
function hostName(hostHeader: string): string | undefined {
  if (hostHeader.startsWith('[')) return undefined
  const colon = hostHeader.indexOf(':')
  const name = (colon < 0 ? hostHeader : hostHeader.slice(0, colon)).toLowerCase()
  return name.endsWith('.') ? name.slice(0, -1) : name
}
