// Copies of many objects or files. A failure of one is reported and counted, and doesn't stop the others.

import { CommandError } from '../../base/exit.ts'
import { printable } from './format.ts'
import { isOfOneFile, localReason } from './local.ts'
import type { Progress } from './progress.ts'

/** The skipped entries of a copy. */
export class Skipped {
  readonly #progress: Progress
  count = 0

  constructor(progress: Progress) {
    this.#progress = progress
  }

  /** Reports and counts a skipped entry. */
  skip(name: string, why: string): void {
    this.count += 1
    this.note(name, why)
  }

  /** Reports an entry that is never copied. */
  note(name: string, why: string): void {
    this.#progress.clear()
    console.error(`holdfast: skipped ${printable(name)}: ${why}`)
  }

  /** Copies one entry; false if it was skipped. @throws the error of `copy` if it would affect the others too */
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

/** The reason of a failure; undefined if it would affect the others too. */
function reasonOfOne(error: unknown): string | undefined {
  // For example, an existing file, or a truncated object.
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

/** Errors that every further request would get. */
const ofAll: ReadonlySet<string> = new Set([
  'AccessDenied',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'NoSuchBucket',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
])
