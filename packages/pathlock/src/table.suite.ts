// The lock table, compared with a one-line model: a claim is held exactly when no earlier live
// claim conflicts with it.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Claim } from './node.ts'
import {
  binaryTree,
  type Checks,
  conflicts,
  type Promised,
  promises,
  type Subject,
  sets,
  testScale,
} from './oracle.fixture.ts'
import type { PathSets } from './request.ts'
import type { LockTable } from './table.ts'

const smallSize = 4

/** Twelve requests on four paths: every mode at every depth, and every relation of two paths. */
const requests: readonly PathSets[] = [
  sets({ read: [''] }),
  sets({ write: [''] }),
  sets({ read: ['a'] }),
  sets({ write: ['a'] }),
  sets({ read: ['a/b'] }),
  sets({ write: ['a/b'] }),
  sets({ read: ['b'] }),
  sets({ write: ['b'] }),
  sets({ read: ['a'], write: ['a/b'] }),
  sets({ read: ['a/b'], write: ['b'] }),
  sets({ write: ['a', 'b'] }),
  sets({ read: [''], write: ['b'] }),
]

interface Live {
  readonly claim: Claim
  sets: PathSets
}

/** Fails unless each live claim is held exactly when it should be. */
function assertExact(live: readonly Live[], conflict: Promised['conflicts']): void {
  live.forEach(({ claim, sets }, index) => {
    const isFree = !live.slice(0, index).some((earlier) => conflict(earlier.sets, sets))
    if ((claim.state === 'held') !== isFree) {
      assert.fail(`claim ${claim.ticket} is ${claim.state}`)
    }
  })
}

/** All sequences of up to `length` numbers below `count`. */
function* sequences(count: number, length: number): Generator<number[]> {
  if (length === 0) return
  for (let first = 0; first < count; first += 1) {
    yield [first]
    for (const rest of sequences(count, length - 1)) yield [first, ...rest]
  }
}

function permutations(count: number): number[][] {
  if (count === 0) return [[]]
  return permutations(count - 1).flatMap((shorter) =>
    Array.from({ length: count }, (_, at) => shorter.toSpliced(at, 0, count - 1)),
  )
}

function tableOf(
  { index, table }: Subject,
  { scheme }: Promised,
  idleNodes = smallSize,
): LockTable {
  return new table.LockTable({ scheme: index[scheme], idleNodes })
}

/**
 * Enters the requests in one order and removes them in another, checking all live claims after each
 * step.
 */
function runSmallWorld(
  table: LockTable,
  chosen: readonly number[],
  order: readonly number[],
  conflictTable: readonly (readonly boolean[])[],
): void {
  const claims: Claim[] = []
  const isLive: boolean[] = []
  const look = (): void => {
    for (let later = 0; later < claims.length; later += 1) {
      if (!isLive[later]) continue
      let isFree = true
      const row = conflictTable[chosen[later] ?? 0]
      for (let earlier = 0; earlier < later; earlier += 1) {
        if (isLive[earlier] && row?.[chosen[earlier] ?? 0]) isFree = false
      }
      if ((claims[later]?.state === 'held') !== isFree) {
        assert.fail(`requests ${chosen} in order, then ${order} released: ${later} is wrong`)
      }
    }
  }
  for (const choice of chosen) {
    const request = requests[choice]
    assert.ok(request)
    claims.push(table.enter(request, undefined))
    isLive.push(true)
    look()
  }
  for (const position of order) {
    const claim = claims[position]
    assert.ok(claim)
    table.remove(claim)
    isLive[position] = false
    look()
  }
}

function runAllSmallWorlds(subject: Subject, promised: Promised, length: number): number {
  const table = tableOf(subject, promised)
  const conflictTable = requests.map((a) => requests.map((b) => promised.conflicts(a, b)))
  const orders = Array.from({ length: length + 1 }, (_, count) => permutations(count))
  let worlds = 0
  for (const chosen of sequences(requests.length, length)) {
    for (const order of orders[chosen.length] ?? []) {
      runSmallWorld(table, chosen, order, conflictTable)
      worlds += 1
    }
  }
  assert.deepEqual(table.claims(), [])
  return worlds
}

