import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { parseNetwork } from '../../base/network.ts'
import { type Client, Proxies } from './proxy.ts'

function networks(...texts: string[]): Proxies {
  return new Proxies(
    texts.map((text) => {
      const network = parseNetwork(text)
      assert.ok(network, text)
      return network
    }),
  )
}

const proxies = networks('10.0.0.0/8', 'fd00::/8', '192.0.2.1')

function clientOf(
  address: string,
  headers: IncomingMessage['headers'],
  among: Proxies = proxies,
): Client {
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: address })
  return among.clientOf({ socket, headers })
}

test('headers of an address that is not trusted are ignored', () => {
  const headers = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https' }
  const own = { sourceIp: '198.51.100.1', isSecure: false }
  assert.deepEqual(clientOf('198.51.100.1', headers), own)
  assert.deepEqual(clientOf('198.51.100.1', { forwarded: 'for=1.2.3.4;proto=https' }), own)
  assert.deepEqual(clientOf('10.0.0.1', headers, new Proxies([])), { ...own, sourceIp: '10.0.0.1' })
})

test('the client is the nearest address that is no trusted proxy', () => {
  const cases: readonly (readonly [IncomingMessage['headers'], string, boolean])[] = [
    [{}, '10.0.0.1', false],
    [{ 'x-forwarded-for': '1.2.3.4' }, '1.2.3.4', false],
    [{ 'x-forwarded-for': '9.9.9.9, 1.2.3.4, 10.1.1.1,fd00::1' }, '1.2.3.4', false],
    [{ 'x-forwarded-for': '10.3.3.3, 10.1.1.1' }, '10.3.3.3', false],
    [{ 'x-forwarded-for': '1.2.3.4:5555' }, '1.2.3.4', false],
    [{ 'x-forwarded-for': '[2001:db8::1]:80' }, '2001:db8::1', false],
    [{ 'x-forwarded-for': '::ffff:1.2.3.4' }, '1.2.3.4', false],
    [{ 'x-forwarded-for': '8.8.8.8, unknown' }, '10.0.0.1', false],
    [{ 'x-forwarded-for': '8.8.8.8, bogus, 10.1.1.1' }, '10.1.1.1', false],
    [{ 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'HTTPS' }, '1.2.3.4', true],
    [{ 'x-forwarded-proto': 'https' }, '10.0.0.1', true],
    [{ 'x-forwarded-for': '1.2.3.4, 10.1.1.1', 'x-forwarded-proto': 'https' }, '1.2.3.4', true],
    [
      { 'x-forwarded-for': '1.2.3.4, 10.1.1.1', 'x-forwarded-proto': 'https, http' },
      '1.2.3.4',
      true,
    ],
    [
      { 'x-forwarded-for': '9.9.9.9, 1.2.3.4', 'x-forwarded-proto': 'https, http' },
      '1.2.3.4',
      false,
    ],
    [{ forwarded: 'for=1.2.3.4;proto=https;by=10.0.0.1' }, '1.2.3.4', true],
    [{ forwarded: 'For="[2001:db8::1]:4711"; Proto=http' }, '2001:db8::1', false],
    [{ forwarded: 'for=9.9.9.9, for=1.2.3.4;proto=https, for=10.1.1.1' }, '1.2.3.4', true],
    [{ forwarded: 'for="9.9.9.9, for=1.1.1.1"' }, '10.0.0.1', false],
    [{ forwarded: 'for=_hidden;proto=https' }, '10.0.0.1', true],
    [{ forwarded: '' }, '10.0.0.1', false],
  ]
  for (const [headers, sourceIp, isSecure] of cases) {
    assert.deepEqual(clientOf('10.0.0.1', headers), { sourceIp, isSecure }, JSON.stringify(headers))
    assert.equal(clientOf('::ffff:192.0.2.1', headers).isSecure, isSecure)
  }
})

test('headers that disagree are believed by none', () => {
  const own = { sourceIp: '10.0.0.1', isSecure: false }
  const both = { 'x-forwarded-for': '1.2.3.4', forwarded: 'for=5.6.7.8' }
  assert.deepEqual(clientOf('10.0.0.1', both), own)
  const same = { 'x-forwarded-for': '1.2.3.4', forwarded: 'for=1.2.3.4' }
  assert.equal(clientOf('10.0.0.1', same).sourceIp, '1.2.3.4')
})
