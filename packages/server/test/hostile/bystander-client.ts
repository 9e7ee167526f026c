// A well-behaved client on a thread of its own, so that what it measures is the server and not the attacker
// beside it. It puts and gets small objects until it is told to stop, half of them over fresh connections.

import { parentPort, workerData } from 'node:worker_threads'
import { type SigningKey, WireClient } from '../wire.ts'

/** What the client is started with. */
export interface BystanderData {
  readonly target: SigningKey & { readonly host: string; readonly port: number }
  readonly bucket: string
  readonly timeoutMs: number
}

/** What the client reports at its end. */
export interface BystanderReport {
  /** Milliseconds of each request, in the order they were sent. */
  readonly latenciesMs: readonly number[]
  /** What went wrong, one text for each request that failed. */
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
