// Which operations may run together under each scheme, enumerated through the lock itself.

import assert from 'node:assert/strict'
import {
  allRequests,
  areRelated,
  binaryTree,
  type Checks,
  conflicts,
  countFaults,
  promises,
  type Subject,
} from './oracle.fixture.ts'
import type { Components } from './path.ts'

type Verdict = 'block' | 'allow'

const noSuchPair = 'no such pair'

/**
 * The rows of the table in the article that proposed the schemes. Every scheme must block the first
 * two.
 */
const rows: readonly { first: 'read' | 'write'; second: 'read' | 'write'; related: boolean }[] = [
  { first: 'write', second: 'read', related: true },
  { first: 'write', second: 'write', related: true },
  { first: 'write', second: 'write', related: false },
  { first: 'write', second: 'read', related: false },
  { first: 'read', second: 'read', related: true },
  { first: 'read', second: 'read', related: false },
]

const tables: Record<string, Verdict[]> = {
  globalExclusive: ['block', 'block', 'block', 'block', 'block', 'block'],
  globalReadWrite: ['block', 'block', 'block', 'block', 'allow', 'allow'],
  ancestorReadWrite: ['block', 'block', 'allow', 'allow', 'block', 'allow'],
  hierarchical: ['block', 'block', 'allow', 'allow', 'allow', 'allow'],
}

/**
 * Whether the lock grants a second operation while the first is held, if that is the same for all
 * such pairs of paths.
 */
function verdict(
  { index }: Subject,
  scheme: 'globalExclusive' | 'globalReadWrite' | 'ancestorReadWrite' | 'hierarchical',
  row: (typeof rows)[number],
): string {
  const lock = new index.PathLock({ scheme: index[scheme] })
  const paths: Components[] = binaryTree(3)
  const verdicts = new Set<string>()
  for (const p of paths) {
    const first = lock.tryAcquire({ [row.first]: [p] })
    for (const q of paths) {
      if (areRelated(p, q) !== row.related) continue
      const second = lock.tryAcquire({ [row.second]: [q] })
      verdicts.add(second === undefined ? 'block' : 'allow')
      second?.release()
    }
    first?.release()
  }
  return [...verdicts].join(' and ') || noSuchPair
}

/** The checks of the schemes. */
export const schemeChecks: Checks = {
  'each scheme gives its compatibility table and its score': (subject) => {
    for (const { scheme, score } of promises) {
      const table = rows.map((row) => verdict(subject, scheme, row))
      assert.deepEqual(table, tables[scheme], scheme)
      assert.equal(table.filter((cell) => cell === 'allow').length, score, scheme)
    }
  },

  'no pair of requests of up to two reads and two writes on 7 paths is unsafe or waits in vain': (
    subject,
  ) => {
    const requests = allRequests(binaryTree(2), 2)
    assert.deepEqual(countFaults(subject, subject.index.hierarchical, requests, conflicts), {
      pairs: 705_600,
      unsafe: 0,
      overBlocked: 0,
    })
  },

  'no pair of requests of up to one read and one write on 15 paths is unsafe or waits in vain': (
    subject,
  ) => {
    const requests = allRequests(binaryTree(3), 1)
    for (const { scheme, conflicts: conflict } of promises) {
      const faults = countFaults(subject, subject.index[scheme], requests, conflict)
      assert.deepEqual(faults, { pairs: 65_025, unsafe: 0, overBlocked: 0 }, scheme)
    }
  },
}
