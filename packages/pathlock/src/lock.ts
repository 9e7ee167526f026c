// PathLock: the lock table with promises, time limits and abort signals around it. The order of
// requests is the order of the calls: a request is entered before `acquire` returns its promise.

import { LockQueueFullError, LockTimeoutError } from './errors.ts'
import { Handle, type PathLockHandle } from './handle.ts'
import type { Claim } from './node.ts'
import { type Components, coarsePath, type ParsePath, type Path } from './path.ts'
import { type LockRequest, parseRequest } from './request.ts'
import { hierarchical, type Scheme } from './scheme.ts'
import { LockTable } from './table.ts'

/** How a lock is made. */
export interface PathLockOptions {
  /** Who may run beside whom; `hierarchical` if not given. */
  readonly scheme?: Scheme
  /** How a path given as a string is read; `coarsePath` if not given, or `s3Path`. */
  readonly parse?: ParsePath
  /**
   * How many requests may wait at one time; further ones are refused with LockQueueFullError. Not
   * limited if not given.
   */
  readonly maxPending?: number
  /** How many nodes of the tree that nobody claims may stay in memory; 1,024 if not given. */
  readonly idleNodes?: number
  /**
   * Called some time after a handle was dropped unreleased: when the garbage collector has found
   * it. The lock stays held: that its handle is gone doesn't say that the work under it has ended.
   * Writes a warning to the console if not given.
   */
  readonly onLeak?: (leaked: LockInfo) => void
}

/** How long a request may wait, and what it is called. */
export interface LockOptions {
  /**
   * Ends the wait: the request is withdrawn and rejects with the signal's reason. Has no effect
   * once it is granted.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Ends the wait with LockTimeoutError after this time, 0 to 2,147,483,647; not limited if not
   * given or Infinity.
   */
  readonly timeoutMs?: number | undefined
  /** A name for people who look at `query()`, at errors and warnings. */
  readonly label?: string | undefined
}

/** A request as `query()` and warnings show it. */
export interface LockInfo {
  /** Its place in the order of all requests to this lock, from 1 up. */
  readonly ticket: bigint
  readonly label: string | undefined
  readonly read: readonly Components[]
  readonly write: readonly Components[]
}

/** A request that waits. */
export interface PendingLockInfo extends LockInfo {
  /**
   * The tickets of the earlier requests that it conflicts with, held or waiting; of many only 64.
   */
  readonly blockedBy: readonly bigint[]
}

const maxIdleNodes = 1_024
const blockersShown = 64
const collectionMark = 'collection'
/**
 * The longest delay that timers take (HTML, and Node's documentation of setTimeout); a longer one
 * would fire at once.
 */
const longestTimeoutMs = 2 ** 31 - 1

/**
 * Read/write locks on the paths of a tree, where a lock on a path covers everything below it.
 *
 * Two requests conflict if one writes a path that is at, above or below a path of the other. A
 * request is granted exactly when no earlier one that is held or waits conflicts with it. So nobody
 * deadlocks or starves, in whatever order paths are named, as long as every task makes one request
 * at a time: the lock is not re-entrant, and a task that acquires while it holds may wait for
 * itself.
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
   * Waits for the paths of a request, all at once, and resolves to the handle that releases them.
   * Rejects with LockTimeoutError, LockQueueFullError, the reason of `signal`, or TypeError or
   * RangeError for arguments that make no sense; then nothing is held. A request without paths is
   * granted at once.
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
   * Takes the lock if no earlier request, held or waiting, conflicts with it; else returns
   * undefined and leaves no trace.
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
   * Runs `body` under a lock and releases it when the body has ended, however it ends. Rejects as
   * `acquire` or as the body.
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

  /** To read a path and everything below it. */
  read(path: Path, options?: LockOptions): Promise<PathLockHandle> {
    return this.acquire({ read: [path] }, options)
  }

  /** To write a path and everything below it. */
  write(path: Path, options?: LockOptions): Promise<PathLockHandle> {
    return this.acquire({ write: [path] }, options)
  }

  /** To move everything at and below `from` to `to`: writes both. */
  rename(from: Path, to: Path, options?: LockOptions): Promise<PathLockHandle> {
    return this.acquire({ write: [from, to] }, options)
  }

  /**
   * To copy everything at and below `from` to `to`: reads the one, writes the other. Either may lie
   * in the other.
   */
  copy(from: Path, to: Path, options?: LockOptions): Promise<PathLockHandle> {
    return this.acquire({ read: [from], write: [to] }, options)
  }

  /** To remove a path and everything below it: writes it. */
  remove(path: Path, options?: LockOptions): Promise<PathLockHandle> {
    return this.write(path, options)
  }

  /**
   * Who holds and who waits for what and for whom, at this instant, by ticket. For people and
   * tests; costs O(requests).
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

  /** Resolves once a waiting claim is held; takes it out of the table if that isn't to be. */
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
   * Leaves the handles that are held to their owners alone, to be told when one is collected. To
   * register every handle takes longer than the locking itself; so it's done after a collection,
   * which a sentinel tells of, for those that outlived it.
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
