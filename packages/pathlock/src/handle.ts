// The handle of a granted lock. The lock table doesn't need the handle, so a handle that its owner
// dropped can be garbage-collected, and the leak detected.

import { LockLostError } from './errors.ts'
import type { Claim } from './node.ts'
import type { Components, ParsePath, Path } from './path.ts'
import { covers, isSubset, type LockRequest, parsePath, parseRequest } from './request.ts'
import type { LockTable } from './table.ts'

/**
 * A granted lock, until its release. Meant for `await using` or `using`. Dropping a handle without
 * a release leaves the lock held.
 */
export interface PathLockHandle extends Disposable, AsyncDisposable {
  /** The request's position in the order of all requests to this lock, from 1 up. */
  readonly ticket: bigint
  /** The held paths, as components. */
  readonly request: { readonly read: readonly Components[]; readonly write: readonly Components[] }
  /** Whether the lock is still held. */
  readonly held: boolean
  /**
   * Aborted when the lock is lost without a release. That never happens within one process, but a
   * lease may expire.
   */
  readonly signal: AbortSignal
  /**
   * Whether this lock permits reading (or writing) `path`, because it holds the path or an ancestor
   * in that mode.
   */
  covers(path: Path, mode: 'read' | 'write'): boolean
  /**
   * Releases a part of the lock at once: drops paths, or turns written paths into read ones. Throws
   * RangeError for paths that were not requested: there is no upgrade, and a path below a requested
   * one was not requested. Throws LockLostError after the release.
   */
  downgrade(to: LockRequest): void
  /** Releases the lock. Idempotent. */
  release(): void
}

/** The handle of a lock within this process. */
export class Handle implements PathLockHandle {
  readonly #claim: Claim
  readonly #table: LockTable
  readonly #parse: ParsePath
  #signal: AbortSignal | undefined

  constructor(claim: Claim, table: LockTable, parse: ParsePath) {
    this.#claim = claim
    this.#table = table
    this.#parse = parse
  }

  get ticket(): bigint {
    return BigInt(this.#claim.ticket)
  }

  get request(): PathLockHandle['request'] {
    return this.#claim.sets
  }

  get held(): boolean {
    return this.#claim.state === 'held'
  }

  get signal(): AbortSignal {
    this.#signal ??= new AbortController().signal
    return this.#signal
  }

  covers(path: Path, mode: 'read' | 'write'): boolean {
    return this.held && covers(this.#claim.sets, parsePath(path, this.#parse), mode)
  }

  downgrade(to: LockRequest): void {
    if (!this.held) throw new LockLostError('The lock was released before the downgrade')
    const sets = parseRequest(to, this.#parse)
    if (!isSubset(sets, this.#claim.sets)) {
      throw new RangeError(
        'A downgrade may only name paths of the request, and write none that it only read',
      )
    }
    this.#table.reduce(this.#claim, sets)
  }

  release(): void {
    this.#table.remove(this.#claim)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }
}
