// Several processes that contend for rows of one store.

import assert from 'node:assert/strict'
import { on } from 'node:events'
import { test } from 'node:test'
import { utf8 } from '../base/bytes.ts'
import { counter, incrementAll, start, withEngine } from './lmdb.fixture.ts'
import { decodeCounter } from './tuple.ts'

test('a read sees what another process was told is stored, in each of 3000 tries', () =>
  withEngine(async (engine, path) => {
    const times = 500
    const child = start({ task: 'count', path, times })
    let reads = 0
    for await (const [number] of on(child, 'message', { close: ['disconnect'] })) {
      for (let i = 0; i < 6; i++) {
        const value = await engine.read((tx) => tx.get(utf8('count')))
        assert.ok(decodeCounter(value) >= BigInt(number), `read ${reads} is stale`)
        reads++
      }
    }
    assert.equal(reads, times * 6)
  }))

test('three processes increment one row, and none starves', () =>
  withEngine(async (engine, path) => {
    const work = { clients: 4, times: 50, reads: 0 }
    const tasks = ['hot', 'hot', 'hot'].map((row) => ({ row, ...work }))
    const conflicts = await incrementAll(path, tasks)
    assert.equal(await counter(engine, 'hot'), 3n * 4n * 50n)
    assert.ok(Math.max(...conflicts) > 0, 'the processes met')
  }))

test('a process whose transactions take long is not starved by one that hammers their row', () =>
  withEngine(async (engine, path) => {
    const times = 6
    const [, conflicts] = await incrementAll(path, [
      { row: 'hot', clients: 4, times: 300, reads: 0 },
      { row: 'hot', clients: 1, times, reads: 4000 },
    ])
    assert.equal(await counter(engine, 'hot'), 1200n + BigInt(times))
    assert.ok((conflicts ?? 0) <= times * 8, `${conflicts} conflicts in ${times} transactions`)
  }))
