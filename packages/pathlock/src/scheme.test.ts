// The schemes, and counterexamples to the simpler rules for a node with two roles.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as index from './index.ts'
import { join, Mode } from './mode.ts'
import { allRequests, binaryTree, conflicts, countFaults, type Subject } from './oracle.fixture.ts'
import { schemeChecks } from './scheme.suite.ts'
import * as table from './table.ts'

const subject: Subject = { index, table }

for (const [name, check] of Object.entries(schemeChecks)) test(name, () => check(subject))

/** `hierarchical` with another mode for a node that is read and is an ancestor of a written one. */
function ruleFor(readAboveWrite: Mode): index.Scheme {
  return {
    ...index.hierarchical,
    join: (a, b) => (join(a, b) === Mode.readAndWriteAncestor ? readAboveWrite : join(a, b)),
  }
}

/** Requests of up to 1 path on 7, of up to 2 on 7, of up to 1 on 15. */
const worlds = [
  allRequests(binaryTree(2), 1),
  allRequests(binaryTree(2), 2),
  allRequests(binaryTree(3), 1),
]

function faultsOf(scheme: index.Scheme): string[] {
  return worlds.map((requests) => {
    const { pairs, unsafe, overBlocked } = countFaults(subject, scheme, requests, conflicts)
    return `${pairs}: ${unsafe} unsafe, ${overBlocked} over-blocked`
  })
}

test('the rule "write-ancestor hides read" lets a writer into what a copy reads', () => {
  const faults = faultsOf(ruleFor(Mode.writeAncestor))
  assert.deepEqual(faults, [
    '3969: 282 unsafe, 0 over-blocked',
    '705600: 13188 unsafe, 0 over-blocked',
    '65025: 4754 unsafe, 0 over-blocked',
  ])
})

test('the rule "read hides write-ancestor" lets a reader see what a copy writes', () => {
  const faults = faultsOf(ruleFor(Mode.read))
  assert.deepEqual(faults, [
    '3969: 70 unsafe, 0 over-blocked',
    '705600: 5680 unsafe, 0 over-blocked',
    '65025: 590 unsafe, 0 over-blocked',
  ])
})

test('four modes with "read and write-ancestor make write" are safe, but block what may run', () => {
  const faults = faultsOf(ruleFor(Mode.write))
  assert.deepEqual(faults, [
    '3969: 0 unsafe, 76 over-blocked',
    '705600: 0 unsafe, 2640 over-blocked',
    '65025: 0 unsafe, 1164 over-blocked',
  ])
})
