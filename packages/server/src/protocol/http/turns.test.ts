import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from './turns.ts'

const nextBreak = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('large reads wait after half a megabyte, until the next break', async () => {
  const turns = new Turns()
  turns.take(524_287)
  assert.equal(turns.areSpent, false)
  turns.take(1)
  assert.equal(turns.areSpent, true)
  await nextBreak()
  assert.equal(turns.areSpent, false)
})

test('those that wait share the bytes between two breaks in their order', async () => {
  const turns = new Turns()
  const served: number[] = []
  for (let i = 0; i < 5; i++) {
    turns.wait(() => {
      served.push(i)
      turns.take(262_144)
    })
  }
  await nextBreak()
  assert.deepEqual(served, [0, 1])
  await nextBreak()
  await nextBreak()
  assert.deepEqual(served, [0, 1, 2, 3, 4])
})

test('breaks are frequent after a new connection, and then as before', async () => {
  const turns = new Turns()
  turns.shorten()
  let shortStretches = 0
  for (;;) {
    turns.take(65_536)
    if (!turns.areSpent) break
    shortStretches++
    await nextBreak()
  }
  assert.equal(shortStretches, 16)
})

test('a callback that has left is not called', async () => {
  const turns = new Turns()
  const turn = (): void => assert.fail('called')
  turns.wait(turn)
  turns.leave(turn)
  await nextBreak()
})
