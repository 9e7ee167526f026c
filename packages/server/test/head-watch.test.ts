// Connections without a complete request head, and the bound of their total memory.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type HeadLimits, HeadWatch } from '../src/protocol/http/head-watch.ts'

async function watched(
  t: TestContext,
  limits: HeadLimits,
): Promise<{
  watch: HeadWatch
  open: (text: string) => Promise<[client: Socket, server: Socket]>
}> {
  const server = createServer((_, response) => response.end('.'))
  const watch = new HeadWatch(limits)
  watch.attach(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const open = async (text: string): Promise<[client: Socket, server: Socket]> => {
    const accepted = once(server, 'connection')
    const client = connect(port, '127.0.0.1')
    client.on('error', () => undefined)
    t.after(() => client.destroy())
    const [socket]: Socket[] = await accepted
    assert.ok(socket)
    client.write(text)
    while (socket.bytesRead < text.length) await new Promise((resolve) => setImmediate(resolve))
    return [client, socket]
  }
  return { watch, open }
}

const head = (bytes: number): string => `GET /${'x'.repeat(bytes)}`
const whole = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

test('the longest unfinished heads are cut off until half of the budget is free', async (t) => {
  const { watch, open } = await watched(t, { partialHeadBytes: 10_000, connections: 100 })
  const [, short] = await open(head(1000))
  const [, long] = await open(head(6000))
  watch.look()
  assert.deepEqual([short.destroyed, long.destroyed], [false, false])
  const [, longer] = await open(head(7000))
  watch.look()
  assert.deepEqual([short.destroyed, long.destroyed, longer.destroyed], [false, true, true])
})

test('a complete request does not count, but the bytes after it do', async (t) => {
  const { watch, open } = await watched(t, { partialHeadBytes: 10_000, connections: 100 })
  const [client, socket] = await open(whole)
  await once(client, 'data')
  client.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n${'x'.repeat(9000)}`)
  await once(client, 'data')
  while (socket.bytesRead < 9000) await new Promise((resolve) => setImmediate(resolve))
  watch.look()
  assert.equal(socket.destroyed, false)
  const before = socket.bytesRead
  // The rest of the bound for a body, plus more than the budget.
  client.write(head(15_000))
  client.write('x'.repeat(6000))
  while (socket.bytesRead < before + 21_000) await new Promise((resolve) => setImmediate(resolve))
  watch.look()
  assert.equal(socket.destroyed, true)
})

test('above the limit of connections, the oldest without a request are closed', async (t) => {
  const { watch, open } = await watched(t, { partialHeadBytes: 10_000, connections: 2 })
  const opened = [await open(''), await open(''), await open('')]
  watch.look()
  assert.deepEqual(
    opened.map(([, { destroyed }]) => destroyed),
    [true, false, false],
  )
})
