import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from './heartbeat.ts'

test('a process that was stopped is killed soon, a busy one is left alone for long', () => {
  const ready = { isReady: true }
  assert.equal(judge({ ...ready, silentMs: 1900, state: 'T' }), undefined)
  assert.match(judge({ ...ready, silentMs: 2000, state: 'T' }) ?? '', /was stopped/)
  assert.match(judge({ ...ready, silentMs: 2000, state: 't' }) ?? '', /was stopped/)
  for (const state of ['R', 'S', 'D', undefined]) {
    assert.equal(judge({ ...ready, silentMs: 19_900, state }), undefined)
    assert.match(judge({ ...ready, silentMs: 20_000, state }) ?? '', /hangs/)
  }
})

test('a worker that still opens the store has more time', () => {
  assert.equal(judge({ isReady: false, silentMs: 60_000, state: 'R' }), undefined)
  assert.match(judge({ isReady: false, silentMs: 120_000, state: 'R' }) ?? '', /hangs/)
  assert.match(judge({ isReady: false, silentMs: 2000, state: 'T' }) ?? '', /was stopped/)
})
