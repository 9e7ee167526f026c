// The client behind trusted proxies: its address and scheme, from `X-Forwarded-For` and `-Proto` or from
// `Forwarded` (RFC 7239). Any client can send these headers, so only what a trusted address reports counts.

import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { Network } from '../../base/network.ts'
import { isSecure, sourceIpOf } from './peer.ts'

/** The client's end of a request. */
export interface Client {
  /** The IP address; undefined once the connection has ended. */
  readonly sourceIp: string | undefined
  /** True if the client's own connection used TLS. */
  readonly isSecure: boolean
}

type ForwardingRequest = Pick<IncomingMessage, 'headers' | 'socket'>

/** Finds the clients of requests that come through trusted proxies. */
export class Proxies {
  readonly #trusted: BlockList | undefined

  constructor(networks: readonly Network[]) {
    if (networks.length === 0) return
    this.#trusted = new BlockList()
    for (const { address, prefixLength } of networks) {
      this.#trusted.addSubnet(address, prefixLength, familyOf(address))
    }
  }

  /** The client of a request: the nearest address that isn't a trusted proxy's. */
  clientOf(request: ForwardingRequest): Client {
    const own = { sourceIp: sourceIpOf(request), isSecure: isSecure(request) }
    if (own.sourceIp === undefined || !this.#isTrusted(own.sourceIp)) return own
    const {
      'x-forwarded-for': addresses,
      'x-forwarded-proto': schemes,
      forwarded,
    } = request.headers
    const older = this.#nearest(own, olderHops(textOf(addresses), textOf(schemes)))
    const newer = this.#nearest(own, newerHops(textOf(forwarded)))
    if (older === undefined || newer === undefined) return older ?? newer ?? own
    // A proxy sets one of the headers; if they differ, the client may have invented the other one.
    return older.sourceIp === newer.sourceIp && older.isSecure === newer.isSecure ? older : own
  }

  #isTrusted(address: string): boolean {
    return this.#trusted?.check(address, familyOf(address)) === true
  }

  /** @param hops of the client first, as the headers list them; undefined without the header */
  #nearest(own: Client, hops: readonly Hop[] | undefined): Client | undefined {
    if (hops === undefined) return undefined
    let client = own
    for (const { address, scheme } of hops.toReversed()) {
      // A client whose address is hidden or malformed counts as the proxy that reports it.
      if (address === undefined) return { ...client, ...secureIf(scheme) }
      client = { sourceIp: address, isSecure: client.isSecure, ...secureIf(scheme) }
      if (!this.#isTrusted(address)) return client
    }
    return client
  }
}

/** One hop of a request, as the proxy at its end reports it. */
interface Hop {
  readonly address: string | undefined
  readonly scheme: string | undefined
}

function secureIf(scheme: string | undefined): { readonly isSecure?: boolean } {
  if (scheme === undefined) return {}
  return { isSecure: scheme.toLowerCase() === 'https' }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}

function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' || value === undefined ? value : value.join(',')
}

/** A scheme for each address, or one that the first proxy set and the others kept. */
function olderHops(
  addresses: string | undefined,
  schemes: string | undefined,
): readonly Hop[] | undefined {
  if (addresses === undefined && schemes === undefined) return undefined
  const listed = addresses?.split(',') ?? []
  const named = schemes?.split(',').map((scheme) => scheme.trim()) ?? []
  const isOnePerHop = named.length === listed.length
  // Without an address the scheme still tells of the proxy's client.
  if (listed.length === 0) return [{ address: undefined, scheme: named.at(-1) }]
  return listed.map((text, index) => ({
    address: addressIn(text),
    scheme: isOnePerHop ? named[index] : named.at(-1),
  }))
}

/** `for=192.0.2.60;proto=http, for="[2001:db8::1]:4711"` */
function newerHops(forwarded: string | undefined): readonly Hop[] | undefined {
  return forwarded === undefined ? undefined : splitOutsideQuotes(forwarded, ',').map(hopOf)
}

function hopOf(element: string): Hop {
  const values = new Map<string, string>()
  for (const pair of splitOutsideQuotes(element, ';')) {
    const equals = pair.indexOf('=')
    if (equals < 0) continue
    const value = pair.slice(equals + 1).trim()
    values.set(pair.slice(0, equals).trim().toLowerCase(), unquoted(value))
  }
  return { address: addressIn(values.get('for') ?? ''), scheme: values.get('proto') }
}

function splitOutsideQuotes(text: string, separator: ',' | ';'): string[] {
  const pieces: string[] = []
  let start = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (isQuoted && character === '\\') index++
    else if (character === '"') isQuoted = !isQuoted
    else if (character === separator && !isQuoted) {
      pieces.push(text.slice(start, index))
      start = index + 1
    }
  }
  pieces.push(text.slice(start))
  return pieces
}

function unquoted(value: string): string {
  if (!value.startsWith('"') || !value.endsWith('"') || value.length < 2) return value
  return value.slice(1, -1).replace(/\\(.)/g, '$1')
}

const mapped = /^::ffff:(?=\d+\.)/i

/** The IP address in an entry, which may have a port; undefined for `unknown` and for invented names. */
function addressIn(entry: string): string | undefined {
  const text = entry.trim()
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1]
  const withPort = /^([\d.]+):\d{1,5}$/.exec(text)?.[1]
  const address = (bracketed ?? withPort ?? text).replace(mapped, '')
  return isIP(address) === 0 || address.includes('%') ? undefined : address
}
