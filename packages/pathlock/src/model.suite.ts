// PathLock with its promises, signals and timers, under random commands and interleavings, compared
// with a model that is a plain list.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { mock } from 'node:test'
import fc from 'fast-check'
import type { PathLock, PathLockHandle } from './index.ts'
import {
  binaryTree,
  type Checks,
  conflicts,
  type Subject,
  testScale,
  turn,
} from './oracle.fixture.ts'
import type { PathSets } from './request.ts'

/** The expected state of a request. */
interface Expected {
  sets: PathSets
  readonly deadline: number
  state: 'live' | 'released' | 'aborted' | 'timed out' | 'refused'
}

/** The actual state of a request. */
interface Actual {
  readonly controller: AbortController
  handle: PathLockHandle | undefined
  error: unknown
}

interface Model {
  now: number
  readonly requests: Expected[]
}

interface Real {
  readonly subject: Subject
  readonly lock: PathLock
  readonly requests: Actual[]
}

type Command = fc.AsyncCommand<Model, Real>

const paths = fc.array(fc.constantFrom(...binaryTree(2)), { maxLength: 2 })
const someSets = fc.record({ read: paths, write: paths }).filter(isSome)

const commands: fc.Arbitrary<Command>[] = [
  fc
    .record({ sets: someSets, timeoutMs: fc.constantFrom(undefined, undefined, 5, 20) })
    .map(({ sets, timeoutMs }) =>
      command(`acquire(${show(sets)}, ${timeoutMs})`, (model, real) => {
        const deadline = model.now + (timeoutMs ?? Number.POSITIVE_INFINITY)
        model.requests.push({ sets, deadline, state: 'live' })
        const actual: Actual = {
          controller: new AbortController(),
          handle: undefined,
          error: undefined,
        }
        real.requests.push(actual)
        void real.lock.acquire(sets, { timeoutMs, signal: actual.controller.signal }).then(
          (handle) => {
            actual.handle = handle
          },
          (error: unknown) => {
            actual.error = error
          },
        )
      }),
    ),
  someSets.map((sets) =>
    command(`tryAcquire(${show(sets)})`, (model, real) => {
      const isFree = !liveOf(model).some((other) => conflicts(other.sets, sets))
      const handle = real.lock.tryAcquire(sets)
      assert.equal(handle !== undefined, isFree)
      const state = isFree ? 'live' : 'refused'
      model.requests.push({ sets, deadline: Number.POSITIVE_INFINITY, state })
      real.requests.push({ controller: new AbortController(), handle, error: undefined })
    }),
  ),
  fc.nat().map((which) =>
    command(`release(${which})`, (model, real) => {
      const chosen = choose(model, real, which)
      if (chosen?.actual.handle === undefined) return
      chosen.actual.handle.release()
      if (chosen.expected.state === 'live') chosen.expected.state = 'released'
    }),
  ),
  fc.nat().map((which) =>
    command(`abort(${which})`, (model, real) => {
      const chosen = choose(model, real, which)
      if (chosen === undefined) return
      if (chosen.expected.state === 'live' && !isHeld(model, chosen.expected)) {
        chosen.expected.state = 'aborted'
      }
      chosen.actual.controller.abort('aborted')
    }),
  ),
  fc.record({ which: fc.nat(), keep: fc.boolean() }).map(({ which, keep }) =>
    command(`downgrade(${which}, ${keep})`, (model, real) => {
      const chosen = choose(model, real, which)
      if (chosen?.actual.handle === undefined || chosen.expected.state !== 'live') return
      const { read, write } = chosen.expected.sets
      const part = keep ? { read: [...read, ...write], write: [] } : { read, write: write.slice(1) }
      if (!isSome(part)) return
      chosen.actual.handle.downgrade(part)
      chosen.expected.sets = part
    }),
  ),
  fc.integer({ min: 1, max: 10 }).map((time) =>
    command(`pass(${time})`, (model) => {
      for (let elapsed = 0; elapsed < time; elapsed += 1) {
        model.now += 1
        const isDue = (one: Expected): boolean => one.deadline === model.now && !isHeld(model, one)
        // Timers of one instant fire in the order in which they were set, and each may let later
        // requests be granted.
        for (const one of model.requests) {
          if (one.state === 'live' && isDue(one)) one.state = 'timed out'
        }
        mock.timers.tick(1)
      }
    }),
  ),
]

