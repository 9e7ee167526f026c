// An owner with hundreds of requests that wait for leases. Measures the cost for other owners while the
// requests wait, when all are granted at once, and when there are too many.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type WireAnswer, WireClient, xmlText } from '../wire.ts'
import { assertUnharmed, compare, describe, startTarget, type Target } from './bystander.ts'

const bucket = 'attacker'
const waiters = 1000
/** The bound of the bystander's 99th percentile during each attack, in milliseconds. */
const p99Ms = 500

/** The attacker's requests. Concurrent ones use a connection each. */
class Attacker {
  readonly wire: WireClient

  constructor({ server, attacker }: Target) {
    this.wire = new WireClient({ ...attacker, host: server.host, port: server.port }, 120_000)
  }

  lease(wanted: object): Promise<WireAnswer> {
    const body = Buffer.from(JSON.stringify(wanted))
    return this.wire.send({ method: 'POST', path: `/${bucket}`, query: { lease: '' }, body })
  }

  /** Takes the lease that blocks all others. */
  async take(): Promise<number> {
    const { status, body } = await this.lease({ write: ['a/'], ttlMs: 600_000 })
    assert.equal(status, 200, body.toString())
    return JSON.parse(body.toString()).ticket
  }

  async release(ticket: number): Promise<void> {
    const query = { lease: String(ticket) }
    const { status } = await this.wire.send({ method: 'DELETE', path: `/${bucket}`, query })
    assert.equal(status, 204)
  }

  /** Resolves when `count` leases of the bucket wait. */
  async untilWaiting(count: number): Promise<void> {
    for (;;) {
      const answer = await this.wire.send({
        method: 'GET',
        path: `/${bucket}`,
        query: { lease: '', after: '0' },
      })
      const { leases, nextAfter } = JSON.parse(answer.body.toString())
      if (nextAfter !== undefined || leases.length > count) return
    }
  }
}

/** Registers an attack. It fails if other clients are harmed during the work that it measures. */
function attack(
  title: string,
  run: (attacker: Attacker, measure: (work: () => Promise<void>) => Promise<void>) => Promise<void>,
): void {
  test(title, { timeout: 120_000 }, async (t) => {
    await using target = await startTarget()
    const attacker = new Attacker(target)
    await attacker.wire.send({ method: 'PUT', path: `/${bucket}` })
    await run(attacker, async (work) => {
      const comparison = await compare(target, work)
      t.diagnostic(describe(comparison))
      assertUnharmed(comparison, { p99Ms })
    })
    attacker.wire.close()
  })
}

function codesOf(answers: readonly WireAnswer[]): Record<string, number> {
  const codes: Record<string, number> = {}
  for (const { status, body } of answers) {
    const code = `${status} ${xmlText(body, 'Code') ?? ''}`.trim()
    codes[code] = (codes[code] ?? 0) + 1
  }
  return codes
}

attack(
  'a thousand requests that wait for one lease harm no other client',
  async (attacker, measure) => {
    await attacker.take()
    let answers: readonly WireAnswer[] = []
    await measure(async () => {
      const wanted = { write: ['a/'], ttlMs: 1000, waitMs: 8000 }
      answers = await Promise.all(Array.from({ length: waiters }, () => attacker.lease(wanted)))
    })
    assert.deepEqual(codesOf(answers), { '409 LeaseNotGranted': waiters })
  },
)

attack(
  'the end of a lease with a thousand waiters harms no other client',
  async (attacker, measure) => {
    const ticket = await attacker.take()
    const wanted = { read: ['a/'], ttlMs: 600_000, waitMs: 60_000 }
    const waiting = Array.from({ length: waiters / 2 }, () => attacker.lease(wanted))
    await attacker.untilWaiting(waiters / 2)
    await measure(async () => {
      await attacker.release(ticket)
      assert.deepEqual(codesOf(await Promise.all(waiting)), { '200': waiters / 2 })
    })
  },
)

attack(
  'writes that wait for a lease, even above the limit, harm no other client',
  async (attacker, measure) => {
    await attacker.take()
    const answers: WireAnswer[] = []
    await measure(async () => {
      const write = (index: number): Promise<WireAnswer> =>
        attacker.wire.send({
          method: 'PUT',
          path: `/${bucket}/a/${index}`,
          body: Buffer.alloc(1000),
        })
      answers.push(...(await Promise.all(Array.from({ length: 1500 }, (_, index) => write(index)))))
    })
    assert.deepEqual(codesOf(answers), { '503 SlowDown': 1500 })
    for (const { headers } of answers) assert.ok(headers['retry-after'] !== undefined)
  },
)

attack(
  'lease requests above the limit of waiters are refused at once',
  async (attacker, measure) => {
    await attacker.take()
    let answers: readonly WireAnswer[] = []
    await measure(async () => {
      const wanted = { write: ['a/'], ttlMs: 1000, waitMs: 8000 }
      answers = await Promise.all(Array.from({ length: 3 * waiters }, () => attacker.lease(wanted)))
    })
    const { '409 LeaseNotGranted': waited = 0, '503 SlowDown': refused = 0 } = codesOf(answers)
    assert.equal(waited + refused, 3 * waiters)
    // On a slow machine the first wait ends before the last request comes, which then finds room.
    assert.ok(waited >= 2 * waiters && refused > waiters / 2, `${waited} waited`)
  },
)
