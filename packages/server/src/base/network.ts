// Networks of IP addresses in CIDR notation.

import { isIP } from 'node:net'

/** A network in CIDR notation, or one address. */
export interface Network {
  readonly address: string
  readonly prefixLength: number
}

/** Parses `10.0.0.0/8`, `fd00::/8` or a single address; undefined for any other text. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', length, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0 || address.includes('%')) return undefined
  const bits = family === 4 ? 32 : 128
  if (length === undefined) return { address, prefixLength: bits }
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) return undefined
  return { address, prefixLength: Number(length) }
}
