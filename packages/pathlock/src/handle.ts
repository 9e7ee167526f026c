// What the holder of a lock has in hand. Nothing in the lock table needs the handle, so that one
// which its owner forgot can be collected, and its loss be noticed.

import { LockLostError } from './errors.ts'
import type { Claim } from './node.ts'
import type { Components, ParsePath, Path } from './path.ts'
import { covers, isSubset, type LockRequest, parsePath, parseRequest } from './request.ts'
import type { LockTable } from './table.ts'

/**
 * A granted lock, until its release. Meant for `await using` or `using`; a handle that is dropped
 * unreleased holds on.
 */
export interface PathLockHandle extends Disposable, AsyncDisposable {
  /** The request's place in the order of all requests to this lock, from 1 up. */
  readonly ticket: bigint
  /** The paths that are held, as components. */
  readonly request: { readonly read: readonly Components[]; readonly write: readonly Components[] }
  /** Whether the lock is still held. */
  readonly held: boolean
  /**
   * Aborted when the lock is lost without a release. Within one process that never happens; a lease
   * may expire.
   */
  readonly signal: AbortSignal
  /**
   * Whether `path` may be read (or written) under this lock: whether it, or what is above it, is
   * held so.
   */
  covers(path: Path, mode: 'read' | 'write'): boolean
  /**
   * Gives a part of the lock back at once: drops paths, or keeps a written path as a read one.
   * Throws RangeError for anything that was not requested (there is no upgrade, and a path below a
   * requested one was not requested), and LockLostError after the release.
   */
  downgrade(to: LockRequest): void
  /** Gives the lock back. Harmless when repeated. */
  release(): void
}

/** The handle of a lock of this process. */
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
