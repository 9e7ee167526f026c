import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Breaks, FairQueue } from './fair-queue.ts'

test('one piece runs at a time, and the parties take turns', async () => {
  const queue = new FairQueue()
  const order: string[] = []
  let running = 0
  const piece = (party: string, name: string): Promise<string> =>
    queue.run(party, async () => {
      running++
      assert.equal(running, 1)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      order.push(name)
      return name
    })
  const names = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1']
  assert.deepEqual(await Promise.all(names.map((name) => piece(name.charAt(0), name))), names)
  assert.deepEqual(order, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2'])
})

test('a piece that fails ends its turn', async () => {
  const queue = new FairQueue()
  const failing = queue.run('a', async () => {
    throw new Error('no')
  })
  const next = queue.run('a', async () => 'next')
  await assert.rejects(failing, /no/)
  assert.equal(await next, 'next')
  assert.equal(await queue.run('b', async () => 'later'), 'later')
})

test('a break is due after some milliseconds of work', async () => {
  let nowMs = 0
  const breaks = new Breaks({ now: () => nowMs, monotonicMs: () => nowMs })
  assert.equal(breaks.isDue, false)
  nowMs = 5
  assert.equal(breaks.isDue, true)
  await breaks.take()
  assert.equal(breaks.isDue, false)
})
