import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSecure, sourceIpOf } from './peer.ts'

test('a client over IPv4 has an IPv4 address, on a socket of either family', () => {
  for (const [remoteAddress, ip] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::1', '::1'],
    ['::ffff:0:1', '::ffff:0:1'],
    [undefined, undefined],
  ] as const) {
    assert.equal(sourceIpOf({ socket: { remoteAddress } }), ip)
  }
})

test('a request over TLS is told by its socket', () => {
  assert.equal(isSecure({ socket: {} }), false)
  assert.equal(isSecure({ socket: { encrypted: true } }), true)
})
