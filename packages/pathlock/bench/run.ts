// `npm run bench`: one table, millions of awaited acquire-and-release pairs for each second of the
// process's CPU time (collecting garbage included), so that what else the machine does counts less.
// The whole table is measured several times and the best is shown.

import { availableParallelism, cpus } from 'node:os'
import { type Contender, contenders } from './contender.ts'

const passes = 3
const rounds = 3
const roundMs = 80
const taskCount = 64

interface Row {
  readonly name: string
  /** What is there before the clock starts. */
  readonly prepare?: (lock: Contender) => Promise<void>
  /** Does `count` operations, or more; gives how many. */
  readonly run: (lock: Contender, count: number) => Promise<number>
  /** Fixes the number of operations, where the row is about that many. */
  readonly count?: number
}

const deep = 'a/b/c/d/e/f/g/h'

const rows: readonly Row[] = [
  { name: 'write, depth 1', run: oneByOne((lock) => lock.write('a')) },
  { name: 'write, depth 3', run: oneByOne((lock) => lock.write('a/b/c')) },
  { name: 'write, depth 8', run: oneByOne((lock) => lock.write(deep)) },
  { name: 'copy, depth 3', run: oneByOne((lock) => lock.copy('a/b/c', 'a/b/d')) },
  { name: 'rename, depth 3', run: oneByOne((lock) => lock.rename('a/b/c', 'x/y/z')) },
  {
    name: 'write, depth 3, 1,000 others held',
    prepare: (lock) => hold(lock, 1_000),
    run: oneByOne((lock) => lock.write('a/b/c')),
  },
  {
    name: 'write, depth 3, 100,000 others held',
    prepare: (lock) => hold(lock, 100_000),
    run: oneByOne((lock) => lock.write('a/b/c')),
  },
  {
    name: 'write, depth 3, 100,000 others waiting',
    prepare: async (lock) => {
      await lock.hold('busy/b/c')
      for (let index = 0; index < 100_000; index += 1) void lock.write('busy/b/c')
    },
    run: oneByOne((lock) => lock.write('a/b/c')),
  },
  { name: '100,000 queue for one path, till all had it', run: atOnce, count: 100_000 },
  { name: '64 tasks, one path', run: tasks(() => 'a/b/c') },
  { name: '64 tasks, 64 siblings', run: tasks((task) => `a/b/${task}`) },
]

function oneByOne(operate: (lock: Contender) => Promise<void>): Row['run'] {
  return async (lock, count) => {
    for (let done = 0; done < count; done += 1) await operate(lock)
    return count
  }
}

async function atOnce(lock: Contender, count: number): Promise<number> {
  const all: Promise<void>[] = []
  for (let index = 0; index < count; index += 1) all.push(lock.write('a/b/c'))
  await Promise.all(all)
  return count
}

function tasks(pathOf: (task: number) => string): Row['run'] {
  return async (lock, count) => {
    const each = Math.ceil(count / taskCount)
    const paths = Array.from({ length: taskCount }, (_, task) => pathOf(task))
    await Promise.all(
      paths.map(async (path) => {
        for (let done = 0; done < each; done += 1) await lock.write(path)
      }),
    )
    return each * taskCount
  }
}

async function hold(lock: Contender, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await lock.hold(`held/${index % 100}/${index}`)
}

/** Millions of operations a second. */
async function measure(make: () => Contender, row: Row): Promise<number> {
  const lock = make()
  await row.prepare?.(lock)
  let count = row.count ?? 1_000
  let best = 0
  for (let round = 0; round < (row.count === undefined ? rounds : 1); ) {
    const start = process.cpuUsage()
    const done = await row.run(lock, count)
    const { user, system } = process.cpuUsage(start)
    const elapsedMs = (user + system) / 1_000
    // Rounds that are too short to measure warm up, and tell how many operations fill one.
    if (row.count === undefined && elapsedMs < roundMs / 2) {
      count = Math.ceil((count * roundMs) / Math.max(elapsedMs, 1))
      continue
    }
    best = Math.max(best, done / elapsedMs / 1_000)
    round += 1
  }
  return best
}

function line(cells: readonly string[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
}

const names = contenders.map((make) => make().name)
const best = rows.map(() => names.map(() => 0))
for (let pass = 0; pass < passes; pass += 1) {
  for (const [index, row] of rows.entries()) {
    const cells = best[index] ?? []
    for (const [column, make] of contenders.entries()) {
      cells[column] = Math.max(cells[column] ?? 0, await measure(make, row))
    }
  }
}
const model = cpus()[0]?.model ?? 'unknown processor'
process.stdout.write(`Node ${process.version}, ${model}, ${availableParallelism()} cores\n\n`)
line(['million/s', ...names])
line(['---', ...names.map(() => '---:')])
for (const [index, row] of rows.entries()) {
  line([row.name, ...(best[index] ?? []).map((cell) => cell.toFixed(2))])
}
