// Linearizability test: many concurrent clients on a server with several workers. Each history that
// they make must have an order that explains it. `--runs N --seed N`; the seed repeats the choices,
// not the timing.

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, test } from 'node:test'
import { parseArgs } from 'node:util'
import { randomCredential, startServer } from '../harness.ts'
import { type Fault, type HistoryOptions, makeHistory } from './clients.ts'
import { linearize, type Recorded } from './linearize.ts'
import { flatMap, type Op } from './model.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '60' }, seed: { type: 'string' } },
})
const runs = Number(values.runs)
const seed = Number(values.seed ?? randomInt(2 ** 31))
/** Number of histories within which a planted fault must be detected. */
const faultRuns = 40
const clientCount = 8
const operationsPerClient = 12
const workerCount = 2

const stranger = randomCredential('stranger')
const credentials = [randomCredential(), stranger]
const server = await startServer({ workers: workerCount, credentials })
after(() => server.close())
let buckets = 0

function options(run: number, fault?: Fault): HistoryOptions {
  const { host, port, accessKeyId, secretAccessKey } = server
  const sizes = { clients: clientCount, operations: operationsPerClient }
  const bucket = `history-${buckets++}`
  const facts = { host, port, accessKeyId, secretAccessKey, stranger, bucket }
  return { ...facts, seed: seed + run, ...sizes, fault }
}

test(`every one of ${runs} histories has an order (seed ${seed})`, async (context) => {
  let operations = 0
  let steps = 0
  for (let run = 0; run < runs; run++) {
    const { initial, recorded } = await makeHistory(options(run))
    const verdict = linearize(recorded, flatMap, initial)
    operations += recorded.length
    steps += verdict.steps
    assert.ok(verdict.isLinearizable, explain(run, recorded, verdict.order))
  }
  context.diagnostic(`${operations} operations, ${steps} steps of the search`)
})

for (const fault of ['rename', 'list', 'archive', 'policy'] as const) {
  test(`a ${fault} that isn't done at once is detected (seed ${seed})`, async (context) => {
    for (let run = 0; run < faultRuns; run++) {
      const { initial, recorded } = await makeHistory(options(run, fault))
      if (linearize(recorded, flatMap, initial).isLinearizable) continue
      context.diagnostic(`found in history ${run + 1}`)
      return
    }
    assert.fail(`not found in ${faultRuns} histories`)
  })
}

test('it stops with exit code 0 and fsck is clean', async () => {
  assert.equal(await server.stop(), 0)
  const { exitCode, output } = await server.fsck()
  assert.equal(exitCode, 0, output)
})

/** Describes a history without an order, and the longest partial order found. */
function explain(run: number, recorded: readonly Recorded<Op>[], order: readonly Op[]): string {
  const lines = recorded
    .toSorted((a, b) => a.from - b.from)
    .map(({ op, from, to }) => {
      const place = order.indexOf(op)
      return `${from}–${to} ${place < 0 ? '(no place)' : `(${place + 1}.)`} ${JSON.stringify(op)}`
    })
  return `history ${run} of seed ${seed} has no order:\n${lines.join('\n')}`
}
