// Copies of many things, of which one may fail without holding up the rest: it is named, and counted.

import { CommandError } from '../../base/exit.ts'
import { printable } from './format.ts'
import { isOfOneFile, localReason } from './local.ts'
import type { Progress } from './progress.ts'

/** The entries that a copy has left out so far. */
export class Skipped {
  readonly #progress: Progress
  count = 0

  constructor(progress: Progress) {
    this.#progress = progress
  }

  /** Names an entry that is left out, and counts it. */
  skip(name: string, why: string): void {
    this.count += 1
    this.note(name, why)
  }

  /** Names an entry that is always left out. */
  note(name: string, why: string): void {
    this.#progress.clear()
    console.error(`holdfast: skipped ${printable(name)}: ${why}`)
  }

  /** Copies one of many; false if it was left out. @throws the error of `copy`, if the others would fail too */
  async orSkip(name: string, signal: AbortSignal, copy: () => Promise<void>): Promise<boolean> {
    try {
      await copy()
      return true
    } catch (error) {
      const why = signal.aborted ? undefined : reasonOfOne(error)
      if (why === undefined) throw error
      this.skip(name, why)
      return false
    }
  }
}

/** Why one copy failed; undefined if the others would fail for the same reason. */
function reasonOfOne(error: unknown): string | undefined {
  // Such as a file that is there already, or an object that broke off.
  if (error instanceof CommandError) return error.message
  if (isOfOneFile(error)) return localReason(error)
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined
  const { $metadata: metadata } = error
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) {
    return undefined
  }
  const status = Number(metadata.httpStatusCode)
  const isOfAll = ofAll.has(error.name) || status > 500 || status < 400
  return isOfAll ? undefined : `${error.name}: ${error.message}`
}

/** Answers that every further request would get. */
const ofAll: ReadonlySet<string> = new Set([
  'AccessDenied',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'NoSuchBucket',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
])
