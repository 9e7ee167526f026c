// Attackers without a key that open connections and never complete a request's head.

import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { assertUnharmed, compare, describe, startTarget } from './bystander.ts'
import { closeAll, openMany, push, repeat } from './sockets.ts'

const heads: readonly (readonly [what: string, count: number, text: string])[] = [
  ['long URLs that do not end', 600, `GET /?AWSAccessKeyId=a&x=${'v'.repeat(250_000)}`],
  ['long headers that do not end', 600, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'v'.repeat(250_000)}`],
  ['connections that say nothing', 1500, ''],
]

for (const [what, count, text] of heads) {
  test(`${what} harm nobody`, { timeout: 60_000 }, async (t) => {
    await using target = await startTarget()
    const comparison = await compare(target, async () => {
      const sockets = await openMany(target.server, count)
      await repeat({ count, atOnce: 50 }, async (i) => {
        const socket = sockets[i]
        if (socket !== undefined && text !== '') await push(socket, text, 1000)
      })
      await delay(500)
      closeAll(sockets)
    })
    t.diagnostic(describe(comparison))
    assertUnharmed(comparison)
  })
}

test('heads that arrive byte by byte harm no other client', { timeout: 60_000 }, async (t) => {
  await using target = await startTarget()
  const comparison = await compare(target, async () => {
    const sockets = await openMany(target.server, 300)
    const start = `GET /?AWSAccessKeyId=a&x=${'v'.repeat(100_000)}`
    await Promise.all(sockets.map((socket) => push(socket, start, 1000)))
    for (let i = 0; i < 20; i++) {
      for (const socket of sockets) if (!socket.destroyed) socket.write('v')
      await delay(50)
    }
    closeAll(sockets)
  })
  t.diagnostic(describe(comparison))
  assertUnharmed(comparison)
})
