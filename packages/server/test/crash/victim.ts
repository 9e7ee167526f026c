// The process that is killed. It runs one scenario on a store and kills itself when it reaches a
// crash point for the n-th time. Without a point it runs to the end and prints the points it
// passed. Arguments: data folder, scenario, point, n.

import type { CrashPoint } from '../../src/base/crash-point.ts'
import { LocalStore } from './local-store.ts'
import { scenarios } from './scenario.ts'

/** The output, as JSON, of a victim that was not killed. */
export interface Account {
  /** How often each point was reached. */
  readonly points: Readonly<Partial<Record<CrashPoint, number>>>
  /** The kinds of work that the scenario yielded. */
  readonly kinds: readonly string[]
}

/** Later than the preparation of the scenarios, so that rows show which of the two wrote them. */
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
