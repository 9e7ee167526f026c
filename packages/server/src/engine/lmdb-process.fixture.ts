// A child process for `lmdb.test.ts`. It runs the task given as JSON on its command line and
// reports to its parent.

import assert from 'node:assert/strict'
import { utf8 } from '../base/bytes.ts'
import { isStoreError, type StoreErrorCode } from '../base/errors.ts'
import { openLmdb } from './lmdb.ts'
import { decodeCounter, encodeCounter, key } from './tuple.ts'

/** The task of a child process. */
export type ProcessTask =
  /** Writes rows without end, 8 at a time, and reports the number of each acknowledged one. */
  | { readonly task: 'write'; readonly path: string }
  /**
   * Writes the numbers 1 to `times` into one row, each after the previous one was acknowledged and
   * reported.
   */
  | { readonly task: 'count'; readonly path: string; readonly times: number }
  /**
   * Increments a row by reading and writing it, `clients` at a time, each transaction after `reads`
   * other reads. Reports when it is ready and, at the end, its number of conflicts.
   */
  | {
      readonly task: 'increment'
      readonly path: string
      readonly row: string
      readonly clients: number
      readonly times: number
      readonly reads: number
    }
  /** Fills a store whose file can't grow enough, deletes rows, and writes again. */
  | { readonly task: 'fill'; readonly path: string; readonly codes: readonly StoreErrorCode[] }

/** The row that a child writes for `number`. */
export function numberedRow(number: number): Buffer {
  return key(1).u64(number).end()
}

async function writeForEver(path: string): Promise<void> {
  const engine = await openLmdb({ path })
  let next = 0
  async function loop(): Promise<void> {
    for (;;) {
      const number = next++
      await engine.write(async (tx) => {
        await tx.get(numberedRow(number))
        tx.put(numberedRow(number), Buffer.alloc(300, number))
      })
      report(number)
    }
  }
  await Promise.all(Array.from({ length: 8 }, loop))
}

async function count(path: string, times: number): Promise<void> {
  const engine = await openLmdb({ path })
  for (let number = 1; number <= times; number++) {
    await engine.write(async (tx) => tx.put(utf8('count'), encodeCounter(BigInt(number))))
    report(number)
  }
  await engine.close()
}

async function increment({
  path,
  row,
  clients,
  times,
  reads,
}: Extract<ProcessTask, { task: 'increment' }>): Promise<void> {
  const engine = await openLmdb({ path })
  report('ready')
  await new Promise((resolve) => process.once('message', resolve))
  async function loop(): Promise<void> {
    for (let i = 0; i < times; i++) {
      await engine.write(async (tx) => {
        for (let number = 0; number < reads; number++) await tx.get(numberedRow(number))
        tx.put(utf8(row), encodeCounter(decodeCounter(await tx.get(utf8(row))) + 1n))
      })
    }
  }
  await Promise.all(Array.from({ length: clients }, loop))
  report(engine.statistics().conflicts)
  await engine.close()
}

async function fill(path: string, codes: readonly StoreErrorCode[]): Promise<void> {
  const refused = (error: unknown) => codes.some((code) => isStoreError(error, code))
  // The file size limit stands in for a full disk. Its signal would kill the process, so it is
  // ignored.
  process.on('SIGXFSZ', () => undefined)
  const engine = await openLmdb({ path })
  const rowBytes = 500_000
  const put = (number: number, bytes: number) =>
    engine.write(async (tx) => tx.put(numberedRow(number), Buffer.alloc(bytes, 1)))
  let rows = 0
  await assert.rejects(async () => {
    for (;;) {
      await put(rows, rowBytes)
      rows++
    }
  }, refused)
  const several = await Promise.allSettled([put(rows, rowBytes), put(rows + 1, rowBytes)])
  for (const outcome of several) {
    assert.equal(outcome.status, 'rejected')
    assert.ok(refused(outcome.reason))
  }
  const last = await engine.read((tx) => tx.get(numberedRow(rows - 1)))
  assert.equal(last?.length, rowBytes)
  assert.equal(await engine.read((tx) => tx.get(numberedRow(rows))), undefined)
  await engine.write(async (tx) => {
    for (let row = 0; row < rows / 2; row++) tx.delete(numberedRow(row))
  })
  // Pages freed by the previous commit are reusable only after another commit.
  await put(rows, 1)
  await put(rows, rowBytes)
  assert.equal((await engine.read((tx) => tx.get(numberedRow(rows))))?.length, rowBytes)
  await engine.close()
  report(rows)
}

function report(what: number | string): void {
  process.send?.(what)
}

async function run(task: ProcessTask): Promise<void> {
  switch (task.task) {
    case 'write':
      return writeForEver(task.path)
    case 'count':
      return count(task.path, task.times)
    case 'increment':
      return increment(task)
    case 'fill':
      return fill(task.path, task.codes)
  }
}

const [, program, argument] = process.argv
if (program === import.meta.filename && argument !== undefined) {
  await run(JSON.parse(argument))
  process.disconnect()
}
