// Tests of the linearizability checker.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { linearize, type Model, type Recorded } from './linearize.ts'
import { flatMap, type Op, type State } from './model.ts'

const empty: State = new Map()

function at(from: number, to: number, op: Op): Recorded<Op> {
  return { op, from, to }
}

const put = (key: string, value: string): Op => ({ kind: 'put', key, value })
const get = (key: string, found?: string): Op => ({ kind: 'get', key, found })
const rename = (from: string, to: string): Op => ({
  ...{ kind: 'rename', from, to, replace: true, answer: 'done' },
})

test('a read during a write may see it or not, one after it must', () => {
  const write = at(1, 4, put('a', 'v'))
  for (const found of [undefined, 'v']) {
    const history = [write, at(2, 3, get('a', found))]
    assert.ok(linearize(history, flatMap, empty).isLinearizable)
  }
  assert.ok(linearize([write, at(5, 6, get('a', 'v'))], flatMap, empty).isLinearizable)
  assert.ok(!linearize([write, at(5, 6, get('a'))], flatMap, empty).isLinearizable)
})

test('after one read has seen a write, later reads must see it', () => {
  const history = [at(1, 8, put('a', 'v')), at(2, 3, get('a', 'v')), at(4, 5, get('a'))]
  assert.ok(!linearize(history, flatMap, empty).isLinearizable)
})

test('a folder seen half renamed is found', () => {
  const state = new Map([
    ['a/1', 'one'],
    ['a/2', 'two'],
  ])
  const halves = (found: readonly string[]) => [
    at(1, 8, rename('a/', 'b/')),
    at(2, 3, { kind: 'list', prefix: '', isGrouped: false, found }),
  ]
  assert.ok(linearize(halves(['a/1 one', 'a/2 two']), flatMap, state).isLinearizable)
  assert.ok(linearize(halves(['b/1 one', 'b/2 two']), flatMap, state).isLinearizable)
  assert.ok(!linearize(halves(['a/2 two', 'b/1 one']), flatMap, state).isLinearizable)
})

/** A register; a read includes the value it returned. */
type RegisterOp = { readonly write: number } | { readonly read: number }
const register: Model<RegisterOp, number> = {
  step: (state, op) => ('write' in op ? op.write : op.read === state ? state : undefined),
  key: String,
}

/** The same check by trying every order. */
function bruteForce(history: readonly Recorded<RegisterOp>[], state: number): boolean {
  if (history.length === 0) return true
  const firstEnd = Math.min(...history.map(({ to }) => to))
  return history.some((next, index) => {
    if (next.from > firstEnd) return false
    const after = register.step(state, next.op)
    return after !== undefined && bruteForce(history.toSpliced(index, 1), after)
  })
}

test('it agrees with trying every order', () => {
  const op = fc.oneof(
    fc.record({ write: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ read: fc.integer({ min: 0, max: 2 }) }),
  )
  const history = fc
    .array(fc.tuple(op, fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 8 })), {
      maxLength: 6,
    })
    .map((ops) =>
      ops.map(([one, from, length], n) => ({
        op: one,
        from: from + n / 100,
        to: from + length + n / 100 + 0.001,
      })),
    )
  fc.assert(
    fc.property(history, (ops) => {
      assert.equal(linearize(ops, register, 0).isLinearizable, bruteForce(ops, 0))
    }),
    { numRuns: 3000 },
  )
})
