// The process that is killed: acts out one scenario on a store, and kills itself when it reaches a
// point for the n-th time. Without a point it acts to the end, and prints what it met on the way.
// Arguments: data folder, scenario, point, n.

import type { CrashPoint } from '../../src/base/crash-point.ts'
import { LocalStore } from './local-store.ts'
import { scenarios } from './scenario.ts'

/** What a victim that was not killed prints, as JSON. */
export interface Account {
  /** How often each point was reached. */
  readonly points: Readonly<Partial<Record<CrashPoint, number>>>
  /** The kinds of work that the scenario told. */
  readonly kinds: readonly string[]
}

/** Later than what the scenarios prepare, so that it shows which of the two a row is from. */
const actingAt = 1_700_000_000_000

const [folder = '', name = '', point = '', count = '1'] = process.argv.slice(2)
const scenario = scenarios.find((one) => one.name === name)
if (scenario === undefined) throw new Error(`there is no scenario "${name}"`)
const points: Partial<Record<CrashPoint, number>> = {}
let isActing = false
const store = await LocalStore.open(folder, actingAt, (reached) => {
  if (!isActing) return
  const times = (points[reached] ?? 0) + 1
  points[reached] = times
  if (reached === point && times === Number(count)) process.kill(process.pid, 'SIGKILL')
})
isActing = true
const kinds: string[] = []
for await (const kind of scenario.act(store)) kinds.push(kind)
isActing = false
await store.close()
const account: Account = { points, kinds }
process.stdout.write(JSON.stringify(account))
