// PathLock: a lock table with promises, timeouts and abort signals. Requests are ordered by their
// calls: `acquire` enters a request before it returns its promise.

import { LockQueueFullError, LockTimeoutError } from './errors.ts'
import { Handle, type PathLockHandle } from './handle.ts'
import type { Claim } from './node.ts'
import { type Components, coarsePath, type ParsePath, type Path } from './path.ts'
import { type LockRequest, parseRequest } from './request.ts'
import { hierarchical, type Scheme } from './scheme.ts'
import { LockTable } from './table.ts'

/** Options of a lock. */
export interface PathLockOptions {
  /** The locking scheme, `hierarchical` by default. */
  readonly scheme?: Scheme
  /** How to parse a path given as a string: `coarsePath` (the default) or `s3Path`. */
  readonly parse?: ParsePath
  /**
   * The largest number of waiting requests; further ones are refused with LockQueueFullError.
   * Unlimited by default.
   */
  readonly maxPending?: number
  /** The largest number of idle tree nodes kept in memory; 1,024 by default. */
  readonly idleNodes?: number
  /**
   * Called after the garbage collector has found a handle that was dropped without a release. The
   * lock stays held, because the work under it may still run. By default a warning goes to the
   * console.
   */
  readonly onLeak?: (leaked: LockInfo) => void
}

/** Options of one request. */
export interface LockOptions {
  /**
   * Ends the wait: the request is withdrawn and rejects with the signal's reason. Has no effect
   * after the grant.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Ends the wait with LockTimeoutError after 0 to 2,147,483,647 ms; unlimited by default or with
   * Infinity.
   */
  readonly timeoutMs?: number | undefined
  /** A name for diagnostics: `query()`, errors and warnings. */
  readonly label?: string | undefined
}

/** A request as `query()` and warnings show it. */
export interface LockInfo {
  /** Its position in the order of all requests to this lock, from 1 up. */
  readonly ticket: bigint
  readonly label: string | undefined
  readonly read: readonly Components[]
  readonly write: readonly Components[]
}

/** A waiting request. */
export interface PendingLockInfo extends LockInfo {
  /** The tickets of the earlier requests that it conflicts with, held or waiting; at most 64. */
  readonly blockedBy: readonly bigint[]
}

const maxIdleNodes = 1_024
const blockersShown = 64
const collectionMark = 'collection'
/**
 * The longest delay of a timer (HTML, and Node's documentation of setTimeout); a longer one would
 * fire at once.
 */
const longestTimeoutMs = 2 ** 31 - 1

/**
 * Read/write locks on the paths of a tree, where a lock on a path covers everything below it.
 *
 * Two requests conflict if one writes a path that is at, above or below a path of the other. A
 * request is granted exactly when no earlier one that is held or waiting conflicts with it. Neither
 * deadlock nor starvation is possible, whatever the order of the paths, as long as every task makes
 * one request at a time. The lock is not re-entrant: a task that acquires while it holds may wait
 * for itself.
 */
export class PathLock {
  readonly #table: LockTable
  readonly #parse: ParsePath
  readonly #maxPending: number
  readonly #leaks: FinalizationRegistry<Claim | typeof collectionMark>
  #pending = 0

