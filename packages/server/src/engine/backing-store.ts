// The storage that an engine requires below it: snapshots, and a commit that runs
// synchronously.

import type { Committing } from './batch.ts'
import type { CommitState } from './commit-state.ts'
import type { View } from './view.ts'

/** The newest committed state at the moment when the snapshot was opened. */
export interface Snapshot {
  /** Throws `readTooLong` once the snapshot is released. */
  readonly view: View
  state(): CommitState
  /** Closes the snapshot. Later calls do nothing. */
  release(): void
}

/** The storage below an optimistic engine. */
export interface BackingStore {
  snapshot(): Snapshot
  /**
   * Runs `apply` synchronously as one write transaction, and resolves once it is durable. Nothing
   * is written if `apply` throws or returns false.
   * @throws StoreError `InsufficientStorage` on a full disk, `CommitFailed` on other failures.
   */
  commit(apply: (store: Committing) => boolean): Promise<void>
  /** @throws StoreError `InsufficientStorage` if `bytes` more would leave less than the reserve. */
  checkRoom(bytes: number): void
  /** Size on disk in bytes. */
  sizeBytes(): number
  /** Frees the reader slots of dead processes. */
  collectDead(): void
  close(): Promise<void>
}
