// An owner whose SimpleDB requests are signed with Version 2 and have as many parameters as are allowed.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import type { Credential } from '../harness.ts'
import { canonicalQuery, type QueryPairs } from '../wire.ts'
import { assertUnharmed, compare, describe, startTarget, type Target } from './bystander.ts'
import { repeat, statusOf } from './sockets.ts'

type Pairs = readonly (readonly [name: string, value: string])[]

/** A form that holds, with its parameters in another order than the signed one. */
function signedForm({ server }: Target, key: Credential, pairs: Pairs): Buffer {
  const host = `${server.host}:${server.port}`
  const all: QueryPairs = [
    ...pairs,
    ['Action', 'BatchPutAttributes'],
    ['AWSAccessKeyId', key.accessKeyId],
    ['DomainName', 'hostile'],
    ['SignatureMethod', 'HmacSHA256'],
    ['SignatureVersion', '2'],
    ['Timestamp', new Date().toISOString()],
    ['Version', '2009-04-15'],
  ]
  const canonical = canonicalQuery(all)
  const signature = createHmac('sha256', key.secretAccessKey)
    .update(`POST\n${host}\n/\n${canonical}`)
    .digest('base64')
  const body = `${canonical.split('&').reverse().join('&')}&Signature=${encodeURIComponent(signature)}`
  const head = `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded`
  return Buffer.from(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`, 'latin1')
}

function numbered(count: number, name: (index: number) => string, value: string): Pairs {
  return Array.from({ length: count }, (_, index) => [name(index), value] as const)
}

const attacks: readonly (readonly [what: string, pairs: Pairs])[] = [
  ['long values', numbered(24_000, (i) => `Item.${(i * 7919) % 24_001}.Value`, 'v'.repeat(130))],
  ['escapes', numbered(24_000, (i) => `Item.${(i * 7919) % 24_001}.Value`, '('.repeat(40))],
  [
    'other letters',
    numbered(24_000, (i) => `Item.${(i * 7919) % 24_001}.\u00fc`, '\u00fc'.repeat(10)),
  ],
  ['short names', numbered(12_000, (i) => `${i.toString(36)}`, '')],
]

for (const [what, pairs] of attacks) {
  test(`signed forms of thousands of parameters with ${what} harm no other client`, {
    timeout: 60_000,
  }, async (t) => {
    await using target = await startTarget()
    const text = signedForm(target, target.attacker, pairs)
    const statuses = new Set<number>()
    const comparison = await compare(target, () =>
      repeat({ count: 60, atOnce: 12 }, async () => {
        statuses.add(await statusOf(target.server, text))
      }),
    )
    t.diagnostic(`${[...statuses]}; ${describe(comparison)}`)
    assertUnharmed(comparison, { p99Ms: 500 })
    // A wrong signature would be answered with 403.
    for (const status of statuses) assert.ok([400, 503].includes(status), `${status}`)
  })
}
