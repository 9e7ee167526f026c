// The other end of a request's connection.

import type { Socket } from 'node:net'

/** The prefix of an IPv4 address on an IPv6 socket. */
const mappedPrefix = '::ffff:'

/** The client's IP address, IPv4 or IPv6; undefined once the connection has ended. */
export function sourceIpOf(request: {
  readonly socket: Pick<Socket, 'remoteAddress'>
}): string | undefined {
  const address = request.socket.remoteAddress
  if (address?.startsWith(mappedPrefix) !== true || !address.includes('.')) return address
  return address.slice(mappedPrefix.length)
}

/** True if the request came over TLS. */
export function isSecure({ socket }: { readonly socket: object }): boolean {
  return 'encrypted' in socket
}