function command(name: string, act: (model: Model, real: Real) => void): Command {
  return {
    check: () => true,
    toString: () => name,
    run: async (model, real) => {
      act(model, real)
      await turn()
      assertAgree(model, real)
    },
  }
}

/** Fails unless every request's state matches the model and nothing else remains. */
function assertAgree(model: Model, { subject, lock, requests }: Real): void {
  const ticketsOf = (infos: readonly { ticket: bigint }[]): number[] =>
    infos.map(({ ticket }) => Number(ticket))
  const ticket = (one: Expected): number => model.requests.indexOf(one) + 1
  const live = liveOf(model)
  const { held, pending } = lock.query()
  assert.deepEqual(ticketsOf(held), live.filter((one) => isHeld(model, one)).map(ticket))
  const waiting = live.filter((one) => !isHeld(model, one))
  assert.deepEqual(ticketsOf(pending), waiting.map(ticket))
  assert.deepEqual(
    pending.map(({ blockedBy }) => blockedBy.map(Number)),
    waiting.map((one) => blockersOf(model, one).map(ticket)),
  )
  model.requests.forEach((one, index) => {
    const actual = requests[index]
    assert.ok(actual)
    const isHolding = one.state === 'live' && isHeld(model, one)
    assert.equal(actual.handle?.held ?? false, isHolding)
    assert.equal(actual.error === 'aborted', one.state === 'aborted')
    assert.equal(actual.error instanceof subject.index.LockTimeoutError, one.state === 'timed out')
    const listeners = getEventListeners(actual.controller.signal, 'abort').length
    assert.equal(listeners, one.state === 'live' && !isHolding ? 1 : 0)
  })
}

function liveOf(model: Model): Expected[] {
  return model.requests.filter((one) => one.state === 'live')
}

function blockersOf(model: Model, one: Expected): Expected[] {
  const earlier = model.requests.slice(0, model.requests.indexOf(one))
  return earlier.filter((other) => other.state === 'live' && conflicts(other.sets, one.sets))
}

function isHeld(model: Model, one: Expected): boolean {
  return blockersOf(model, one).length === 0
}

function choose(
  model: Model,
  real: Real,
  which: number,
): { expected: Expected; actual: Actual } | undefined {
  const index = which % Math.max(1, model.requests.length)
  const expected = model.requests[index]
  const actual = real.requests[index]
  return expected && actual && { expected, actual }
}

function isSome({ read, write }: PathSets): boolean {
  return read.length + write.length > 0
}

function show({ read, write }: PathSets): string {
  return `read ${JSON.stringify(read)} write ${JSON.stringify(write)}`
}

/**
 * Runs all tasks. Fails if conflicting tasks run together, or if anything is held or waiting at the
 * end.
 */
async function runTasks(
  subject: Subject,
  scheduler: fc.Scheduler,
  tasks: PathSets[],
): Promise<void> {
  const lock = new subject.index.PathLock()
  const working = new Set<PathSets>()
  const work = async (sets: PathSets): Promise<void> => {
    await scheduler.schedule(Promise.resolve(), `start ${show(sets)}`)
    await lock.run(sets, async () => {
      for (const other of working) assert.ok(!conflicts(other, sets), 'two run that conflict')
      working.add(sets)
      await scheduler.schedule(Promise.resolve(), `work ${show(sets)}`)
      working.delete(sets)
    })
  }
  const all = Promise.all(tasks.map(work))
  // A rejection is checked below; without this handler it would count as unhandled while the
  // scheduler runs.
  all.catch(() => undefined)
  await scheduler.waitIdle()
  await turn()
  assert.deepEqual(lock.query(), { held: [], pending: [] })
  await all
}

/** The checks by random runs. */
export const modelChecks: Checks = {
  'under random commands every request holds, waits and fails as in the model': async (subject) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      await fc.assert(
        fc.asyncProperty(fc.commands(commands, { maxCommands: 30, size: 'max' }), async (run) => {
          const real: Real = { subject, lock: new subject.index.PathLock(), requests: [] }
          await fc.asyncModelRun(() => ({ model: { now: 0, requests: [] }, real }), run)
        }),
        { numRuns: 250 * testScale() },
      )
    } finally {
      mock.timers.reset()
    }
  },

  'under any interleaving no two tasks that conflict run together, and all end': async (
    subject,
  ) => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(someSets, { minLength: 2, maxLength: 8 }),
        (scheduler, tasks) => runTasks(subject, scheduler, tasks),
      ),
      { numRuns: 200 * testScale() },
    )
  },
}