  constructor(options: PathLockOptions = {}) {
    this.#table = new LockTable({
      scheme: options.scheme ?? hierarchical,
      idleNodes: options.idleNodes ?? maxIdleNodes,
    })
    this.#parse = options.parse ?? coarsePath
    this.#maxPending = options.maxPending ?? Number.POSITIVE_INFINITY
    const onLeak = options.onLeak ?? warnOfLeak
    this.#leaks = new FinalizationRegistry((claim) => {
      if (claim === collectionMark) this.#watchForLeaks()
      else if (claim.state === 'held') onLeak(lockInfo(claim))
    })
    this.#watchForLeaks()
  }

  /**
   * Acquires all paths of a request at once, and resolves to the handle that releases them. Rejects
   * with LockTimeoutError, LockQueueFullError, the reason of `signal`, or TypeError or RangeError
   * for wrong arguments; then nothing is held. A request without paths is granted at once.
   */
  async acquire(request: LockRequest, options: LockOptions = {}): Promise<PathLockHandle> {
    const { signal, timeoutMs = Number.POSITIVE_INFINITY, label } = options
    checkTimeout(timeoutMs)
    signal?.throwIfAborted()
    const claim = this.#table.enter(parseRequest(request, this.#parse), label)
    if (claim.state === 'waiting') await this.#grant(claim, timeoutMs, signal)
    return this.#handle(claim)
  }

  /**
   * Takes the lock if no earlier request, held or waiting, conflicts with it. Otherwise returns
   * undefined and changes nothing.
   */
  tryAcquire(
    request: LockRequest,
    options: Pick<LockOptions, 'label'> = {},
  ): PathLockHandle | undefined {
    const claim = this.#table.enter(parseRequest(request, this.#parse), options.label)
    if (claim.state === 'held') return this.#handle(claim)
    this.#table.remove(claim)
    return undefined
  }

  /**
   * Runs `body` under a lock and releases it when the body ends, even by an error. Rejects like
   * `acquire` or like the body.
   */
  async run<T>(
    request: LockRequest,
    body: (handle: PathLockHandle) => T | PromiseLike<T>,
    options: LockOptions = {},
  ): Promise<T> {
    const handle = await this.acquire(request, options)
    try {
      return await body(handle)
    } finally {
      handle.release()
    }
  }

  /** Acquires a path and everything below it for reading. */
  read(path: Path, options?: LockOptions): Promise<PathLockHandle> {
    return this.acquire({ read: [path] }, options)
  }

  /** Acquires a path and everything below it for writing. */
  write(path: Path, options?: LockOptions): Promise<PathLockHandle> {
    return this.acquire({ write: [path] }, options)
  }

  /** Acquires both paths for writing, to move everything at and below `from` to `to`. */
  rename(from: Path, to: Path, options?: LockOptions): Promise<PathLockHandle> {
    return this.acquire({ write: [from, to] }, options)
  }

  /**
   * Acquires `from` for reading and `to` for writing, to copy everything at and below `from` to
   * `to`. Either may lie below the other.
   */
  copy(from: Path, to: Path, options?: LockOptions): Promise<PathLockHandle> {
    return this.acquire({ read: [from], write: [to] }, options)
  }

  /** Acquires a path and everything below it for writing, to remove it. */
  remove(path: Path, options?: LockOptions): Promise<PathLockHandle> {
    return this.write(path, options)
  }

  /**
   * All held and waiting requests at this instant, by ticket. For diagnostics and tests; costs
   * O(requests).
   */
  query(): { held: LockInfo[]; pending: PendingLockInfo[] } {
    const held: LockInfo[] = []
    const pending: PendingLockInfo[] = []
    for (const claim of this.#table.claims()) {
      if (claim.state === 'held') held.push(lockInfo(claim))
      else pending.push({ ...lockInfo(claim), blockedBy: this.#blockers(claim) })
    }
    return { held, pending }
  }

  /**
   * Resolves once a waiting claim is granted. Removes the claim on a timeout, an abort or a full
   * queue.
   */
  #grant(claim: Claim, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#pending >= this.#maxPending) {
      this.#table.remove(claim)
      throw new LockQueueFullError(`${this.#maxPending} requests wait for locks already`)
    }
    this.#pending += 1
    return new Promise((resolve, reject) => {
      const stopWaiting = (): void => {
        this.#pending -= 1
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const giveUp = (reason: unknown): void => {
        stopWaiting()
        this.#table.remove(claim)
        reject(reason)
      }
      const onAbort = (): void => giveUp(signal?.reason)
      const onTimeout = (): void => giveUp(this.#timeoutError(claim, timeoutMs))
      const timer =
        timeoutMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(onTimeout, timeoutMs)
      signal?.addEventListener('abort', onAbort)
      claim.onGrant = () => {
        stopWaiting()
        resolve()
      }
    })
  }

  #handle(claim: Claim): PathLockHandle {
    const handle = new Handle(claim, this.#table, this.#parse)
    claim.handle = handle
    return handle
  }

  /**
   * Watches for held handles that are garbage-collected. Registering every handle would take longer
   * than the locking itself. Only handles that survive a garbage collection are therefore
   * registered; a sentinel object signals each collection.
   */
  #watchForLeaks(): void {
    this.#leaks.register({}, collectionMark)
    for (const claim of this.#table.claims()) {
      if (claim.handle === undefined) continue
      this.#leaks.register(claim.handle, claim)
      claim.handle = undefined
    }
  }

  #blockers(claim: Claim): bigint[] {
    return this.#table.blockers(claim, blockersShown).map(BigInt)
  }

  #timeoutError(claim: Claim, timeoutMs: number): LockTimeoutError {
    const message = `Not granted within ${timeoutMs} ms: ${describe(lockInfo(claim))}`
    return new LockTimeoutError(message, timeoutMs, this.#blockers(claim))
  }
}

function checkTimeout(timeoutMs: number): void {
  if (timeoutMs === Number.POSITIVE_INFINITY) return
  if (timeoutMs >= 0 && timeoutMs <= longestTimeoutMs) return
  throw new RangeError(
    `timeoutMs is ${timeoutMs}; it must be 0 to ${longestTimeoutMs}, or Infinity`,
  )
}

function lockInfo(claim: Claim): LockInfo {
  const { read, write } = claim.sets
  return { ticket: BigInt(claim.ticket), label: claim.label, read, write }
}

function describe({ ticket, label, read, write }: LockInfo): string {
  const paths = [
    ...read.map((path) => `read /${path.join('/')}`),
    ...write.map((path) => `write /${path.join('/')}`),
  ]
  return `request ${ticket}${label === undefined ? '' : ` (${label})`}, ${paths.join(', ')}`
}

function warnOfLeak(leaked: LockInfo): void {
  // biome-ignore lint/suspicious/noConsole: the one way to warn that browsers and Node share; `onLeak` replaces it.
  console.warn(`pathlock: a handle was dropped without a release: ${describe(leaked)}`)
}
