// Attackers without a key that pipeline requests and read the responses slowly or never.

import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { assertUnharmed, compare, describe, startTarget } from './bystander.ts'
import { closeAll, openMany, push } from './sockets.ts'

const connections = 40
const bytesPerConnection = 2_000_000

const requests = [
  ['for metrics', 'GET /_/metrics HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['that are refused', 'GET /bucket HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['with bodies', 'PUT /bucket/k HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody'],
] as const

for (const readsAnswers of [false, true]) {
  for (const [what, request] of requests) {
    const how = readsAnswers ? 'that are answered' : 'whose answers nobody reads'
    test(`pipelined requests ${what}, ${how}, harm nobody`, { timeout: 60_000 }, async (t) => {
      await using target = await startTarget()
      const text = request.repeat(Math.ceil(bytesPerConnection / request.length))
      const comparison = await compare(target, async () => {
        const sockets = await openMany(target.server, connections)
        if (readsAnswers) for (const socket of sockets) socket.resume()
        await Promise.all(sockets.map((socket) => push(socket, text, 4000)))
        await delay(500)
        closeAll(sockets)
      })
      t.diagnostic(describe(comparison))
      assertUnharmed(comparison)
    })
  }
}
