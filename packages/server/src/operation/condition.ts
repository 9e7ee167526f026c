// Conditional requests: RFC 9110 §13.2.2 for reads, and S3's own table for writes.

import { StoreError } from '../base/errors.ts'
import type { ConditionName, ConditionSubject } from '../base/refusal/s3.ts'

/** `*`, or the listed ETags without quotes. */
export type EntityTags = '*' | readonly string[]

/** The four conditions of a read, or of a copy's source. Times are milliseconds since the epoch. */
export interface ReadConditions {
  readonly ifMatch?: EntityTags | undefined
  readonly ifNoneMatch?: EntityTags | undefined
  readonly ifModifiedSince?: number | undefined
  readonly ifUnmodifiedSince?: number | undefined
}

/** The conditions of a write on the current object. `If-None-Match` can only be `*`. */
export interface WriteConditions {
  readonly ifMatch?: EntityTags | undefined
  readonly ifNoneMatch?: '*' | undefined
}

/** The state against which conditions are tested. */
export interface Condition {
  readonly etag: string
  readonly modifiedAt: number
}

function matches(tags: EntityTags, etag: string): boolean {
  return tags === '*' || tags.includes(etag)
}

/** The refusal of a request for which the condition named `condition` fails. */
export function preconditionFailed(
  condition: ConditionName,
  subject: ConditionSubject = 'target',
): StoreError {
  return new StoreError({ code: 'PreconditionFailed', condition, subject })
}

/** HTTP dates have whole seconds, so an object's time is truncated to seconds before a comparison. */
function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}

/** The first condition that fails for `target`, in RFC 9110's order; undefined if all hold. */
function firstFailing(
  conditions: ReadConditions,
  target: Condition,
): { condition: ConditionName; refusesRead: boolean } | undefined {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions
  const modified = seconds(target.modifiedAt)
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, target.etag)) return { condition: 'ifMatch', refusesRead: true }
  } else if (ifUnmodifiedSince !== undefined && modified > seconds(ifUnmodifiedSince)) {
    return { condition: 'ifUnmodifiedSince', refusesRead: true }
  }
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, target.etag)) return { condition: 'ifNoneMatch', refusesRead: false }
  } else if (ifModifiedSince !== undefined && modified <= seconds(ifModifiedSince)) {
    return { condition: 'ifModifiedSince', refusesRead: false }
  }
  return undefined
}

/**
 * Checks the conditions of a GET or HEAD.
 * @throws StoreError `PreconditionFailed` (412), or `NotModified` (304) with the ETag and the time.
 */
export function checkRead(conditions: ReadConditions, target: Condition): void {
  const failing = firstFailing(conditions, target)
  if (failing === undefined) return
  if (failing.refusesRead) throw preconditionFailed(failing.condition)
  throw new StoreError({ code: 'NotModified', etag: target.etag, modifiedAt: target.modifiedAt })
}

/**
 * Checks a write's conditions on objects that it reads or replaces: every failure is 412.
 * @throws StoreError `PreconditionFailed`
 */
export function checkForWrite(
  conditions: ReadConditions,
  target: Condition,
  subject: ConditionSubject,
): void {
  const failing = firstFailing(conditions, target)
  if (failing !== undefined) throw preconditionFailed(failing.condition, subject)
}

/**
 * Checks a write's conditions on the current object.
 * @throws StoreError `PreconditionFailed`; `NoSuchKey` if `If-Match` finds no object.
 */
export function checkWrite(conditions: WriteConditions, current: Condition | undefined): void {
  const { ifMatch, ifNoneMatch } = conditions
  if (ifNoneMatch !== undefined && current !== undefined) throw preconditionFailed('ifNoneMatch')
  if (ifMatch === undefined) return
  if (current === undefined) {
    throw new StoreError({ code: 'NoSuchKey' })
  }
  if (!matches(ifMatch, current.etag)) throw preconditionFailed('ifMatch')
}
