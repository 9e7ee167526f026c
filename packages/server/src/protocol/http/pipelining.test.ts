import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { Pipelining } from './pipelining.ts'
import { createHttpServer } from './server.ts'

test('a response that fails ends the wait of the request behind it', async (t) => {
  const server = createHttpServer()
  const turns = new Pipelining()
  const waits: (Promise<boolean> | undefined)[] = []
  const responses: ServerResponse[] = []
  const bothCame = Promise.withResolvers<void>()
  server.on('request', (request, response) => {
    waits.push(turns.take(request, response))
    responses.push(response)
    if (responses.length === 2) bothCame.resolve()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => {
    socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  socket.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
  await bothCame.promise
  assert.equal(waits[0], undefined)
  // The second waits for the first from the next turn of the event loop at the latest.
  await new Promise((resolve) => setImmediate(resolve))
  responses[0]?.emit('error', new Error('the response broke'))
  assert.equal(await waits[1], false)
})
