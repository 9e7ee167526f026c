// The behaviour of PathLock as a caller sees it: order, handles, errors, aborts, timeouts, and the
// absence of leaks.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { mock } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { LockInfo, PathLock, PathLockHandle, PathLockOptions } from './index.ts'
import { type Checks, type Subject, turn } from './oracle.fixture.ts'

/** The state of a promise, once every microtask has run. */
async function outcome(promise: Promise<unknown>): Promise<string> {
  let state = 'pending'
  promise.then(
    () => {
      state = 'granted'
    },
    (error: unknown) => {
      state = error instanceof Error ? error.name : String(error)
    },
  )
  await turn()
  return state
}

async function outcomes(promises: readonly Promise<unknown>[]): Promise<string> {
  return (await Promise.all(promises.map(outcome))).join(' ')
}

/** The handle of a request that must be granted by now. */
async function granted(promise: Promise<PathLockHandle>): Promise<PathLockHandle> {
  assert.equal(await outcome(promise), 'granted')
  return await promise
}

function lockOf({ index }: Subject, options?: PathLockOptions): PathLock {
  return new index.PathLock(options)
}

function counts(lock: PathLock): { held: number; pending: number } {
  const { held, pending } = lock.query()
  return { held: held.length, pending: pending.length }
}

const idleCounts = { held: 0, pending: 0 }

async function withTimers(body: () => Promise<void>): Promise<void> {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    await body()
  } finally {
    mock.timers.reset()
  }
}