const path = fc.constantFrom(...binaryTree(2), [''], ['a', ''], ['\u{10000}'])
const paths = fc.array(path, { maxLength: 3 })
const request = fc.record({ read: paths, write: paths })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('enter'), request }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove'), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('reduce'),
      which: fc.nat(),
      keep: fc.infiniteStream(fc.nat(2)),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** A part of a request: each path is dropped, kept, or changed from write to read. */
function partOf({ read, write }: PathSets, keep: Iterator<number>): PathSets {
  const choice = (): number => keep.next().value ?? 0
  const kept = read.filter(() => choice() > 0)
  const choices = write.map((written) => ({ written, choice: choice() }))
  const weakened = choices.filter((each) => each.choice === 1).map((each) => each.written)
  const stillWritten = choices.filter((each) => each.choice === 2).map((each) => each.written)
  return { read: [...kept, ...weakened], write: stillWritten }
}

function runSteps(subject: Subject, promised: Promised, steps: readonly Step[]): void {
  const table = tableOf(subject, promised)
  const conflict: Promised['conflicts'] = (a, b) =>
    !isEmpty(a) && !isEmpty(b) && promised.conflicts(a, b)
  let live: Live[] = []
  for (const each of steps) {
    if ('request' in each) {
      live.push({ claim: table.enter(each.request, undefined), sets: each.request })
    } else {
      const chosen = live[each.which % live.length]
      if (chosen === undefined) continue
      if (!('keep' in each)) {
        table.remove(chosen.claim)
        live = live.filter((other) => other !== chosen)
      } else if (chosen.claim.state === 'held') {
        chosen.sets = partOf(chosen.sets, each.keep[Symbol.iterator]())
        table.reduce(chosen.claim, chosen.sets)
      }
    }
    assertExact(live, conflict)
    assertListed(table, live, conflict)
  }
  for (const { claim } of live) table.remove(claim)
  assert.deepEqual(table.claims(), [])
  assert.ok(table.nodeCount <= smallSize + 1, `${table.nodeCount} nodes are left`)
}

/** Fails unless the table lists all live claims and their blockers. */
function assertListed(
  table: LockTable,
  live: readonly Live[],
  conflict: Promised['conflicts'],
): void {
  const listed = live.filter(({ sets }) => !isEmpty(sets))
  assert.deepEqual(
    table.claims().map((claim) => claim.ticket),
    listed.map(({ claim }) => claim.ticket),
  )
  listed.forEach(({ claim, sets }, index) => {
    const earlier = listed.slice(0, index).filter((other) => conflict(other.sets, sets))
    assert.deepEqual(
      table.blockers(claim, live.length),
      earlier.map((other) => other.claim.ticket),
    )
  })
}

function isEmpty({ read, write }: PathSets): boolean {
  return read.length + write.length === 0
}

function only(scheme: Promised['scheme']): Promised {
  const found = promises.find((promised) => promised.scheme === scheme)
  assert.ok(found)
  return found
}

/**
 * Enters `requests` in order. Returns the states of all, one letter each, after each removal in
 * `removed`.
 */
function states(
  subject: Subject,
  entered: readonly PathSets[],
  removed: readonly number[],
): string[] {
  const table = tableOf(subject, only('hierarchical'))
  const claims = entered.map((each) => table.enter(each, undefined))
  const letters = (): string => claims.map(({ state }) => state.charAt(0)).join('')
  return [
    letters(),
    ...removed.map((position) => {
      const claim = claims[position]
      assert.ok(claim)
      table.remove(claim)
      return letters()
    }),
  ]
}

