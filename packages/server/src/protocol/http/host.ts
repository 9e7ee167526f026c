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
    throw new StoreError({ code: 'InvalidUri', uri: authority, problem: 'host' })
  }
  return hostHeader
}

/** A domain that every machine has for itself: no name below it leads elsewhere (RFC 6761, 6.3). */
const loopbackDomain = 'localhost'

/** Names of buckets. `s3.localhost` is a name of the server, since no bucket can be called `s3`. */
const plausibleBucket = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

/**
 * The bucket that a Host header names in front of one of `domains` or of `localhost`, or undefined for
 * path-style (the bare domain, an address, a foreign name). Bucket names are lower case, and host names have
 * no case.
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

/** The labels in front of `domain` and its dot; undefined for `domain` itself and for foreign names. */
function labelsBelow(host: string, domain: string): string | undefined {
  const dot = host.length - domain.length - 1
  const isBelow = dot > 0 && host.charCodeAt(dot) === 46 && host.endsWith(domain)
  return isBelow ? host.slice(0, dot) : undefined
}

/** Lower-case name without port and without the root's dot; undefined for an IPv6 address. */
function hostName(hostHeader: string): string | undefined {
  if (hostHeader.startsWith('[')) return undefined
  const colon = hostHeader.indexOf(':')
  const name = (colon < 0 ? hostHeader : hostHeader.slice(0, colon)).toLowerCase()
  return name.endsWith('.') ? name.slice(0, -1) : name
}
