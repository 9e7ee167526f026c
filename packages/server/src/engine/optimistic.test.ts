// How the engine behaves when another process commits at the worst moments, step by step over an
// in-memory store. `lmdb.test.ts` repeats it with real processes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bytes, utf8 } from '../base/bytes.ts'
import { isStoreError } from '../base/errors.ts'
import { ownLimits } from '../base/limits.ts'
import type { BackingStore, Snapshot } from './backing-store.ts'
import type { Committing } from './batch.ts'
import { ChangedView, Changes } from './changes.ts'
import {
  type CommitState,
  claimMs,
  decodeCommitState,
  encodeCommitState,
  isClaimedByOther,
  machineMs,
} from './commit-state.ts'
import { OptimisticEngine } from './optimistic.ts'
import { decodeCounter, encodeCounter } from './tuple.ts'
import type { View } from './view.ts'

const emptyView: View = {
  get: () => undefined,
  scan: () => ({ next: () => undefined, close: () => undefined }),
}

/** Rows in memory. `beforeCommit` runs where other processes may commit. */
class MemoryStore implements BackingStore {
  rows = new Changes()
  current: CommitState = { sequence: 0, claim: undefined }
  /** The state after each commit of the engine. */
  readonly history: CommitState[] = []
  beforeCommit: () => void = () => undefined
  /** Runs when a commit is durable. */
  afterCommit: () => void = () => undefined
  failure: Error | undefined
  isUnreadable = false

  snapshot(): Snapshot {
    if (this.isUnreadable) throw new Error('unreadable')
    const rows = new Changes()
    rows.pushAll(this.rows)
    const { current } = this
    return {
      view: new ChangedView(emptyView, rows),
      state: () => current,
      release: () => undefined,
    }
  }

  async commit(apply: (store: Committing) => boolean): Promise<void> {
    this.beforeCommit()
    if (this.failure !== undefined) throw this.failure
    const committing: Committing = {
      view: new ChangedView(emptyView, this.rows),
      state: () => this.current,
      put: (key, value) => this.rows.push({ kind: 'put', key, value }),
      delete: (key) => this.rows.push({ kind: 'delete', key }),
      putState: (state) => {
        this.current = state
      },
    }
    if (!apply(committing)) return
    this.history.push(this.current)
    this.afterCommit()
  }

  /** Commits a row as another process would. */
  commitElsewhere(key: string, value: Bytes): void {
    this.rows.push({ kind: 'put', key: utf8(key), value })
    this.current = { sequence: this.current.sequence + 1, claim: undefined }
  }

  counter(key: string): bigint {
    return decodeCounter(new ChangedView(emptyView, this.rows).get(utf8(key)))
  }

  checkRoom(): void {}

  sizeBytes(): number {
    return this.rows.sizeBytes
  }

  collectDead(): void {}

  async close(): Promise<void> {}
}

async function using(
  body: (store: MemoryStore, engine: OptimisticEngine) => Promise<void>,
): Promise<void> {
  const store = new MemoryStore()
  const engine = new OptimisticEngine(store)
  try {
    await body(store, engine)
  } finally {
    await engine.close()
  }
}

/** Increments by reading and writing; returns the number of times the body ran. */
async function increment(engine: OptimisticEngine, row: string): Promise<number> {
  let runs = 0
  await engine.write(async (tx) => {
    runs++
    tx.put(utf8(row), encodeCounter(decodeCounter(await tx.get(utf8(row))) + 1n))
  })
  return runs
}

test('only the transactions of a batch that another process invalidated are rerun', () =>
  using(async (store, engine) => {
    let disturbances = 1
    store.beforeCommit = () => {
      if (disturbances-- > 0) store.commitElsewhere('a', encodeCounter(10n))
    }
    const runs = await Promise.all([increment(engine, 'a'), increment(engine, 'b')])
    assert.deepEqual(runs, [2, 1])
    assert.equal(store.counter('a'), 11n)
    assert.equal(store.counter('b'), 1n)
    assert.deepEqual(
      store.history.map(({ sequence }) => sequence),
      [2, 3],
    )
  }))

test('transactions that read the writes of an invalidated one in their batch are rerun too', () =>
  using(async (store, engine) => {
    let disturbances = 1
    store.beforeCommit = () => {
      if (disturbances-- > 0) store.commitElsewhere('a', encodeCounter(10n))
    }
    const copy = engine.write(async (tx) => {
      const value = decodeCounter(await tx.get(utf8('a')))
      tx.put(utf8('copy'), encodeCounter(value))
      return value
    })
    await Promise.all([increment(engine, 'a'), copy])
    assert.equal(store.counter('a'), 11n)
    assert.equal(store.counter('copy'), await copy)
  }))