/** The checks of the lock table. */
export const tableChecks: Checks = {
  'all sequences of up to 4 of 12 requests, released in all orders, are held exactly when free': (
    subject,
  ) => {
    assert.equal(runAllSmallWorlds(subject, only('hierarchical'), 4), 508_332)
  },

  'all sequences of up to 3 requests are held exactly when free under every scheme': (subject) => {
    for (const promised of promises) assert.equal(runAllSmallWorlds(subject, promised, 3), 10_668)
  },

  'any steps of entering, reducing and removing leave held exactly what is free, and no nodes': (
    subject,
  ) => {
    for (const promised of promises) {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) =>
          runSteps(subject, promised, steps),
        ),
        { numRuns: 150 * testScale() },
      )
    }
  },

  'a writer does not see into what a copy reads above the path that it writes': (subject) => {
    const copy = sets({ read: ['a'], write: ['a/b'] })
    assert.ok(conflicts(copy, sets({ write: ['a/c'] })))
    assert.deepEqual(states(subject, [copy, sets({ write: ['a/c'] })], []), ['hw'])
    assert.deepEqual(states(subject, [copy, sets({ read: ['a'] })], []), ['hw'])
    assert.deepEqual(states(subject, [copy, sets({ read: ['a/c'] })], []), ['hh'])
  },

  'when a writer that waits is removed, the readers behind it are granted': (subject) => {
    const read = sets({ read: ['a'] })
    const entered = [read, sets({ write: ['a'] }), read, read, sets({ read: ['a/b'] })]
    assert.deepEqual(states(subject, entered, [1]), ['hwwww', 'hrhhh'])
  },

  'a request waits for none that it has no conflict with, whatever waits at their common ancestor':
    (subject) => {
      const entered = [sets({ read: [''] }), sets({ write: ['a'] }), sets({ read: ['e'] })]
      assert.deepEqual(states(subject, entered, []), ['hwh'])
    },

  'a later request does not overtake one that waits elsewhere for a part of its paths': (
    subject,
  ) => {
    const entered = [sets({ write: ['a'] }), sets({ write: ['a', 'b'] }), sets({ write: ['b'] })]
    assert.deepEqual(states(subject, entered, [0, 1]), ['hww', 'rhw', 'rrh'])
  },

  'a stream of readers does not starve a writer': (subject) => {
    const read = sets({ read: ['a'] })
    const entered = [read, read, sets({ write: ['a/b'] }), read]
    assert.deepEqual(states(subject, entered, [0, 1, 2]), ['hhww', 'rhww', 'rrhw', 'rrrh'])
  },

  'a path below another of the same request stays held when the upper one is given back': (
    subject,
  ) => {
    const table = tableOf(subject, only('hierarchical'))
    const claim = table.enter(sets({ write: ['a', 'a/b'] }), undefined)
    const below = table.enter(sets({ write: ['a/b'] }), undefined)
    const beside = table.enter(sets({ write: ['a/c'] }), undefined)
    table.reduce(claim, sets({ write: ['a/b'] }))
    assert.deepEqual([claim.state, below.state, beside.state], ['held', 'waiting', 'held'])
    table.remove(claim)
    assert.equal(below.state, 'held')
  },

  'after 1,000,000 operations no more than the idle nodes are left': (subject) => {
    const table = tableOf(subject, only('hierarchical'), 1_024)
    let most = 0
    for (let count = 0; count < 500_000; count += 1) {
      const names = ['folder', String(count % 10_007), String(count % 13)]
      const claim = table.enter({ read: [], write: [names] }, undefined)
      const waiting = table.enter({ read: [names], write: [] }, undefined)
      table.remove(count % 2 === 0 ? claim : waiting)
      table.remove(count % 2 === 0 ? waiting : claim)
      most = Math.max(most, table.nodeCount)
    }
    assert.deepEqual(table.claims(), [])
    // Plus the root and the nodes of the claim that is being removed.
    assert.ok(most <= 1_024 + 4, `${most} nodes were kept`)
  },
}
