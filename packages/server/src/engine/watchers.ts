// Waiting for rows to change: at once when this process commits the change, and by one look every
// few milliseconds, however many wait, when another process does.

import type { Bytes } from '../base/bytes.ts'
import type { Changes } from './changes.ts'
import { nameOf, sameValue } from './view.ts'

/** Milliseconds between two looks for commits of other processes. */
export const watchPollMs = 20

/** What the watchers read of the store: each call sees the newest commit. */
export interface WatchedStore {
  /** The number of the last commit. */
  sequence(): number
  /** The values of `keys`, of one snapshot. */
  values(keys: readonly Bytes[]): (Bytes | undefined)[]
}

interface Watcher {
  readonly key: Bytes
  readonly seen: Bytes | undefined
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** All waits of one engine. */
export class Watchers {
  readonly #store: WatchedStore
  readonly #byName = new Map<string, Set<Watcher>>()
  #timer: NodeJS.Timeout | undefined
  /** Every commit up to this one has been looked at for all who wait. */
  #checkedSequence = 0

  constructor(store: WatchedStore) {
    this.#store = store
  }

  /** Resolves once the value of `key` isn't `seen`; rejects with the signal's reason. */
  async wait(key: Bytes, seen: Bytes | undefined, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#byName.size === 0) this.#checkedSequence = this.#store.sequence()
    if (!sameValue(this.#store.values([key])[0], seen)) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const watcher: Watcher = { key, seen, resolve, reject }
    const abort = () => reject(signal.reason)
    this.#register(watcher)
    signal.addEventListener('abort', abort, { once: true })
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', abort)
      this.#remove(watcher)
    }
  }

  /** Tells of a commit of this process. */
  committed(sequence: number, changes: Changes): void {
    if (this.#byName.size === 0) return
    const concerned: Watcher[] = []
    for (const name of changes.names()) concerned.push(...(this.#byName.get(name) ?? []))
    this.#check(concerned)
    if (sequence === this.#checkedSequence + 1) this.#checkedSequence = sequence
  }

  /** Ends every wait with `error`. */
  close(error: Error): void {
    clearInterval(this.#timer)
    for (const watcher of this.#all()) watcher.reject(error)
  }

  #poll(): void {
    try {
      const sequence = this.#store.sequence()
      if (sequence === this.#checkedSequence) return
      this.#check(this.#all())
      this.#checkedSequence = sequence
    } catch (error) {
      for (const watcher of this.#all()) watcher.reject(error)
    }
  }

  #check(watchers: readonly Watcher[]): void {
    if (watchers.length === 0) return
    const values = this.#store.values(watchers.map((watcher) => watcher.key))
    for (const [index, watcher] of watchers.entries()) {
      if (!sameValue(values[index], watcher.seen)) watcher.resolve()
    }
  }

  #all(): Watcher[] {
    return [...this.#byName.values()].flatMap((watchers) => [...watchers])
  }

  #register(watcher: Watcher): void {
    const name = nameOf(watcher.key)
    const others = this.#byName.get(name)
    if (others === undefined) this.#byName.set(name, new Set([watcher]))
    else others.add(watcher)
    this.#timer ??= setInterval(() => this.#poll(), watchPollMs)
  }

  #remove(watcher: Watcher): void {
    const name = nameOf(watcher.key)
    const others = this.#byName.get(name)
    others?.delete(watcher)
    if (others?.size === 0) this.#byName.delete(name)
    if (this.#byName.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
