// How fast the engine is on this machine: durable transactions of about 5 reads and 3 writes, alone
// and concurrent, and reads. `node bench/engine.ts [seconds for each line] [folder]`

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bytes } from '../src/base/bytes.ts'
import { storeIn } from '../src/base/store-location.ts'
import type { Engine } from '../src/engine/engine.ts'
import { openEngine } from '../src/engine/open.ts'
import { key, prefixRange } from '../src/engine/tuple.ts'

const rowSpace = 1
const indexSpace = 2
const counterSpace = 3
const leaseSpace = 4

/** Like the commit of a PUT: four rows and an empty range are read, three rows written. */
async function put(engine: Engine, id: number, value: Bytes): Promise<void> {
  const name = Buffer.from(`object-${id}`)
  await engine.write(async (tx) => {
    await tx.get(key(rowSpace).u64(0).tail(name))
    await tx.get(key(rowSpace).u64(1).tail(name))
    await tx.get(key(rowSpace).u64(2).end())
    await tx.get(key(indexSpace).u64(id).end())
    for await (const _ of tx.range(prefixRange(key(leaseSpace).u64(1).end()))) break
    tx.put(key(rowSpace).u64(1).tail(name), value)
    tx.put(key(indexSpace).u64(id).end(), name)
    tx.add(key(counterSpace).u64(1).end(), 1n)
  })
}

/** Runs `step` in `concurrency` loops for `seconds`; prints operations a second and percentiles. */
async function measure(
  title: string,
  { concurrency, seconds }: { readonly concurrency: number; readonly seconds: number },
  step: (id: number) => Promise<unknown>,
): Promise<void> {
  const timesMs: number[] = []
  const start = performance.now()
  const cpu = process.cpuUsage()
  let next = 0
  async function loop(): Promise<void> {
    while (performance.now() - start < seconds * 1000) {
      const began = performance.now()
      await step(next++)
      timesMs.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, loop))
  const elapsed = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  timesMs.sort((a, b) => a - b)
  const at = (share: number) => (timesMs[Math.floor(timesMs.length * share)] ?? 0).toFixed(2)
  const rate = Math.round(timesMs.length / elapsed)
  const cpuMicroseconds = ((user + system) / timesMs.length).toFixed(1)
  process.stdout.write(
    `${title.padEnd(36)} ${String(rate).padStart(7)}/s   p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  CPU ${cpuMicroseconds} µs\n`,
  )
}

const seconds = Number(process.argv[2] ?? 3)
const folder = await mkdtemp(join(process.argv[3] ?? tmpdir(), 'holdfast-bench-'))
const engine = await openEngine(storeIn(folder).engine)
try {
  for (const sizeBytes of [300, 4096]) {
    const value = Buffer.alloc(sizeBytes, 7)
    for (const concurrency of [1, 32, 128]) {
      const title = `write ${sizeBytes} B, ${concurrency} concurrent`
      await measure(title, { concurrency, seconds }, (id) => put(engine, id % 50_000, value))
    }
  }
  await measure('add to one counter, 32 concurrent', { concurrency: 32, seconds }, () =>
    engine.write(async (tx) => tx.add(key(counterSpace).u64(2).end(), 1n)),
  )
  await measure('read and write one row, 32 concurrent', { concurrency: 32, seconds }, (id) =>
    engine.write(async (tx) => {
      await tx.get(key(counterSpace).u64(3).end())
      tx.put(key(counterSpace).u64(3).end(), Buffer.from(String(id)))
    }),
  )
  await measure('read 1 row of 4096 B', { concurrency: 1, seconds }, (id) =>
    engine.read((tx) =>
      tx.get(
        key(rowSpace)
          .u64(1)
          .tail(Buffer.from(`object-${id % 5000}`)),
      ),
    ),
  )
  await measure('read 5 rows of 4096 B', { concurrency: 1, seconds }, (id) =>
    engine.read(async (tx) => {
      for (let i = 0; i < 5; i++) {
        await tx.get(
          key(rowSpace)
            .u64(1)
            .tail(Buffer.from(`object-${(id + i) % 5000}`)),
        )
      }
    }),
  )
  await measure('read a range of 100 rows', { concurrency: 1, seconds }, () =>
    engine.read(async (tx) => {
      let rows = 0
      for await (const _ of tx.range(prefixRange(key(indexSpace).end()))) if (++rows === 100) break
    }),
  )
  process.stdout.write(`${JSON.stringify(engine.statistics())}\n`)
} finally {
  await engine.close()
  await rm(folder, { recursive: true, force: true })
}
