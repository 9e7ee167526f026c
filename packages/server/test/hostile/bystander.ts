// The harness of all hostile tests: a real server with two workers, and a well-behaved client that
// measures alone and then during an attack, beside another one of a server that isn't attacked. Asserts no
// failed request, a bounded 99th percentile, no dead worker, and bounded memory.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { type Credential, randomCredential, startServer, type TestServer } from '../harness.ts'
import { anonymousBytes, MemoryWatch, mebibytes } from '../memory/sample.ts'
import { WireClient } from '../wire.ts'
import type { BystanderData, BystanderReport } from './bystander-client.ts'

/** The client's measuring time alone, and the minimum during an attack, in milliseconds. */
const measureMs = 1500
/** The client's request timeout in milliseconds: longer than every bound. */
const timeoutMs = 30_000
const bucket = 'bystander'

/** The measurements of the well-behaved client. */
export interface Figures {
  readonly requests: number
  readonly failures: readonly string[]
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maximumMs: number
}

/** The same client alone, and during an attack. */
export interface Comparison {
  readonly alone: Figures
  readonly beside: Figures
  /** A client of the other server during the attack: the load of the machine. */
  readonly control: Figures
  /** Anonymous memory of the largest worker before the attack, and the peak during it. */
  readonly memoryBefore: number
  readonly memoryHighest: number
  /** Workers that died during the attack. */
  readonly deadWorkers: readonly number[]
}

/** Bounds of the harm to other clients. */
export interface HarmBounds {
  /**
   * 99th percentile during the attack, in milliseconds; default 3000. Ten times that alone, or of the server
   * that isn't attacked, is allowed too.
   */
  readonly p99Ms?: number
  /** The maximum growth of a worker's anonymous memory, in bytes; default 400 MiB. */
  readonly memoryBytes?: number
}

/** A server under attack, with the keys of the three parties. */
export interface Target extends AsyncDisposable {
  readonly server: TestServer
  /** A server that isn't attacked. */
  readonly control: TestServer
  /** The attacker, who is an owner on the server. */
  readonly attacker: Credential
  /** The owner whose client is measured. */
  readonly bystander: Credential
}

/** Starts `holdfast serve` with two workers and makes the well-behaved client's bucket. */
export async function startTarget(args: readonly string[] = []): Promise<Target> {
  const root = randomCredential('root')
  const attacker = randomCredential('attacker')
  const bystander = randomCredential('bystander')
  const server = await startServer({
    workers: 2,
    credentials: [root, attacker, bystander],
    args: ['--log-level', 'warn', ...args],
  })
  const control = await startServer({ workers: 1, credentials: [root, bystander] })
  for (const { host, port } of [server, control]) {
    const client = new WireClient({ ...bystander, host, port })
    const { status } = await client.send({ method: 'PUT', path: `/${bucket}` })
    client.close()
    assert.equal(status, 200)
  }
  const close = async (): Promise<void> => {
    await Promise.all([server.close(), control.close()])
  }
  return { server, control, attacker, bystander, [Symbol.asyncDispose]: close }
}

/** Measures the client alone and then during `attack`, which must end by itself. */
export async function compare(target: Target, attack: () => Promise<void>): Promise<Comparison> {
  const { server, control: other, bystander } = target
  const alone = await measure(server, bystander, () => delay(measureMs))
  const workers = await server.workers()
  const memoryBefore = Math.max(...(await Promise.all(workers.map(anonymousBytes))))
  const watch = new MemoryWatch(workers)
  const attacking = Promise.withResolvers<void>()
  const [beside, control] = await Promise.all([
    measure(server, bystander, () =>
      Promise.all([attack(), delay(measureMs)]).finally(attacking.resolve),
    ),
    measure(other, bystander, () => attacking.promise),
  ])
  const memoryHighest = await watch.stop()
  const living = new Set(await server.workers())
  const deadWorkers = workers.filter((pid) => !living.has(pid))
  return { alone, beside, control, memoryBefore, memoryHighest, deadWorkers }
}

/** Fails if the harm of an attack exceeds the bounds. */
export function assertUnharmed(comparison: Comparison, bounds: HarmBounds = {}): void {
  const { alone, beside, control, memoryBefore, memoryHighest, deadWorkers } = comparison
  const p99Ms = Math.max(bounds.p99Ms ?? 3000, 10 * Math.max(alone.p99Ms, control.p99Ms))
  const memoryBytes = bounds.memoryBytes ?? 400 * 1024 ** 2
  assert.deepEqual(alone.failures, [])
  assert.deepEqual(beside.failures.slice(0, 3), [], `${beside.failures.length} requests failed`)
  assert.deepEqual(deadWorkers, [], 'workers died')
  assert.ok(beside.p99Ms <= p99Ms, `p99 is above ${p99Ms} ms: ${describe(comparison)}`)
  const gained = memoryHighest - memoryBefore
  assert.ok(gained <= memoryBytes, `a worker gained ${mebibytes(gained)}: ${describe(comparison)}`)
}

/** A comparison as one line of text. */
export function describe({ alone, beside, control, ...memory }: Comparison): string {
  const { memoryBefore, memoryHighest } = memory
  return [
    `alone: ${describeFigures(alone)}`,
    `beside the attack: ${describeFigures(beside)}`,
    `of another server: ${describeFigures(control)}`,
    `memory: ${mebibytes(memoryBefore)}, then ${mebibytes(memoryHighest)}`,
  ].join('; ')
}

function describeFigures({ requests, p50Ms, p99Ms, maximumMs }: Figures): string {
  const [p50, p99, maximum] = [p50Ms, p99Ms, maximumMs].map((ms) => `${ms.toFixed(1)} ms`)
  return `${requests} requests, p50 ${p50}, p99 ${p99}, at most ${maximum}`
}

async function measure(
  server: TestServer,
  bystander: Credential,
  during: () => Promise<unknown>,
): Promise<Figures> {
  const data: BystanderData = {
    target: { ...bystander, host: server.host, port: server.port },
    bucket,
    timeoutMs,
  }
  const client = new Worker(new URL('bystander-client.ts', import.meta.url), { workerData: data })
  const reported: Promise<BystanderReport[]> = once(client, 'message')
  try {
    await during()
    client.postMessage('stop')
    const [report] = await reported
    assert.ok(report)
    return figuresOf(report)
  } finally {
    await client.terminate()
  }
}

function figuresOf({ latenciesMs, failures }: BystanderReport): Figures {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return {
    requests: sorted.length,
    failures,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maximumMs: at(1),
  }
}
