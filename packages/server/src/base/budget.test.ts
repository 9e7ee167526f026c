import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteBudget } from './budget.ts'
import { isStoreError } from './errors.ts'

test('no more is held at once than the budget has, and what is given back may be held again', () => {
  const budget = new ByteBudget(10)
  const [first, second] = [budget.hold(), budget.hold()]
  first.take(4)
  second.take(3)
  second.take(3)
  assert.throws(
    () => first.take(1),
    (error) => isStoreError(error, 'SlowDown'),
  )
  second.release()
  second.release()
  first.take(6)
  assert.throws(() => second.take(1))
  first.release()
  second.take(10)
})

test('no party holds more than its share, and leaves the rest to the others', () => {
  const budget = new ByteBudget(10, 6)
  const [one, again, other] = [budget.hold('a'), budget.hold('a'), budget.hold('b')]
  one.take(4)
  again.take(2)
  for (const held of [one, again]) {
    assert.throws(
      () => held.take(1),
      (error) => isStoreError(error, 'SlowDown'),
    )
  }
  other.take(4)
  assert.throws(() => other.take(1))
  one.release()
  again.take(4)
})

test('a holder of too much is not registered, and takes nothing', () => {
  const budget = new ByteBudget(10, 6)
  assert.equal(budget.tryHold(7, 'a'), undefined)
  const held = budget.tryHold(6, 'a')
  assert.equal(budget.tryHold(1, 'a'), undefined)
  assert.equal(budget.tryHold(5, 'b'), undefined)
  held?.release()
  assert.ok(budget.tryHold(6, 'a'))
})
