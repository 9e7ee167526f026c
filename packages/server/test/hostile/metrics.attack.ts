// Attackers without a key that request metrics in a loop, on many connections.

import { Agent, get } from 'node:http'
import { test } from 'node:test'
import { assertUnharmed, compare, describe, startTarget } from './bystander.ts'

const connections = 32
const requestsPerConnection = 12

test('a flood of metrics requests harms no other client', { timeout: 60_000 }, async (t) => {
  await using target = await startTarget()
  const { endpoint } = target.server
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const ask = (path: string): Promise<void> =>
    new Promise((resolve, reject) => {
      get(`${endpoint}${path}`, { agent }, (answer) => answer.resume().once('end', resolve)).once(
        'error',
        reject,
      )
    })
  const comparison = await compare(target, async () => {
    const flood = async (): Promise<void> => {
      for (let i = 0; i < requestsPerConnection; i++) await ask('/_/metrics')
    }
    await Promise.all(Array.from({ length: connections }, flood))
  })
  agent.destroy()
  t.diagnostic(describe(comparison))
  assertUnharmed(comparison)
})
