// A lease in the hands of who took it: renewed until it is given back, and known to be lost as soon as
// the server says so, or has not confirmed it for as long as it lives.

import type { S3Client } from '@aws-sdk/client-s3'
import { type Components, isAtOrAbove, type Path, s3Path } from 'pathlock'
import type { Clock } from './clock.ts'
import { LeaseLostError } from './errors.ts'
import { type LeaseName, releaseLease, renewLease } from './lease-wire.ts'

/**
 * A granted lease, until it is released or lost. Meant for `await using`. The same in shape as the
 * handle of a `PathLock`, but that giving it back takes a request, and that it can be lost.
 */
export interface LeaseHandle extends LeaseName, AsyncDisposable {
  readonly bucket: string
  readonly ticket: bigint
  /** The paths that are held, as components: a folder's name keeps its slash. */
  readonly request: { readonly read: readonly Components[]; readonly write: readonly Components[] }
  /**
   * Whether the lease is held, as far as this side can know. The server checks in any case what is
   * written under it.
   */
  readonly held: boolean
  /** Aborted, with a LeaseLostError as its reason, when the lease is lost without a release. */
  readonly signal: AbortSignal
  /** Whether `path` may be read (or written) under this lease: whether it, or what is above it, is held so. */
  covers(path: Path, mode: 'read' | 'write'): boolean
  /**
   * Gives the lease back; repeated, or after it was lost, harmless. Rejects with the SDK's error if
   * the server can't be told: then the lease ends by itself. `await using` doesn't mind that.
   */
  release(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** What a handle is made of. */
export interface HandleParts extends LeaseName {
  readonly s3: S3Client
  readonly clock: Clock
  readonly ttlMs: number
  readonly request: LeaseHandle['request']
  /** A moment not after the one from which the server counts the time to live. */
  readonly confirmedAt: number
}

/** Renewals per time to live: two may fail. */
const renewals = 3
/** The pause after a renewal that failed, as a part of the time to live. */
const retries = 12

/** A lease that renews itself from the first moment on. */
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

  /** Renews it now. Resolves also if that failed: then it is lost, or the next renewal is due soon. */
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
      // Whatever else it was, the next attempt may succeed until the time is over.
      else if (!this.#hasEnded) this.#renewAfter(ttlMs / retries)
    }
  }

  /** Notes that the lease is lost, as another request was told. */
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
    // What was done under the lease is done; that others have to wait until it ends is no failure of it.
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
