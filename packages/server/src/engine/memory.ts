// An engine in memory, for tests of programs that use a store: nothing is written to a disk, and all is
// gone when the engine is closed. Transactions are those of every engine; only the storage differs.

import type { Clock } from '../base/clock.ts'
import { ownLimits } from '../base/limits.ts'
import type { MemoryRoom } from '../base/memory-room.ts'
import type { BackingStore, Snapshot } from './backing-store.ts'
import type { Committing } from './batch.ts'
import type { CommitState } from './commit-state.ts'
import type { Engine } from './engine.ts'
import { OptimisticEngine } from './optimistic.ts'
import { RowTree, RowTreeEdit } from './row-tree.ts'
import { readTooLong } from './transaction.ts'
import type { View } from './view.ts'

/** How to open an engine in memory. */
export interface MemoryEngineOptions {
  /** The memory that the rows may take. */
  readonly room: MemoryRoom
  /** The longest time in milliseconds that a read may hold its snapshot. */
  readonly readMs?: number
  /** Age in milliseconds up to which stale snapshots are kept; by default none are. */
  readonly keptMs?: number
  /** Tells the age of stale snapshots; the machine's clock by default. */
  readonly clock?: Clock
}

/** Opens a new, empty engine. */
export function openMemoryEngine({ room, ...options }: MemoryEngineOptions): Engine {
  return new OptimisticEngine(new MemoryStore(room, options.readMs), options)
}

class MemoryStore implements BackingStore {
  readonly #room: MemoryRoom
  readonly #readMs: number
  #rows: RowTree = RowTree.empty
  #state: CommitState = { sequence: 0, claim: undefined }

  constructor(room: MemoryRoom, readMs: number = ownLimits.engineReadMs) {
    this.#room = room
    this.#readMs = readMs
  }

  snapshot(): Snapshot {
    return new MemorySnapshot(this.#rows, this.#state, this.#readMs)
  }

  async commit(apply: (store: Committing) => boolean): Promise<void> {
    const edit = new RowTreeEdit(this.#rows)
    let state = this.#state
    const isApplied = apply({
      view: edit,
      state: () => state,
      put: (key, value) => edit.put(key, value),
      delete: (key) => edit.delete(key),
      putState: (next) => {
        state = next
      },
    })
    if (!isApplied) return
    const rows = edit.finish()
    this.#room.take(rows.sizeBytes - this.#rows.sizeBytes)
    this.#rows = rows
    this.#state = state
  }

  checkRoom(bytes: number): void {
    this.#room.check(bytes)
  }

  sizeBytes(): number {
    return this.#rows.sizeBytes
  }

  /** No other process can have snapshots open. */
  collectDead(): void {}

  async close(): Promise<void> {
    this.#rows = RowTree.empty
  }
}

/** A tree, readable until it is released. */
class MemorySnapshot implements Snapshot {
  readonly view: View
  readonly #state: CommitState
  readonly #readMs: number
  #rows: RowTree | undefined

  constructor(rows: RowTree, state: CommitState, readMs: number) {
    this.#rows = rows
    this.#state = state
    this.#readMs = readMs
    this.view = {
      get: (key) => this.#open().get(key),
      scan: (range) => {
        const cursor = this.#open().scan(range)
        return {
          next: () => {
            this.#open()
            return cursor.next()
          },
          close: () => cursor.close(),
        }
      },
    }
  }

  state(): CommitState {
    this.#open()
    return this.#state
  }

  release(): void {
    this.#rows = undefined
  }

  #open(): RowTree {
    if (this.#rows === undefined) throw readTooLong(this.#readMs)
    return this.#rows
  }
}
