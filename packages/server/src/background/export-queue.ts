// The queue of requested exports in the process with the duty. Exports run concurrently; none waits for
// another owner's. An export stopped by a lease or a fault is set aside and retried later.

import { type Refusal, StoreError } from '../base/errors.ts'
import { exportLimits } from '../base/limits.ts'
import type { FinalRefusal } from '../base/refusal/export.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import type { Services } from '../operation/operation.ts'
import { type ExportRecord, unfinishedExports } from '../store/domain/export.ts'
import { endExport, runExport, setAside } from './run-export.ts'

const finalCodes: Readonly<Record<FinalRefusal['code'], true>> = {
  NoSuchBucket: true,
  NoSuchDomain: true,
  AccessDenied: true,
  KeyTooLong: true,
  TransactionTooLarge: true,
}

/** An export that was set aside. */
interface Rest {
  readonly tries: number
  /** In milliseconds of the monotonic clock. */
  readonly untilMs: number
}

/** The export queue of one process. */
export class ExportQueue {
  readonly #services: Services
  readonly #running = new Map<string, ExportRecord>()
  readonly #resting = new Map<string, Rest>()
  /** The end of the last queued read; reads run one at a time. */
  #lastRead: Promise<unknown> = Promise.resolve()

  constructor(services: Services) {
    this.#services = services
  }

  /**
   * Starts all exports that may start, now and as others end. Resolves when all that it started have
   * ended or been set aside. May be called again before that.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { engine } = this.#services
    const unfinished = await engine.read(unfinishedExports)
    const ids = new Set(unfinished.map(({ id }) => id))
    for (const id of this.#resting.keys()) if (!ids.has(id)) this.#resting.delete(id)
    const begun: Promise<void>[] = []
    while (!signal.aborted) {
      const next = this.#choose(unfinished)
      if (next === undefined) break
      this.#running.set(next.id, next)
      begun.push(this.#do(next, signal).then(() => this.run(signal)))
    }
    await Promise.all(begun)
  }

  /** The export to start next: from the owner, and then the bucket, with the fewest running exports. */
  #choose(unfinished: readonly ExportRecord[]): ExportRecord | undefined {
    const running = [...this.#running.values()]
    if (running.length >= exportLimits.atOnce) return undefined
    // Once half of the places are taken, an owner may hold only one, so that other owners get a place.
    const isScarce = running.length >= exportLimits.atOnce / 2
    const mostOfOwner = isScarce ? 1 : exportLimits.ofOwnerAtOnce
    const nowMs = this.#services.clock.monotonicMs()
    let best: { readonly record: ExportRecord; readonly rank: number } | undefined
    for (const record of unfinished) {
      const { id, ownerId, domain, bucket } = record
      if (this.#running.has(id) || (this.#resting.get(id)?.untilMs ?? nowMs) > nowMs) continue
      const ofOwner = running.filter((other) => other.ownerId === ownerId)
      if (ofOwner.length >= mostOfOwner) continue
      // A domain has one snapshot at a time.
      if (ofOwner.some((other) => other.domain === domain)) continue
      const toBucket = ofOwner.filter((other) => other.bucket === bucket).length
      const rank = ofOwner.length * exportLimits.atOnce + toBucket
      // The oldest wins a tie.
      if (best === undefined || rank < best.rank) best = { record, rank }
    }
    return best?.record
  }

  async #do(record: ExportRecord, signal: AbortSignal): Promise<void> {
    const context = { services: this.#services, signal, read: this.#readInTurn }
    try {
      if ((await runExport(context, record)) === 'blocked') await this.#stepAside(record)
    } catch (error) {
      if (!signal.aborted) await this.#fail(record, error)
    } finally {
      this.#running.delete(record.id)
    }
  }

  async #fail(record: ExportRecord, error: unknown): Promise<void> {
    const { log } = this.#services
    try {
      if (error instanceof StoreError && isFinal(error.refusal)) {
        const failure = { refusal: error.refusal }
        await endExport(this.#services, { ...record, status: 'FAILED', failure })
        return
      }
      log.warn('an export failed and will be retried', { export: record.id, error })
      await this.#stepAside(record)
    } catch (another) {
      this.#rest(record.id)
      log.warn('could not set an export aside', { export: record.id, error: another })
    }
  }

  /** Releases the domain, so that its other exports can run meanwhile. */
  async #stepAside(record: ExportRecord): Promise<void> {
    this.#rest(record.id)
    await setAside(this.#services, record)
  }

  #rest(id: string): void {
    const tries = (this.#resting.get(id)?.tries ?? 0) + 1
    const { firstRestMs, longestRestMs } = exportLimits
    const restMs = Math.min(firstRestMs * 2 ** (tries - 1), longestRestMs)
    this.#resting.set(id, { tries, untilMs: this.#services.clock.monotonicMs() + restMs })
  }

  /** Reads one at a time, so that all exports together load the process no more than one does. */
  readonly #readInTurn = <T>(body: (tx: ReadTransaction) => Promise<T>): Promise<T> => {
    const { engine } = this.#services
    const read = this.#lastRead.then(() => engine.read(body))
    this.#lastRead = read.catch(() => undefined)
    return read
  }
}

function isFinal(refusal: Refusal): refusal is FinalRefusal {
  return Object.hasOwn(finalCodes, refusal.code)
}
