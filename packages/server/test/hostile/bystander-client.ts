// A well-behaved client on its own thread, so that the attacker's work doesn't distort the measurement. It
// puts and gets small objects until it is stopped, half of them over fresh connections.

import { parentPort, workerData } from 'node:worker_threads'
import { type SigningKey, WireClient } from '../wire.ts'

/** The client's parameters. */
export interface BystanderData {
  readonly target: SigningKey & { readonly host: string; readonly port: number }
  readonly bucket: string
  readonly timeoutMs: number
}

/** The client's final report. */
export interface BystanderReport {
  /** The latency of each request in milliseconds, in sending order. */
  readonly latenciesMs: readonly number[]
  /** One message for each failed request. */
  readonly failures: readonly string[]
}

const body = Buffer.alloc(1000, 'bystander')
/** Requests of one kind before the client opens a new connection. */
const requestsPerConnection = 4

async function run({ target, bucket, timeoutMs }: BystanderData): Promise<void> {
  const latenciesMs: number[] = []
  const failures: string[] = []
  let isStopped = false
  parentPort?.once('message', () => {
    isStopped = true
  })
  const path = `/${bucket}/bystander`
  while (!isStopped) {
    const client = new WireClient(target, timeoutMs)
    for (let i = 0; i < requestsPerConnection && !isStopped; i++) {
      const method = i % 2 === 0 ? 'PUT' : 'GET'
      const started = performance.now()
      try {
        const answer = await client.send(
          method === 'PUT' ? { method, path, body } : { method, path },
        )
        if (answer.status !== 200) failures.push(`${method}: ${answer.status} ${answer.body}`)
        else if (method === 'GET' && !answer.body.equals(body)) failures.push('GET: other bytes')
      } catch (error) {
        failures.push(`${method}: ${error}`)
      }
      latenciesMs.push(performance.now() - started)
    }
    client.close()
  }
  const report: BystanderReport = { latenciesMs, failures }
  parentPort?.postMessage(report)
}

const data: BystanderData = workerData
await run(data)
