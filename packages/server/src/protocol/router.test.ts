import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { after, beforeEach, test } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { type LogFields, silentLog } from '../observe/log.ts'
import { ProcessMetrics } from '../observe/prometheus.ts'
import { createAdminProtocol } from './admin/protocol.ts'
import type { Protocol, RequestHandler } from './http/protocol.ts'
import { createHttpServer } from './http/server.ts'
import { Router } from './router.ts'

const lines: { level: string; message: string; fields: LogFields }[] = []
const metrics = new ProcessMetrics()
let handler: RequestHandler
let exposition: () => Promise<string>
const keep =
  (level: string) =>
  (message: string, fields: LogFields = {}) =>
    void lines.push({ level, message, fields })
const log = { ...silentLog, info: keep('info'), error: keep('error'), debug: keep('debug') }

const answerKey: RequestHandler = async (_, response, { requestId }) => {
  response.end('key')
  assert.match(requestId, /^[0-9A-F]{16}$/)
  return { operation: 'GetObject', status: 200, bytesIn: 0, bytesOut: 3, accessKeyId: 'AK' }
}

const server = createHttpServer()
const admin = createAdminProtocol({
  domains: ['s3.example.com'],
  log,
  clock: systemClock,
  exposition: () => exposition(),
})
const keys: Protocol = {
  name: 's3',
  speaks: () => true,
  serve: (...exchange) => handler(...exchange),
  serveStopping: () => Promise.reject(new Error('no test stops while it sends')),
}
const router = new Router({
  protocols: [admin, keys],
  log,
  metrics,
  clock: systemClock,
  trustedProxies: [
    { address: '127.0.0.1', prefixLength: 32 },
    { address: '::1', prefixLength: 128 },
  ],
})
router.attach(server)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
after(() => router.stop(0))
beforeEach(() => {
  handler = answerKey
  exposition = async () => 'samples\n'
  lines.length = 0
})

async function send(
  path: string,
  options: {
    readonly method?: string
    readonly host?: string
    readonly forwardedFor?: string
  } = {},
): Promise<{ readonly answer: IncomingMessage; readonly body: string }> {
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const { method = 'GET', host = 'localhost', forwardedFor } = options
  const headers = {
    host,
    ...(forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }),
  }
  const outgoing = request({ port: address.port, path, method, headers, agent: false })
  outgoing.end()
  const [answer]: IncomingMessage[] = await once(outgoing, 'response')
  assert.ok(answer)
  let body = ''
  for await (const chunk of answer) body += chunk
  return { answer, body }
}

test('the server answers its own paths, and only reads of them', async () => {
  assert.equal((await send('/_/health')).body, 'ok\n')
  const head = await send('/_/health', { method: 'HEAD' })
  assert.deepEqual([head.answer.statusCode, head.body], [200, ''])
  const metrics = await send('/_/metrics?x')
  assert.equal(metrics.body, 'samples\n')
  assert.equal(metrics.answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal((await send('/_/nothing')).answer.statusCode, 404)
  assert.equal((await send('/_/health', { method: 'POST' })).answer.statusCode, 405)
  assert.ok(lines.every(({ level }) => level === 'debug'))
})

test('metrics that can not be collected are an error of that request alone', async () => {
  exposition = () => Promise.reject(new Error('a fault'))
  const { answer, body } = await send('/_/metrics')
  assert.equal(answer.statusCode, 500)
  const [fault] = lines
  assert.equal(fault?.message, 'request failed')
  assert.equal(body, `error ${fault?.fields['requestId']}\n`)
})

test('a head that two parties could read differently is refused for the server itself too', async () => {
  const { answer, body } = await send('/_/health', { host: 'two names' })
  assert.equal(answer.statusCode, 400)
  assert.equal(body, 'The request must have one Host header that names a host.\n')
})

test('below one of its domains every path is a key of a bucket', async () => {
  assert.equal((await send('/_/health', { host: 'bucket.s3.example.com' })).body, 'key')
  assert.equal((await send('/_/health', { host: 's3.example.com' })).body, 'ok\n')
})

test('a request is counted and logged with what it did, but without its query', async () => {
  await send('/bucket/a%20b?X-Amz-Signature=secret')
  const [line] = lines
  assert.ok(line)
  const { durationMs, requestId, remote, ...fields } = line.fields
  assert.deepEqual(fields, {
    method: 'GET',
    path: '/bucket/a%20b',
    operation: 'GetObject',
    status: 200,
    bytesIn: 0,
    bytesOut: 3,
    accessKeyId: 'AK',
  })
  assert.ok(Number(durationMs) > 0)
  assert.equal(typeof requestId, 'string')
  assert.match(String(remote), /127\.0\.0\.1|::1/)
  assert.match(await metrics.text(), /operation="GetObject",status="200"} [1-9]/)
})

test('a fault of a protocol is logged with the request id that the client is shown', async () => {
  handler = () => Promise.reject(new Error('a fault'))
  const { answer, body } = await send('/bucket')
  assert.equal(answer.statusCode, 500)
  const [fault] = lines
  assert.equal(fault?.level, 'error')
  assert.equal(body, `error ${fault?.fields['requestId']}\n`)
})

test('the signal of a request is aborted when its client has gone', async () => {
  const aborted = Promise.withResolvers<unknown>()
  handler = async (incoming, _, { signal }) => {
    signal.addEventListener('abort', () => aborted.resolve(signal.reason))
    incoming.socket.destroy()
    await aborted.promise
    return { operation: 'GetObject', status: 499, bytesIn: 0, bytesOut: 0 }
  }
  await assert.rejects(send('/bucket/key'))
  assert.match(String(await aborted.promise), /the client has gone/)
  assert.equal(router.pendingCount, 0)
})

test('the log and the operation have the address of a client behind a trusted proxy', async () => {
  let seen: unknown
  handler = (request, response, circumstances) => {
    seen = circumstances.client
    return answerKey(request, response, circumstances)
  }
  await send('/b/k', { forwardedFor: '198.51.100.9, 192.0.2.7' })
  assert.deepEqual(seen, { sourceIp: '192.0.2.7', isSecure: false })
  const line = lines.find(({ message }) => message === 'request')
  assert.equal(line?.fields['remote'], '192.0.2.7')
})
