// A held lease that renews itself until its release. It counts as lost when the server says so, or
// when no renewal was confirmed within its time to live.

import type { S3Client } from '@aws-sdk/client-s3'
import { type Components, isAtOrAbove, type Path, s3Path } from 'pathlock'
import type { Clock } from './clock.ts'
import { LeaseLostError } from './errors.ts'
import { type LeaseName, releaseLease, renewLease } from './lease-wire.ts'

/**
 * A granted lease, until it is released or lost. Meant for `await using`. It has the shape of a
 * `PathLock` handle, except that releasing takes a request and that it can be lost.
 */
export interface LeaseHandle extends LeaseName, AsyncDisposable {
  readonly bucket: string
  readonly ticket: bigint
  /** The held paths, as components: a folder's name keeps its slash. */
  readonly request: { readonly read: readonly Components[]; readonly write: readonly Components[] }
  /**
   * Whether the lease is held, as far as the client can know. The server checks every write under
   * it in any case.
   */
  readonly held: boolean
  /** Aborted when the lease is lost without a release; its reason is a LeaseLostError. */
  readonly signal: AbortSignal
  /**
   * Whether this lease permits reading (or writing) `path`, because it holds the path or an
   * ancestor in that mode.
   */
  covers(path: Path, mode: 'read' | 'write'): boolean
  /**
   * Releases the lease. Idempotent, and harmless after a loss. Rejects with the SDK's error if the
   * server can't be reached; the lease then expires by itself. `await using` ignores that error.
   */
  release(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** The initial state of a handle. */
export interface HandleParts extends LeaseName {
  readonly s3: S3Client
  readonly clock: Clock
  readonly ttlMs: number
  readonly request: LeaseHandle['request']
  /** A time not later than the start of the time to live on the server. */
  readonly confirmedAt: number
}

/** Renewals per time to live; two may fail. */
const renewals = 3
/** A failed renewal is retried after this fraction of the time to live. */
const retries = 12

/** A lease that renews itself from its creation on. */
export class RenewedLease implements LeaseHandle {
  readonly #parts: HandleParts
  readonly #lost = new AbortController()
  readonly #released = new AbortController()
  #confirmedAt: number
  #callOffRenewal = (): void => undefined
  #callOffExpiry = (): void => undefined
  #release: Promise<void> | undefined

  constructor(parts: HandleParts) {
    this.#parts = parts
    this.#confirmedAt = parts.confirmedAt
    this.#confirm(parts.confirmedAt)
  }

  get bucket(): string {
    return this.#parts.bucket
  }

  get ticket(): bigint {
    return this.#parts.ticket
  }

  get request(): LeaseHandle['request'] {
    return this.#parts.request
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  get held(): boolean {
    return !this.#hasEnded && this.#remainingMs > 0
  }

  covers(path: Path, mode: 'read' | 'write'): boolean {
    if (!this.held) return false
    const components = typeof path === 'string' ? s3Path(path) : path
    const { read, write } = this.#parts.request
    const isCovering = (above: Components): boolean => isAtOrAbove(above, components)
    return write.some(isCovering) || (mode === 'read' && read.some(isCovering))
  }

  /**
   * Renews the lease now. Also resolves on failure: then the lease is lost, or another renewal is
   * scheduled.
   */
  async renew(): Promise<void> {
    const { s3, clock, ttlMs } = this.#parts
    if (this.#hasEnded) return
    const sentAt = clock.now()
    const ended = AbortSignal.any([this.#lost.signal, this.#released.signal])
    try {
      await renewLease(s3, this.#parts, ended)
      if (!this.#hasEnded) this.#confirm(sentAt)
    } catch (error) {
      if (error instanceof LeaseLostError) this.lose(error)
      // Any other error may be temporary: retry until the lease expires.
      else if (!this.#hasEnded) this.#renewAfter(ttlMs / retries)
    }
  }

  /** Records the loss of the lease, as reported by another request. */
  lose(reason: LeaseLostError): void {
    if (this.#hasEnded) return
    this.#stop()
    this.#lost.abort(reason)
  }

  async release(): Promise<void> {
    if (this.#lost.signal.aborted) return
    if (this.#release === undefined) {
      this.#stop()
      this.#released.abort()
      this.#release = releaseLease(this.#parts.s3, this.#parts)
    }
    await this.#release
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The work under the lease is complete. A failed release only delays others until the lease
    // expires.
    await this.release().catch(() => undefined)
  }

  get #hasEnded(): boolean {
    return this.#lost.signal.aborted || this.#released.signal.aborted
  }

  get #remainingMs(): number {
    return this.#confirmedAt + this.#parts.ttlMs - this.#parts.clock.now()
  }

  #confirm(at: number): void {
    const { clock, ttlMs, ticket } = this.#parts
    this.#confirmedAt = at
    this.#callOffExpiry()
    this.#callOffExpiry = clock.after(Math.max(0, this.#remainingMs), () => {
      this.lose(new LeaseLostError(`Lease ${ticket} was not renewed for ${ttlMs} ms`))
    })
    this.#renewAfter(ttlMs / renewals)
  }

  #renewAfter(delayMs: number): void {
    this.#callOffRenewal()
    this.#callOffRenewal = this.#parts.clock.after(delayMs, () => void this.renew())
  }

  #stop(): void {
    this.#callOffRenewal()
    this.#callOffExpiry()
  }
}
