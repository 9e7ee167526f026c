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

  commit(...names: readonly string[]): Changes {
    this.committed++
    const value = utf8(String(this.committed))
    const changes = new Changes()
    for (const name of names) {
      this.rows.set(name, value)
      changes.push({ kind: 'put', key: utf8(name), value })
    }
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
  mark?: Bytes,
): Promise<void> {
  mock.timers.enable({ apis: ['setInterval'] })
  const store = new CountingStore()
  const watchers = new Watchers(store, () => 0)
  const ended: number[] = []
  const controller = new AbortController()
  const waits = Array.from({ length: 100 }, async (_, index) => {
    await watchers.wait(utf8(`row${index}`), undefined, { signal: controller.signal, mark })
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
    store.commit('row7')
    mock.timers.tick(watchPollMs)
    await settled()
    assert.deepEqual(ended, [7])
    assert.equal(store.valuesRead, 100)
  }))

test('a commit of this process is seen at once, and costs no other watch a read', () =>
  withHundred(async ({ store, watchers, ended }) => {
    watchers.committed(1, store.commit('row7'))
    watchers.committed(2, store.commit('other'))
    await settled()
    assert.deepEqual(ended, [7])
    mock.timers.tick(watchPollMs)
    assert.equal(store.valuesRead, 1)
  }))

test('a commit of another process is not missed beside one of this process', () =>
  withHundred(async ({ store, watchers, ended }) => {
    store.commit('row3')
    watchers.committed(2, store.commit('row7'))
    mock.timers.tick(watchPollMs)
    await settled()
    assert.deepEqual(ended, [7, 3])
  }))

const mark = utf8('mark')
const withMark = (body: Parameters<typeof withHundred>[0]): Promise<void> => withHundred(body, mark)

test('a hundred waits with one mark cost a look at it, whatever else other processes commit', () =>
  withMark(async ({ store }) => {
    for (let commits = 1; commits <= 10; commits++) {
      store.commit('other')
      mock.timers.tick(watchPollMs)
    }
    assert.deepEqual([store.looks, store.valuesRead], [10, 10])
  }))

test('waits with a mark are looked at when another process changes it', () =>
  withMark(async ({ store, ended }) => {
    store.commit('row7', 'mark')
    mock.timers.tick(watchPollMs)
    await settled()
    assert.deepEqual(ended, [7])
    assert.equal(store.valuesRead, 101)
  }))

test('a mark that this process changes costs no other wait a look', () =>
  withMark(async ({ store, watchers, ended }) => {
    watchers.committed(1, store.commit('row7', 'mark'))
    store.commit('other')
    mock.timers.tick(watchPollMs)
    await settled()
    assert.deepEqual(ended, [7])
    assert.equal(store.valuesRead, 2)
  }))

test('a mark that two processes change hides neither change', () =>
  withMark(async ({ store, watchers, ended }) => {
    const own = store.commit('row7', 'mark')
    store.commit('row3', 'mark')
    watchers.committed(1, own)
    mock.timers.tick(watchPollMs)
    await settled()
    assert.deepEqual(ended, [7, 3])
  }))

test('a wait that joins after a change of the mark does not hide it from those before it', () =>
  withMark(async ({ store, watchers, ended }) => {
    store.commit('row3', 'mark')
    const controller = new AbortController()
    const joined = watchers.wait(utf8('later'), undefined, { signal: controller.signal, mark })
    mock.timers.tick(watchPollMs)
    await settled()
    assert.deepEqual(ended, [3])
    controller.abort(new Error('on purpose'))
    await assert.rejects(joined, /on purpose/)
  }))

test('looks that take long rest in proportion', async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  let nowMs = 0
  class SlowStore extends CountingStore {
    override values(keys: readonly Bytes[]): (Bytes | undefined)[] {
      nowMs += 10
      return super.values(keys)
    }
  }
  const store = new SlowStore()
  const watchers = new Watchers(store, () => nowMs)
  const controller = new AbortController()
  const waiting = watchers.wait(utf8('row'), undefined, { signal: controller.signal })
  const before = store.valuesRead
  for (let polls = 0; polls < 100; polls++) {
    store.commit('other')
    nowMs += watchPollMs
    mock.timers.tick(watchPollMs)
  }
  const looks = store.valuesRead - before
  assert.ok(looks > 0 && looks <= 10, String(looks))
  controller.abort(new Error('on purpose'))
  await assert.rejects(waiting, /on purpose/)
  mock.timers.reset()
})