/** Forces several rounds of garbage collection, with time for the finalizers in between. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  assert.ok(typeof collect === 'function')
  for (let round = 0; round < 5; round += 1) {
    collect()
    await turn()
  }
}

const grants: Checks = {
  'requests are ordered by their calls, not by when their promises are looked at': async (
    subject,
  ) => {
    const lock = lockOf(subject)
    const order: string[] = []
    const note = async (name: string, promise: Promise<PathLockHandle>): Promise<void> => {
      const handle = await promise
      order.push(name)
      handle.release()
    }
    const first = lock.write('a')
    const second = lock.write('a/b')
    const third = lock.read('a')
    await Promise.all([note('third', third), note('second', second), note('first', first)])
    assert.deepEqual(order, ['first', 'second', 'third'])
    const handle = lock.tryAcquire({ write: ['a'] })
    assert.equal(handle?.ticket, 4n)
  },

  'each short form asks for what its name says': async (subject) => {
    const lock = lockOf(subject)
    const asked = async (promise: Promise<PathLockHandle>): Promise<unknown> => {
      const handle = await granted(promise)
      handle.release()
      return handle.request
    }
    assert.deepEqual(await asked(lock.read('a')), { read: [['a']], write: [] })
    assert.deepEqual(await asked(lock.write('a')), { read: [], write: [['a']] })
    assert.deepEqual(await asked(lock.remove('a')), { read: [], write: [['a']] })
    assert.deepEqual(await asked(lock.rename('a', 'b')), { read: [], write: [['a'], ['b']] })
    assert.deepEqual(await asked(lock.copy('a', 'b')), { read: [['a']], write: [['b']] })
  },

  'tryAcquire takes what is free, and else neither takes, nor waits, nor overtakes': (subject) => {
    const lock = lockOf(subject)
    const reader = lock.tryAcquire({ read: ['a'] })
    assert.ok(reader?.held)
    assert.equal(lock.tryAcquire({ write: ['a/b'] }), undefined)
    assert.ok(lock.tryAcquire({ read: ['a'] }))
    void lock.write('a')
    assert.equal(lock.tryAcquire({ read: ['a/b'] }), undefined)
    assert.deepEqual(counts(lock), { held: 2, pending: 1 })
  },

  'run releases when its body ends, and when it throws': async (subject) => {
    const lock = lockOf(subject)
    const isHeldToTheEnd = lock.run({ write: ['a'] }, async (handle) => {
      await turn()
      return handle.held
    })
    assert.equal(await isHeldToTheEnd, true)
    assert.deepEqual(counts(lock), idleCounts)
    const failure = lock.run({ write: ['a'] }, () => {
      throw new Error('from the body')
    })
    await assert.rejects(failure, { message: 'from the body' })
    assert.deepEqual(counts(lock), idleCounts)
  },

  'a request without paths is always granted': async (subject) => {
    const lock = lockOf(subject)
    assert.ok(lock.tryAcquire({ write: [[]] }))
    const handle = await granted(lock.acquire({}))
    assert.ok(handle.held)
    handle.release()
    assert.equal(handle.held, false)
  },

  'paths may repeat, nest, and stand on both sides of one request': async (subject) => {
    const lock = lockOf(subject)
    const request = { read: ['a', 'a', '', 'b'], write: ['a', 'a/b', ['a', 'b'], 'a/b/c'] }
    const handle = await granted(lock.acquire(request))
    assert.equal(lock.tryAcquire({ read: ['a'] }), undefined)
    assert.equal(lock.tryAcquire({ write: ['c'] }), undefined)
    assert.ok(lock.tryAcquire({ read: ['c'] }))
    handle.release()
    assert.ok(lock.tryAcquire({ write: ['a'] }))
  },

  'a string and the components that it stands for are one node': (subject) => {
    const lock = lockOf(subject)
    assert.ok(lock.tryAcquire({ write: new Set(['/a/b/']) }))
    assert.equal(lock.tryAcquire({ read: [['a', 'b', 'c']] }), undefined)
    assert.ok(lock.tryAcquire({ read: [['a/b']] }))
  },

  'with S3 paths an object and the folder of its name are two, and a folder covers its prefix': (
    subject,
  ) => {
    const lock = lockOf(subject, { parse: subject.index.s3Path })
    const folder = lock.tryAcquire({ write: ['a/'] })
    assert.ok(lock.tryAcquire({ write: ['a'] }))
    assert.ok(lock.tryAcquire({ write: ['ab'] }))
    assert.equal(lock.tryAcquire({ read: ['a//b'] }), undefined)
    assert.equal(lock.tryAcquire({ read: [['a/', '']] }), undefined)
    assert.ok(folder?.covers('a/b', 'write'))
    assert.equal(folder?.covers('a', 'read'), false)
  },

  'later changes to the caller’s arrays have no effect': async (subject) => {
    const lock = lockOf(subject)
    const path = ['a', 'b']
    const handle = await granted(lock.write(path))
    path.pop()
    assert.deepEqual(handle.request.write, [['a', 'b']])
    assert.equal(handle.covers('a', 'write'), false)
  },

  'every scheme has the same interface': async (subject) => {
    const { globalExclusive, globalReadWrite, ancestorReadWrite, hierarchical } = subject.index
    for (const scheme of [globalExclusive, globalReadWrite, ancestorReadWrite, hierarchical]) {
      const lock = lockOf(subject, { scheme })
      const [copy, write, read] = [lock.copy('a', 'a/b'), lock.write('a/c'), lock.read('a/b')]
      assert.equal(await outcomes([copy, write, read]), 'granted pending pending')
      ;(await copy).release()
      ;(await granted(write)).release()
      ;(await granted(read)).release()
      assert.deepEqual(counts(lock), idleCounts)
    }
  },
}

const handles: Checks = {
  'a second release does not affect the next holder': async (subject) => {
    const lock = lockOf(subject)
    const [first, second, third, fourth] = ['a', 'a', 'a', 'a'].map((path) => lock.write(path))
    assert.ok(first && second && third && fourth)
    const handle = await granted(first)
    handle.release()
    handle.release()
    assert.equal(handle.held, false)
    assert.equal(await outcomes([second, third]), 'granted pending')
    ;(await second).release()
    handle.release()
    assert.equal(await outcomes([third, fourth]), 'granted pending')
    ;(await third).release()
    ;(await granted(fourth)).release()
    handle.release()
    assert.deepEqual(counts(lock), idleCounts)
    assert.ok(lock.tryAcquire({ write: ['a'] }))
  },

  'a handle is released at the end of its block': async (subject) => {
    const lock = lockOf(subject)
    {
      await using asynchronous = await lock.write('a')
      using synchronous = await lock.write('b')
      assert.ok(asynchronous.held && synchronous.held)
    }
    assert.deepEqual(counts(lock), idleCounts)
  },

  'covers tells what may be done where, until the release': async (subject) => {
    const handle = await granted(lockOf(subject).copy('a', ['b', 'c']))
    const may = (path: string): string =>
      [handle.covers(path, 'read') && 'read', handle.covers(path, 'write') && 'write'].join(' ')
    assert.deepEqual(['', 'a', 'a/b', 'ab', 'b', 'b/c', 'b/c/d'].map(may), [
      'false false',
      'read false',
      'read false',
      'false false',
      'false false',
      'read write',
      'read write',
    ])
    handle.release()
    assert.equal(may('a'), 'false false')
  },

  'a downgrade grants at once the requests that only waited for the released part': async (
    subject,
  ) => {
    const lock = lockOf(subject)
    const handle = await granted(lock.acquire({ read: ['c'], write: ['a', 'b'] }))
    const waiting = [lock.read('a/x'), lock.write('a/y'), lock.write('b'), lock.write('c')]
    handle.downgrade({ read: ['a', 'c'] })
    assert.equal(await outcomes(waiting), 'granted pending granted pending')
    assert.deepEqual(handle.request, { read: [['a'], ['c']], write: [] })
    assert.equal(handle.covers('a', 'write'), false)
    handle.release()
    ;(await granted(waiting[0] ?? assert.fail())).release()
    assert.equal(await outcomes(waiting), 'granted granted granted granted')
  },

  'a downgrade to more than was asked for is refused and changes nothing': async (subject) => {
    const handle = await granted(lockOf(subject).copy('a', 'b'))
    for (const more of [{ write: ['a'] }, { read: ['a/x'] }, { write: ['b/x'] }, { read: ['c'] }]) {
      assert.throws(() => handle.downgrade(more), RangeError)
    }
    assert.ok(handle.covers('b', 'write'))
    handle.release()
    assert.throws(() => handle.downgrade({}), subject.index.LockLostError)
  },

  'the signal of a handle never fires': async (subject) => {
    const handle = await granted(lockOf(subject).write('a'))
    const { signal } = handle
    handle.release()
    assert.equal(signal.aborted, false)
    assert.equal(handle.signal, signal)
  },

  'query lists held and waiting requests with their blockers': async (subject) => {
    const lock = lockOf(subject)
    void lock.copy('a', 'a/b', { label: 'backup' })
    void lock.read('a/b/c')
    void lock.rename('a', 'c')
    const sets = [
      { read: [['a']], write: [['a', 'b']] },
      { read: [['a', 'b', 'c']], write: [] },
      { read: [], write: [['a'], ['c']] },
    ]
    assert.deepEqual(lock.query(), {
      held: [{ ticket: 1n, label: 'backup', ...sets[0] }],
      pending: [
        { ticket: 2n, label: undefined, ...sets[1], blockedBy: [1n] },
        { ticket: 3n, label: undefined, ...sets[2], blockedBy: [1n, 2n] },
      ],
    })
  },

  'a dropped handle is reported once, and its lock stays held': async (subject) => {
    const leaks: LockInfo[] = []
    const lock = lockOf(subject, { onLeak: (leaked) => leaks.push(leaked) })
    const kept = await lock.read('a', { label: 'kept' })
    await (async () => {
      await lock.read('a', { label: 'dropped' })
      const late = await lock.read('a', { label: 'released late' })
      await collectGarbage()
      late.release()
    })()
    await collectGarbage()
    assert.deepEqual(
      leaks.map(({ label }) => label),
      ['dropped'],
    )
    assert.deepEqual(counts(lock), { held: 2, pending: 0 })
    kept.release()
  },
}

const endings: Checks = {
  'a signal that is aborted already refuses the request and takes no ticket': async (subject) => {
    const lock = lockOf(subject)
    const refused = lock.write('a', { signal: AbortSignal.abort('stop') })
    assert.equal(await outcome(refused), 'stop')
    assert.deepEqual(counts(lock), idleCounts)
    assert.equal(lock.tryAcquire({ write: ['a'] })?.ticket, 1n)
  },

  'an abort while waiting withdraws the request and wakes the requests behind it': async (
    subject,
  ) => {
    const lock = lockOf(subject)
    const { signal, abort } = controller()
    const reader = lock.read('a')
    const writer = lock.write('a', { signal })
    const behind = lock.read('a')
    assert.equal(await outcomes([reader, writer, behind]), 'granted pending pending')
    abort('stop')
    assert.equal(await outcomes([writer, behind]), 'stop granted')
    assert.deepEqual(counts(lock), { held: 2, pending: 0 })
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  },

  'an abort in the tick of the grant comes too late, and the handle is the caller’s to release':
    async (subject) => {
      const lock = lockOf(subject)
      const { signal, abort } = controller()
      const first = await granted(lock.write('a'))
      const second = lock.write('a', { signal })
      first.release()
      abort('stop')
      const handle = await granted(second)
      assert.deepEqual(counts(lock), { held: 1, pending: 0 })
      handle.release()
      assert.deepEqual(counts(lock), idleCounts)
      assert.equal(getEventListeners(signal, 'abort').length, 0)
    },

  'an abort just before the release wins over the grant': async (subject) => {
    const lock = lockOf(subject)
    const { signal, abort } = controller()
    const first = await granted(lock.write('a'))
    const second = lock.write('a', { signal })
    abort('stop')
    first.release()
    assert.equal(await outcome(second), 'stop')
    assert.deepEqual(counts(lock), idleCounts)
  },

  'an abort after the grant does nothing, also after a grant without waiting': async (subject) => {
    const lock = lockOf(subject)
    const { signal, abort } = controller()
    const handle = await granted(lock.write('a', { signal }))
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    abort('stop')
    assert.ok(handle.held)
    handle.release()
    assert.deepEqual(counts(lock), idleCounts)
  },

  'one signal for many requests keeps no listener when they have ended, however they did': async (
    subject,
  ) => {
    const lock = lockOf(subject, { maxPending: 2 })
    const { signal, abort } = controller()
    const first = await granted(lock.write('a', { signal }))
    const waiting = [1, 2, 3].map(() => lock.write('a', { signal }))
    assert.equal(getEventListeners(signal, 'abort').length, 2)
    first.release()
    assert.equal(await outcomes(waiting), 'granted pending LockQueueFullError')
    abort('stop')
    assert.equal(await outcomes(waiting), 'granted stop LockQueueFullError')
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  },

  'a timeout withdraws the request, wakes the requests behind it, and names the blockers': (
    subject,
  ) =>
    withTimers(async () => {
      const lock = lockOf(subject)
      void lock.read('a')
      const writer = lock.write('a', { timeoutMs: 50, label: 'cleaner' })
      const behind = lock.read('a', { timeoutMs: 51 })
      mock.timers.tick(49)
      assert.equal(await outcomes([writer, behind]), 'pending pending')
      mock.timers.tick(1)
      assert.equal(await outcomes([writer, behind]), 'LockTimeoutError granted')
      mock.timers.tick(1)
      assert.deepEqual(counts(lock), { held: 2, pending: 0 })
      await assert.rejects(writer, {
        message: 'Not granted within 50 ms: request 2 (cleaner), write /a',
        timeoutMs: 50,
        blockedBy: [1n],
      })
    }),

  'a timeout after the grant, or after an abort, does nothing': (subject) =>
    withTimers(async () => {
      const lock = lockOf(subject)
      const { signal, abort } = controller()
      const first = await granted(lock.write('a', { timeoutMs: 10 }))
      const second = lock.write('a', { timeoutMs: 10 })
      const third = lock.write('a', { timeoutMs: 10, signal })
      first.release()
      abort('stop')
      mock.timers.tick(1_000)
      assert.equal(await outcomes([second, third]), 'granted stop')
      assert.deepEqual(counts(lock), { held: 1, pending: 0 })
    }),

  'a timeout that no timer can keep is refused': async (subject) => {
    const lock = lockOf(subject)
    for (const timeoutMs of [-1, Number.NaN, 2 ** 31]) {
      assert.equal(await outcome(lock.write('a', { timeoutMs })), 'RangeError')
    }
    assert.deepEqual(counts(lock), idleCounts)
    assert.equal(await outcome(lock.write('a', { timeoutMs: Number.POSITIVE_INFINITY })), 'granted')
  },

  'a string for a list of paths is refused and takes no ticket': async (subject) => {
    const lock = lockOf(subject)
    // @ts-expect-error: a string is an iterable of strings, but not a list of paths.
    const refused = lock.acquire({ write: 'a/b' })
    assert.equal(await outcome(refused), 'TypeError')
    assert.equal(lock.tryAcquire({})?.ticket, 1n)
  },

  'a full queue refuses further requests, lets free ones through, and takes more when it has room':
    async (subject) => {
      const lock = lockOf(subject, { maxPending: 1 })
      const first = await granted(lock.write('a'))
      const second = lock.write('a')
      const refused = lock.write('a')
      assert.equal(await outcomes([second, refused]), 'pending LockQueueFullError')
      assert.deepEqual(counts(lock), { held: 1, pending: 1 })
      assert.equal(await outcome(lock.write('b')), 'granted')
      first.release()
      const third = lock.write('a')
      assert.equal(await outcomes([second, third]), 'granted pending')
    },
}

function controller(): { signal: AbortSignal; abort: (reason: unknown) => void } {
  const made = new AbortController()
  return { signal: made.signal, abort: (reason) => made.abort(reason) }
}

/** The checks of PathLock and its handles. */
export const lockChecks: Checks = { ...grants, ...handles, ...endings }