test('an outcome that depends on an uncommitted write of its batch is reported only after the commit', () =>
  using(async (store, engine) => {
    const create = (value: string) =>
      engine.write(async (tx) => {
        if ((await tx.get(utf8('row'))) !== undefined) throw new Error('exists')
        tx.put(utf8('row'), utf8(value))
      })
    store.failure = new Error('no commit')
    const outcomes = await Promise.allSettled([create('1'), create('2')])
    for (const outcome of outcomes) {
      assert.equal(outcome.status, 'rejected')
      assert.equal(String(outcome.reason), 'Error: no commit')
    }
    store.failure = undefined
    await create('3')
  }))

test('a process that lost two races claims the next commit, and then clears the claim', () =>
  using(async (store, engine) => {
    let value = 10n
    store.beforeCommit = () => {
      if (store.current.claim === undefined) store.commitElsewhere('a', encodeCounter(value++))
    }
    await increment(engine, 'a')
    assert.equal(store.counter('a'), 12n)
    const claims = store.history.map(({ claim }) => claim !== undefined)
    assert.deepEqual(claims, [true, false])
  }))

test('while another process claims the commit, nothing is committed here', () =>
  using(async (store, engine) => {
    store.current = { sequence: 5, claim: { owner: 2n, untilMs: machineMs() + claimMs } }
    let tries = 0
    store.beforeCommit = () => {
      if (++tries === 1) setImmediate(() => store.commitElsewhere('a', encodeCounter(10n)))
    }
    assert.equal(await increment(engine, 'a'), 2)
    assert.equal(store.counter('a'), 11n)
    assert.deepEqual(store.history, [{ sequence: 7, claim: undefined }])
  }))

test('the claim of a process that died is over after a moment', () =>
  using(async (store, engine) => {
    store.current = { sequence: 5, claim: { owner: 2n, untilMs: machineMs() + claimMs / 4 } }
    await increment(engine, 'a')
    assert.deepEqual(store.history, [{ sequence: 6, claim: undefined }])
  }))

test('a transaction that loses again and again gives up as SlowDown', () =>
  using(async (store, engine) => {
    let value = 0n
    store.beforeCommit = () => store.commitElsewhere('a', encodeCounter(++value))
    await assert.rejects(increment(engine, 'a'), (error) => isStoreError(error, 'SlowDown'))
    assert.equal(engine.statistics().retries, ownLimits.transactionAttempts - 1)
  }))

test('a failed commit rejects every transaction in it, and the next one may succeed', () =>
  using(async (store, engine) => {
    store.failure = new Error('no room')
    const outcomes = await Promise.allSettled([increment(engine, 'a'), increment(engine, 'b')])
    assert.ok(outcomes.every(({ status }) => status === 'rejected'))
    store.failure = undefined
    await increment(engine, 'a')
    assert.equal(store.counter('a'), 1n)
  }))

test('a committed transaction resolves even if the watchers can not read', () =>
  using(async (store, engine) => {
    const watching = engine.watch(utf8('a'), undefined, new AbortController().signal)
    store.afterCommit = () => {
      store.isUnreadable = true
    }
    await increment(engine, 'a')
    store.isUnreadable = false
    await watching
    store.afterCommit = () => undefined
    await increment(engine, 'a')
    assert.equal(store.counter('a'), 2n)
  }))

test('a store that is unreadable after a failed commit is not used again', () =>
  using(async (store, engine) => {
    store.failure = new Error('root page not written')
    store.beforeCommit = () => {
      store.isUnreadable = true
    }
    await assert.rejects(increment(engine, 'a'), store.failure)
    store.isUnreadable = false
    await assert.rejects(increment(engine, 'a'), (error) => isStoreError(error, 'StoreFailed'))
    await assert.rejects(
      engine.read((tx) => tx.get(utf8('a'))),
      (error) => isStoreError(error, 'StoreFailed'),
    )
  }))

test('the state row comes back as it was written, and is empty where there is none', () => {
  const states: CommitState[] = [
    { sequence: 2 ** 50, claim: undefined },
    { sequence: 1, claim: { owner: 2n ** 64n - 1n, untilMs: 12345.678 } },
  ]
  for (const state of states) assert.deepEqual(decodeCommitState(encodeCommitState(state)), state)
  assert.deepEqual(decodeCommitState(undefined), { sequence: 0, claim: undefined })
})

test('a claim binds other processes until it expires, and not after the clock restarted', () => {
  const claimed = { sequence: 1, claim: { owner: 1n, untilMs: 1000 } }
  assert.equal(isClaimedByOther(claimed, 2n, 999), true)
  assert.equal(isClaimedByOther(claimed, 1n, 999), false)
  assert.equal(isClaimedByOther(claimed, 2n, 1000), false)
  assert.equal(isClaimedByOther(claimed, 2n, 1000 - claimMs - 1), false)
  assert.equal(isClaimedByOther({ sequence: 1, claim: undefined }, 2n, 0), false)
})
