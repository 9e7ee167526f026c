// Waiting for rows to change: at once when this process commits the change, and by one look every
// few milliseconds, however many wait, when another process does. A look reads the marks of those that
// wait, and the rows below a mark only when it has changed.

import type { Bytes } from '../base/bytes.ts'
import { applied, type Changes } from './changes.ts'
import { nameOf, sameValue } from './view.ts'

/** Milliseconds between two looks for commits of other processes. */
export const watchPollMs = 20

/** Milliseconds that looks rest for each millisecond that one took, so that they have a small share. */
const restPerMs = 19

/** The reads of the watchers: each call sees the newest commit. */
export interface WatchedStore {
  /** The number of the last commit. */
  sequence(): number
  /** The values of `keys`, of one snapshot. */
  values(keys: readonly Bytes[]): (Bytes | undefined)[]
}

/** How a wait is done. */
export interface WatchOptions {
  readonly signal: AbortSignal
  /**
   * A key whose value changes, to one that it never had, in every commit that changes the watched one:
   * while it stays, commits of other processes cost no look at the watched one.
   */
  readonly mark?: Bytes | undefined
}

/** Those that wait for rows that change with one mark, or with none. */
interface Group {
  readonly mark: Bytes | undefined
  /** The mark's value when all of them were last looked at. */
  value: Bytes | undefined
  readonly watchers: Set<Watcher>
}

interface Watcher {
  readonly key: Bytes
  readonly seen: Bytes | undefined
  readonly group: Group
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** All waits of one engine. */
export class Watchers {
  readonly #store: WatchedStore
  readonly #nowMs: () => number
  readonly #byName = new Map<string, Set<Watcher>>()
  /** By the name of the mark, '' for those without. */
  readonly #groups = new Map<string, Group>()
  #timer: NodeJS.Timeout | undefined
  /** Every commit up to this one has been looked at for all who wait. */
  #checkedSequence = 0
  /** No look at rows is made before this time. */
  #restUntilMs = 0

  constructor(store: WatchedStore, nowMs: () => number = () => performance.now()) {
    this.#store = store
    this.#nowMs = nowMs
  }

  /** Resolves once the value of `key` isn't `seen`; rejects with the signal's reason. */
  async wait(key: Bytes, seen: Bytes | undefined, { signal, mark }: WatchOptions): Promise<void> {
    signal.throwIfAborted()
    if (this.#byName.size === 0) this.#checkedSequence = this.#store.sequence()
    const [value, marked] = this.#store.values(mark === undefined ? [key] : [key, mark])
    if (!sameValue(value, seen)) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const group = this.#groupOf(mark, marked)
    const watcher: Watcher = { key, seen, group, resolve, reject }
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
    if (sequence !== this.#checkedSequence + 1) return
    this.#checkedSequence = sequence
    // All that this commit changed has been looked at, so its marks have nothing more to say.
    for (const group of this.#groups.values()) {
      const change = group.mark === undefined ? undefined : changes.find(group.mark)
      if (change !== undefined) group.value = applied(change, group.value)
    }
  }

  /** Ends every wait with `error`. */
  close(error: Error): void {
    clearInterval(this.#timer)
    for (const watcher of this.#all()) watcher.reject(error)
  }

  #poll(): void {
    const startedMs = this.#nowMs()
    if (startedMs < this.#restUntilMs) return
    try {
      const sequence = this.#store.sequence()
      if (sequence === this.#checkedSequence) return
      const changed = this.#changedGroups()
      this.#check(changed.flatMap(({ watchers }) => [...watchers]))
      this.#checkedSequence = sequence
    } catch (error) {
      for (const watcher of this.#all()) watcher.reject(error)
    }
    const endedMs = this.#nowMs()
    this.#restUntilMs = endedMs + (endedMs - startedMs) * restPerMs
  }

  /** The groups whose mark has another value, which is taken over, and that without a mark. */
  #changedGroups(): Group[] {
    const groups = [...this.#groups.values()]
    const values = this.#store.values(groups.flatMap(({ mark }) => mark ?? []))
    let at = 0
    return groups.filter((group) => {
      if (group.mark === undefined) return true
      const value = values[at++]
      if (sameValue(value, group.value)) return false
      group.value = value
      return true
    })
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

  #groupOf(mark: Bytes | undefined, value: Bytes | undefined): Group {
    const name = mark === undefined ? '' : nameOf(mark)
    const known = this.#groups.get(name)
    // Others of it may not have been looked at since the mark changed: the older value stays.
    if (known !== undefined) return known
    const group: Group = { mark, value, watchers: new Set() }
    this.#groups.set(name, group)
    return group
  }

  #register(watcher: Watcher): void {
    watcher.group.watchers.add(watcher)
    const name = nameOf(watcher.key)
    const others = this.#byName.get(name)
    if (others === undefined) this.#byName.set(name, new Set([watcher]))
    else others.add(watcher)
    this.#timer ??= setInterval(() => this.#poll(), watchPollMs)
  }

  #remove(watcher: Watcher): void {
    const { group } = watcher
    group.watchers.delete(watcher)
    if (group.watchers.size === 0) {
      this.#groups.delete(group.mark === undefined ? '' : nameOf(group.mark))
    }
    const name = nameOf(watcher.key)
    const others = this.#byName.get(name)
    others?.delete(watcher)
    if (others?.size === 0) this.#byName.delete(name)
    if (this.#byName.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
