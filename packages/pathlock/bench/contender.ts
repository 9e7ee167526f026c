// The libraries side by side, each in its own manner of locking a name. Only pathlock knows that
// names form a tree: the others lock one name (or two) for what takes pathlock a node at each
// depth.

import AsyncLock from 'async-lock'
import { Mutex } from 'async-mutex'
import asyncRwlock from 'async-rwlock'
import { PathLock } from 'pathlock'
import ReadWriteLock from 'rwlock'

/** A lock as the benchmark uses it; all but `hold` give back what they took. */
export interface Contender {
  readonly name: string
  write(path: string): Promise<void>
  copy(from: string, to: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Takes a lock for good; the lock was free. */
  hold(path: string): Promise<unknown>
}

/** Makes a fresh lock of each library. */
export const contenders: readonly (() => Contender)[] = [
  pathLock,
  asyncMutex,
  asyncLock,
  asyncReadWriteLock,
  readWriteLock,
]

function pathLock(): Contender {
  const lock = new PathLock({ onLeak: () => undefined })
  const held: unknown[] = []
  return {
    name: 'pathlock',
    write: async (path) => (await lock.write(path)).release(),
    copy: async (from, to) => (await lock.copy(from, to)).release(),
    rename: async (from, to) => (await lock.rename(from, to)).release(),
    hold: async (path) => held.push(await lock.write(path)),
  }
}

function asyncMutex(): Contender {
  const mutexOf = byName(() => new Mutex())
  const both = async (from: string, to: string): Promise<void> => {
    const releaseFrom = await mutexOf(from).acquire()
    const releaseTo = await mutexOf(to).acquire()
    releaseTo()
    releaseFrom()
  }
  return {
    name: 'async-mutex',
    write: async (path) => (await mutexOf(path).acquire())(),
    copy: both,
    rename: both,
    hold: (path) => mutexOf(path).acquire(),
  }
}

function asyncLock(): Contender {
  const lock = new AsyncLock({ maxPending: Number.POSITIVE_INFINITY })
  const nothing = (): void => undefined
  return {
    name: 'async-lock',
    write: (path) => lock.acquire(path, nothing),
    copy: (from, to) => lock.acquire([from, to], nothing),
    rename: (from, to) => lock.acquire([from, to], nothing),
    hold: async (path) => {
      void lock.acquire(path, () => new Promise(nothing))
    },
  }
}

function asyncReadWriteLock(): Contender {
  const lockOf = byName(() => new asyncRwlock.RWLock())
  return {
    name: 'async-rwlock',
    write: async (path) => {
      const lock = lockOf(path)
      await lock.writeLock()
      lock.unlock()
    },
    copy: async (from, to) => {
      await lockOf(from).readLock()
      await lockOf(to).writeLock()
      lockOf(to).unlock()
      lockOf(from).unlock()
    },
    rename: async (from, to) => {
      await lockOf(from).writeLock()
      await lockOf(to).writeLock()
      lockOf(to).unlock()
      lockOf(from).unlock()
    },
    hold: (path) => lockOf(path).writeLock(),
  }
}

function readWriteLock(): Contender {
  const lock = new ReadWriteLock()
  const take = (kind: 'readLock' | 'writeLock', path: string): Promise<() => void> =>
    new Promise((resolve) => {
      lock[kind](path, resolve)
    })
  const both = async (kind: 'readLock' | 'writeLock', from: string, to: string): Promise<void> => {
    const releaseFrom = await take(kind, from)
    const releaseTo = await take('writeLock', to)
    releaseTo()
    releaseFrom()
  }
  return {
    name: 'rwlock',
    write: async (path) => (await take('writeLock', path))(),
    copy: (from, to) => both('readLock', from, to),
    rename: (from, to) => both('writeLock', from, to),
    hold: (path) => take('writeLock', path),
  }
}

/** A lock for each name, for libraries whose locks have no names. */
function byName<T>(make: () => T): (name: string) => T {
  const locks = new Map<string, T>()
  return (name) => {
    let lock = locks.get(name)
    if (lock === undefined) {
      lock = make()
      locks.set(name, lock)
    }
    return lock
  }
}
