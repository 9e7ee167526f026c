import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { type Bytes, utf8 } from '../base/bytes.ts'
import { Changes } from './changes.ts'
import { nameOf } from './view.ts'
import { type WatchedStore, Watchers, watchPollMs } from './watchers.ts'

/** A store that counts how often it's looked at. */
class CountingStore implements WatchedStore {
  readonly rows = new Map<string, Bytes>()
  committed = 0
  looks = 0
  valuesRead = 0

  sequence(): number {
    this.looks++
    return this.committed
  }

  values(keys: readonly Bytes[]): (Bytes | undefined)[] {
    this.valuesRead += keys.length
    return keys.map((key) => this.rows.get(nameOf(key)))
  }

  commit(name: string, value: string): Changes {
    this.committed++
    this.rows.set(name, utf8(value))
    const changes = new Changes()
    changes.push({ kind: 'put', key: utf8(name), value: utf8(value) })
    return changes
  }
}

/** Starts 100 waits for 100 rows, with the timers in hand; counts begin afterwards. */
async function withHundred(
  body: (subject: {
    readonly store: CountingStore
    readonly watchers: Watchers
    readonly ended: number[]
  }) => Promise<void>,
): Promise<void> {
  mock.timers.enable({ apis: ['setInterval'] })
  const store = new CountingStore()
  const watchers = new Watchers(store)
  const ended: number[] = []
  const controller = new AbortController()
  const waits = Array.from({ length: 100 }, async (_, index) => {
    await watchers.wait(utf8(`row${index}`), undefined, controller.signal)
    ended.push(index)
  })
  try {
    store.looks = 0
    store.valuesRead = 0
    await body({ store, watchers, ended })
  } finally {
    controller.abort(new Error('on purpose'))
    await Promise.allSettled(waits)
    mock.timers.reset()
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('a hundred waits cost one look, and no value is read while nothing is committed', () =>
  withHundred(async ({ store }) => {
    mock.timers.tick(watchPollMs)
    assert.deepEqual([store.looks, store.valuesRead], [1, 0])
    mock.timers.tick(watchPollMs * 9)
    assert.deepEqual([store.looks, store.valuesRead], [10, 0])
  }))

test('a commit of another process is seen by the next look', () =>
  withHundred(async ({ store, ended }) => {
    store.commit('row7', 'x')
    mock.timers.tick(watchPollMs)
    await settled()
    assert.deepEqual(ended, [7])
    assert.equal(store.valuesRead, 100)
  }))

test('a commit of this process is seen at once, and costs no other watch a read', () =>
  withHundred(async ({ store, watchers, ended }) => {
    watchers.committed(1, store.commit('row7', 'x'))
    watchers.committed(2, store.commit('other', 'x'))
    await settled()
    assert.deepEqual(ended, [7])
    mock.timers.tick(watchPollMs)
    assert.equal(store.valuesRead, 1)
  }))

test('a commit of another process is not missed beside one of this process', () =>
  withHundred(async ({ store, watchers, ended }) => {
    store.commit('row3', 'x')
    watchers.committed(2, store.commit('row7', 'x'))
    mock.timers.tick(watchPollMs)
    await settled()
    assert.deepEqual(ended, [7, 3])
  }))
