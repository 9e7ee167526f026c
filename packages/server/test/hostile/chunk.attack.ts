// Attackers whose request bodies come in chunks of one byte: without a key, so that nothing but framing is bounded.

import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { assertUnharmed, compare, describe, startTarget } from './bystander.ts'
import { closeAll, openMany, push, repeat, statusOf } from './sockets.ts'

const chunked = 'Host: a\r\nTransfer-Encoding: chunked\r\n\r\n'
const heads: readonly (readonly [what: string, head: string])[] = [
  ['SimpleDB', 'POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n'],
  ['S3', 'POST /bystander HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B\r\n'],
]

for (const [what, head] of heads) {
  test(`${what} forms of chunks of one byte harm nobody`, { timeout: 90_000 }, async (t) => {
    await using target = await startTarget()
    const text = Buffer.from(`${head}${chunked}${'1\r\na\r\n'.repeat(16_000)}`, 'latin1')
    const comparison = await compare(target, async () => {
      const sockets = await openMany(target.server, 400)
      await repeat({ count: 400, atOnce: 100 }, (i) => {
        const socket = sockets[i]
        return socket === undefined ? Promise.resolve() : push(socket, text, 1000)
      })
      await delay(2000)
      closeAll(sockets)
      await repeat({ count: 40, atOnce: 8 }, () => statusOf(target.server, text))
    })
    t.diagnostic(describe(comparison))
    assertUnharmed(comparison)
  })
}
