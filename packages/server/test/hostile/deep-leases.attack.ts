// An owner whose leases have as many paths, as deep, as are allowed. Each is a transaction of thousands of rows.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WireClient } from '../wire.ts'
import { assertUnharmed, compare, describe, startTarget } from './bystander.ts'
import { repeat } from './sockets.ts'

const bucket = 'attacker'
const requests = { count: 200, atOnce: 16 }
/** The bound of the bystander's 99th percentile during each attack, in milliseconds. */
const p99Ms = 500

/** A hundred paths below `top`, with some 900 nodes of the tree together. */
function deepPaths(top: string): readonly string[] {
  return Array.from({ length: 100 }, (_, i) => `${top}/${i}/${'y/'.repeat(7)}`)
}

const attacks: readonly (readonly [what: string, lease: (index: number) => object])[] = [
  ['that are granted', (index) => ({ write: deepPaths(`${index}`), ttlMs: 1000 })],
  ['that conflict', (index) => ({ write: deepPaths(`${index % 4}`), ttlMs: 60_000 })],
  ['that share all paths', () => ({ read: deepPaths('shared'), ttlMs: 60_000 })],
  ['that wait', (index) => ({ write: deepPaths(`${index % 4}`), ttlMs: 1000, waitMs: 2000 })],
]

for (const [what, leaseOf] of attacks) {
  test(`leases of many deep paths ${what} harm no other client`, {
    timeout: 120_000,
  }, async (t) => {
    await using target = await startTarget()
    const { server, attacker } = target
    const wire = new WireClient({ ...attacker, host: server.host, port: server.port }, 120_000)
    await wire.send({ method: 'PUT', path: `/${bucket}` })
    const statuses = new Map<number, number>()
    const comparison = await compare(target, () =>
      repeat(requests, async (index) => {
        const body = Buffer.from(JSON.stringify(leaseOf(index)))
        const query = { lease: '' }
        const { status } = await wire.send({ method: 'POST', path: `/${bucket}`, query, body })
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }),
    )
    wire.close()
    t.diagnostic(`${JSON.stringify([...statuses])}; ${describe(comparison)}`)
    for (const status of statuses.keys()) assert.ok([200, 409, 503].includes(status), `${status}`)
    assertUnharmed(comparison, { p99Ms })
  })
}
