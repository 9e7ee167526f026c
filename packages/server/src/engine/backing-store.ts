// What the engine needs of a store below it: snapshots, and a commit that runs synchronously.

import type { Committing } from './batch.ts'
import type { CommitState } from './commit-state.ts'
import type { View } from './view.ts'

/** The newest committed state, as it was when the snapshot was opened. */
export interface Snapshot {
  /** Throws `readTooLong` once the snapshot is released. */
  readonly view: View
  state(): CommitState
  /** Closes it; calls after the first do nothing. */
  release(): void
}

/** What the engine needs of a store. */
export interface BackingStore {
  snapshot(): Snapshot
  /**
   * Runs `apply` synchronously as one write transaction; resolves once it is durable. Nothing is
   * written if `apply` throws or returns false.
   * @throws StoreError `InsufficientStorage` on a full disk, `Internal` on other failures.
   */
  commit(apply: (store: Committing) => boolean): Promise<void>
  /** @throws StoreError `InsufficientStorage` if `bytes` more would leave less than the reserve. */
  checkRoom(bytes: number): void
  /** Bytes on disk. */
  sizeBytes(): number
  /** Gives back what dead processes held. */
  collectDead(): void
  close(): Promise<void>
}
