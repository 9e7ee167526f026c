import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { after, beforeEach, test } from 'node:test'
import { DamagedBody } from '../../base/damaged-body.ts'
import { type LogFields, silentLog } from '../../observe/log.ts'
import { type Circumstances, Exchange, type ExchangeResult, type Report } from './exchange.ts'
import { Proxies } from './proxy.ts'
import { sendText } from './respond.ts'

interface Text {
  readonly status: number
  readonly text: string
}

const faults: { readonly message: string; readonly fields: LogFields | undefined }[] = []
const log = {
  ...silentLog,
  error: (message: string, fields?: LogFields) => void faults.push({ message, fields }),
}

/** The behaviour of a test's exchange, and whether an error is a fault. */
interface Script {
  answer(exchange: TextExchange): Promise<string>
  readonly isFault?: boolean
}

class TextExchange extends Exchange<Text, Report> {
  readonly script: Script

  constructor(script: Script, ...http: [IncomingMessage, ServerResponse, Circumstances]) {
    super(...http, log)
    this.script = script
  }

  context(): object {
    return this.contextOf('someone', { a: 'b' })
  }

  cut(): void {
    this.response.destroy()
  }

  protected async answer(): Promise<Text> {
    this.operation = 'Test'
    return { status: 200, text: await this.script.answer(this) }
  }

  protected send({ status, text }: Text): number {
    return sendText(this.response, { status, type: 'text/plain', text })
  }

  protected report(): Report {
    return { status: 409, isFault: this.script.isFault ?? false }
  }

  protected sendError({ status }: Report): number {
    return this.send({ status, text: 'refused' })
  }
}

let script: Script
let results: Promise<ExchangeResult>[] = []
const { signal } = new AbortController()
const server = createServer((incoming, response) => {
  const client = new Proxies([]).clientOf(incoming)
  const circumstances = { requestId: 'id', signal, isContinueExpected: false, client }
  results.push(new TextExchange(script, incoming, response, circumstances).serve())
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
after(() => server.close())
beforeEach(() => {
  faults.length = 0
  results = []
})

async function serve(
  wanted: Script,
): Promise<{ result: ExchangeResult | undefined; body: string }> {
  script = wanted
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const outgoing = request({ port: address.port, host: '127.0.0.1', agent: false }).end()
  const body = await new Promise<string>((resolve) => {
    outgoing.on('error', () => resolve('cut'))
    outgoing.on('response', async (answer: IncomingMessage) => {
      let text = ''
      for await (const chunk of answer) text += chunk
      resolve(text)
    })
  })
  return { result: await results[0], body }
}

test('an answer is sent, and its status and bytes are told', async () => {
  const { result, body } = await serve({ answer: async () => 'hello' })
  assert.equal(body, 'hello')
  const figures = { operation: 'Test', status: 200, bytesIn: 0, bytesOut: 5 }
  assert.deepEqual(result, { ...figures, accessKeyId: undefined })
})

test('a refusal is sent and not logged; a fault is both', async () => {
  const answer = () => Promise.reject(new Error('no'))
  const refusal = await serve({ answer })
  assert.deepEqual([refusal.body, refusal.result?.status, faults.length], ['refused', 409, 0])
  results = []
  const fault = await serve({ answer, isFault: true })
  assert.deepEqual([fault.body, fault.result?.status], ['refused', 409])
  assert.equal(faults[0]?.message, 'request failed')
  assert.equal(faults[0]?.fields?.['requestId'], 'id')
  assert.equal(faults[0]?.fields?.['operation'], 'Test')
})

test('a fault after the client has gone is a 499, and is not logged', async () => {
  const answer = async (exchange: TextExchange): Promise<string> => {
    exchange.cut()
    throw new Error('the client has gone')
  }
  const { result } = await serve({ answer, isFault: true })
  assert.deepEqual([result?.status, result?.bytesOut, faults.length], [499, 0, 0])
})

test('damage is logged and counted as an error, though its connection is cut', async () => {
  const answer = async (exchange: TextExchange): Promise<string> => {
    exchange.cut()
    throw new DamagedBody('blob', 'it differs')
  }
  const { result } = await serve({ answer, isFault: true })
  assert.equal(result?.status, 409)
  assert.equal(faults[0]?.message, 'a damaged body was not given out')
  assert.equal(faults[0]?.fields?.['body'], 'blob')
})

test('an operation learns who asks, from where, and over what', async () => {
  const contexts: object[] = []
  await serve({
    answer: async (exchange) => {
      contexts.push(exchange.context())
      return ''
    },
  })
  assert.deepEqual(contexts, [
    {
      principal: 'someone',
      requestId: 'id',
      signal,
      stopping: undefined,
      sourceIp: '127.0.0.1',
      isSecure: false,
      headers: { a: 'b' },
    },
  ])
})
