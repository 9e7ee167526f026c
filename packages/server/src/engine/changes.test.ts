import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../base/bytes.ts'
import { Changes } from './changes.ts'
import { nameOf } from './view.ts'

type Action =
  | { readonly kind: 'push'; readonly names: readonly number[] }
  | { readonly kind: 'ask'; readonly name: number; readonly exclusive: boolean }

const name = fc.nat({ max: 200 })
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant('push'), names: fc.array(name, { maxLength: 40 }) }),
  fc.record({ kind: fc.constant('ask'), name, exclusive: fc.boolean() }),
)

const keyOf = (number: number): Buffer => Buffer.from([number])

test('the neighbours of a key are found however changes and questions alternate', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
      const changes = new Changes()
      const known = new Set<number>()
      for (const step of actions) {
        if (step.kind === 'push') {
          for (const number of step.names) {
            changes.push({ kind: 'delete', key: keyOf(number) })
            known.add(number)
          }
          continue
        }
        const sorted = [...known].sort((a, b) => a - b)
        const after = sorted.find((n) => (step.exclusive ? n > step.name : n >= step.name))
        const before = sorted.findLast((n) => n < step.name)
        const name = nameOf(keyOf(step.name))
        assert.equal(changes.atOrAfter(name, step.exclusive)?.key[0], after)
        assert.equal(changes.before(name)?.key[0], before)
        assert.equal(changes.before(undefined)?.key[0], sorted.at(-1))
      }
    }),
  )
})

test('a range that was asked for early does not make every later change dearer', () => {
  const count = 60_000
  const keys = Array.from({ length: count }, (_, i) => utf8(String(10 * count - i)))
  const msOf = (asksFirst: boolean): number => {
    const started = process.cpuUsage()
    const changes = new Changes()
    changes.push({ kind: 'delete', key: utf8('0') })
    if (asksFirst) changes.atOrAfter('0', true)
    for (const key of keys) changes.push({ kind: 'delete', key })
    assert.equal(changes.atOrAfter('0', true)?.key, keys.at(-1))
    return process.cpuUsage(started).user / 1000
  }
  msOf(false)
  const early = msOf(true)
  const late = msOf(false)
  assert.ok(early < 5 * late + 100, `${early} ms with an early range, ${late} ms without`)
})
