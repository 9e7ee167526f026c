// Enumerates all possible mode tables: ours is the only one that is safe and blocks nothing
// needlessly.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conflicts, join, Mode } from './mode.ts'
import { allRequests, binaryTree, conflicts as mustNotRunTogether } from './oracle.fixture.ts'
import type { PathSets } from './request.ts'

const modes = Object.values(Mode)
const paths = binaryTree(2)

/**
 * For each pair of requests, the pairs of modes (as bits 5a+b, a ≤ b) in which they meet at some
 * node.
 */
function meetings(requests: readonly PathSets[]): { met: number; conflict: boolean }[] {
  const taken = requests.map((request) => paths.map((path) => modeAt(request, path.join('/'))))
  return requests.flatMap((a, i) =>
    requests.map((b, j) => {
      let met = 0
      paths.forEach((_, node) => {
        const [left, right] = [taken[i]?.[node], taken[j]?.[node]]
        if (left !== undefined && right !== undefined) met |= bit(left, right)
      })
      return { met, conflict: mustNotRunTogether(a, b) }
    }),
  )
}

function modeAt({ read, write }: PathSets, node: string): Mode | undefined {
  const isAbove = (path: readonly string[]): boolean =>
    path.join('/') !== node && (node === '' || `${path.join('/')}/`.startsWith(`${node}/`))
  const isAt = (path: readonly string[]): boolean => path.join('/') === node
  const roles: Mode[] = []
  if (read.some(isAt)) roles.push(Mode.read)
  if (read.some(isAbove)) roles.push(Mode.readAncestor)
  if (write.some(isAt)) roles.push(Mode.write)
  if (write.some(isAbove)) roles.push(Mode.writeAncestor)
  return roles.length === 0 ? undefined : roles.reduce(join)
}

function bit(a: Mode, b: Mode): number {
  return 1 << (Math.min(a, b) * 5 + Math.max(a, b))
}

/** All subsets of `candidates`. */
function* subsets(candidates: readonly number[]): Generator<number> {
  for (let choice = 0; choice < 2 ** candidates.length; choice += 1) {
    yield candidates.reduce((union, pair, index) => union | (((choice >> index) & 1) * pair), 0)
  }
}

const ours = modes.reduce(
  (union: number, mode) =>
    conflicts[mode].reduce((bits: number, other) => bits | bit(mode, other), union),
  0,
)
const fifth = modes.map((mode) => bit(mode, Mode.readAndWriteAncestor))

test('conflicts are symmetric', () => {
  for (const a of modes) {
    for (const b of modes) assert.equal(conflicts[a].includes(b), conflicts[b].includes(a))
  }
})

test('join is the least upper bound in the order that the conflicts give', () => {
  const isAtLeast = (a: Mode, b: Mode): boolean =>
    conflicts[b].every((other) => conflicts[a].includes(other))
  for (const a of modes) {
    for (const b of modes) {
      const upperBounds = modes.filter((mode) => isAtLeast(mode, a) && isAtLeast(mode, b))
      assert.ok(upperBounds.includes(join(a, b)))
      for (const bound of upperBounds) assert.ok(isAtLeast(bound, join(a, b)))
    }
  }
})

test('of the 1,024 tables of the four modes, 32 are safe and only ours allows all that is harmless', () => {
  const single = allRequests(paths, 1).filter(({ read, write }) => read.length + write.length === 1)
  const pairs = meetings(single)
  const four = modes.filter((mode) => mode !== Mode.readAndWriteAncestor)
  const cells = four.flatMap((a) => four.filter((b) => a <= b).map((b) => bit(a, b)))
  const safe = [...subsets(cells)].filter((table) =>
    pairs.every(({ met, conflict }) => !conflict || (met & table) !== 0),
  )
  const exact = safe.filter((table) =>
    pairs.every(({ met, conflict }) => conflict || (met & table) === 0),
  )
  const isFourModes = cells.reduce((union, cell) => union | cell, 0)
  assert.equal(safe.length, 32)
  assert.deepEqual(exact, [ours & isFourModes])
})

test('of the 32 rows of the fifth mode, only ours is exact', () => {
  const pairs = meetings(allRequests(paths, 2))
  const withoutFifth = ours & ~fifth.reduce((union, cell) => union | cell, 0)
  const exact = [...subsets(fifth)].filter((row) =>
    pairs.every(({ met, conflict }) => ((met & (withoutFifth | row)) !== 0) === conflict),
  )
  assert.deepEqual(exact, [ours & ~withoutFifth])
})
