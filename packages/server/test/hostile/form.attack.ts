// Attackers who send SimpleDB forms: without a key, or with that of somebody else and no signature.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { QueryClient } from '../simpledb/query.ts'
import { assertUnharmed, compare, describe, startTarget, type Target } from './bystander.ts'
import { closeAll, openMany, push, repeat, statusOf } from './sockets.ts'

const formBytes = 4_000_000

function form(body: string, length = body.length): string {
  const type = 'Content-Type: application/x-www-form-urlencoded'
  return `POST / HTTP/1.1\r\nHost: a\r\n${type}\r\nContent-Length: ${length}\r\n\r\n${body}`
}

function numbered(name: string, count: number, value: string): string {
  return Array.from({ length: count }, (_, i) => `${name}.${i}.Value=${value}`).join('&')
}

test('hundreds of forms that never end harm nobody', { timeout: 60_000 }, async (t) => {
  await using target = await startTarget()
  const text = form('x'.repeat(formBytes - 10), formBytes)
  const comparison = await compare(target, async () => {
    const sockets = await openMany(target.server, 300)
    await repeat({ count: 300, atOnce: 30 }, (i) => {
      const socket = sockets[i]
      return socket === undefined ? Promise.resolve() : push(socket, text, 1000)
    })
    await delay(500)
    closeAll(sockets)
  })
  t.diagnostic(describe(comparison))
  assertUnharmed(comparison)
})

test("unfinished forms under another owner's key id keep that owner from nothing", {
  timeout: 60_000,
}, async (t) => {
  await using target = await startTarget()
  const { server, bystander } = target
  const client = new QueryClient(server.port, bystander)
  await client.ok('CreateDomain', { DomainName: 'own' })
  const pairs = Array.from({ length: 25 }, (_, at) => ({
    [`Item.${at}.ItemName`]: `item-${at}`,
    [`Item.${at}.Attribute.0.Name`]: 'a',
    [`Item.${at}.Attribute.0.Value`]: 'v'.repeat(1000),
  }))
  const comparison = await compare(target, async () => {
    const sockets = await openMany(server, 40, '127.0.0.2')
    const key = `AWSAccessKeyId=${bystander.accessKeyId}&`
    await Promise.all(
      sockets.map((socket, at) => {
        const sentBytes = at < 30 ? formBytes - 200 : 28_000
        return push(socket, form(`${key}${'x'.repeat(sentBytes)}`, formBytes), 2000)
      }),
    )
    for (let i = 0; i < 20; i++) {
      await client.ok('BatchPutAttributes', Object.assign({ DomainName: 'own' }, ...pairs))
    }
    closeAll(sockets)
  })
  client.close()
  t.diagnostic(describe(comparison))
  assertUnharmed(comparison)
})

const bodies: readonly (readonly [what: string, body: (target: Target) => string])[] = [
  ['millions of parameters', () => 'a&'.repeat(formBytes / 2)],
  ['nothing but separators', () => '&'.repeat(formBytes)],
  ['as many parameters as are allowed', () => numbered('Item', 24_000, 'v'.repeat(130))],
  ['escapes', () => `a=${'%C3%BC'.repeat(600_000)}`],
  [
    'the key of somebody else in front',
    ({ bystander }) =>
      `AWSAccessKeyId=${bystander.accessKeyId}&${numbered('Item', 24_000, 'v'.repeat(130))}`,
  ],
  [
    'the key of somebody else and a wrong signature',
    ({ bystander }) =>
      `AWSAccessKeyId=${bystander.accessKeyId}&SignatureVersion=2&SignatureMethod=HmacSHA256` +
      '&Timestamp=2026-01-01T00:00:00Z&Signature=AAAA&' +
      numbered('Item', 24_000, '%28'.repeat(40)),
  ],
]

for (const [what, bodyFor] of bodies) {
  test(`forms with ${what} harm nobody`, { timeout: 60_000 }, async (t) => {
    await using target = await startTarget()
    const text = Buffer.from(form(bodyFor(target)), 'latin1')
    const statuses = new Set<number>()
    const comparison = await compare(target, () =>
      repeat({ count: 60, atOnce: 12 }, async () => {
        statuses.add(await statusOf(target.server, text))
      }),
    )
    t.diagnostic(`${[...statuses]}; ${describe(comparison)}`)
    assertUnharmed(comparison)
    for (const status of statuses) assert.ok([400, 403, 503].includes(status), `${status}`)
  })
}
