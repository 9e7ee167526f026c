// Parsers of HTTP's own headers: dates, entity tags, ranges, and conditions.

import type { EntityTags, ReadConditions, WriteConditions } from '../../operation/condition.ts'
import type { RangeRequest } from '../../operation/object.ts'
import { headerNotImplemented, invalidArgument } from './error.ts'
import { headerOf, type S3Request } from './request.ts'

const imfFixdate =
  /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]0000)$/
const rfc850Date = /^[A-Z][a-z]{5,8}, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d:\d\d:\d\d) GMT$/
const asctimeDate = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/
const isoDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

/** Parses a date in one of HTTP's three forms (RFC 9110, 5.6.7) or ISO 8601; undefined for other texts. */
export function parseDate(text: string): number | undefined {
  const ms = Date.parse(parsableDate(text) ?? '')
  return Number.isNaN(ms) ? undefined : ms
}

function parsableDate(text: string): string | undefined {
  if (imfFixdate.test(text) || isoDate.test(text)) return text
  if (asctimeDate.test(text)) return `${text} GMT`
  const match = rfc850Date.exec(text)
  if (match === null) return undefined
  const [, day, month, year, time] = match
  // Years with two digits are from 1970 to 2069, since no object is older.
  return `${day} ${month} ${Number(year) >= 70 ? '19' : '20'}${year} ${time} GMT`
}

const listedTag = /(W\/)?(?:"([^"]*)"|([^",\s][^",]*))/g

/**
 * The entity tags of a condition, without quotes, which S3 doesn't require. Strong comparison (If-Match) never
 * matches weak tags; weak comparison ignores weakness (RFC 9110, 8.8.3.2).
 */
export function parseEntityTags(text: string, comparison: 'strong' | 'weak'): EntityTags {
  if (text.trim() === '*') return '*'
  const tags: string[] = []
  for (const [, weak, inQuotes, bare] of text.matchAll(listedTag)) {
    if (weak === undefined || comparison === 'weak') tags.push(inQuotes ?? bare?.trim() ?? '')
  }
  return tags
}

/** The conditions of a GET or HEAD. Invalid dates are ignored (RFC 9110, 13.1.3). */
export function readConditions(request: Pick<S3Request, 'headers'>, prefix = ''): ReadConditions {
  const ifMatch = headerOf(request, `${prefix}if-match`)
  const ifNoneMatch = headerOf(request, `${prefix}if-none-match`)
  const ifModifiedSince = headerOf(request, `${prefix}if-modified-since`)
  const ifUnmodifiedSince = headerOf(request, `${prefix}if-unmodified-since`)
  return {
    ifMatch: ifMatch === undefined ? undefined : parseEntityTags(ifMatch, 'strong'),
    ifNoneMatch: ifNoneMatch === undefined ? undefined : parseEntityTags(ifNoneMatch, 'weak'),
    ifModifiedSince: ifModifiedSince === undefined ? undefined : parseDate(ifModifiedSince),
    ifUnmodifiedSince: ifUnmodifiedSince === undefined ? undefined : parseDate(ifUnmodifiedSince),
  }
}

/** Conditions that S3 has for deletions only. */
const deleteConditions = ['x-amz-if-match-size', 'x-amz-if-match-last-modified-time']

/** @throws S3Error `NotImplemented` if the request has one of the named conditions */
export function refuseConditions(
  request: Pick<S3Request, 'headers'>,
  names: readonly string[] = deleteConditions,
): void {
  for (const name of names) {
    if (headerOf(request, name) !== undefined) throw headerNotImplemented(name)
  }
}

/**
 * The conditions of a write: If-Match or If-None-Match, as on S3.
 * @throws S3Error `NotImplemented` for both, for If-None-Match other than `*`, and for other conditions
 */
export function writeConditions(request: Pick<S3Request, 'headers'>): WriteConditions {
  const ifMatch = headerOf(request, 'if-match')
  const ifNoneMatch = headerOf(request, 'if-none-match')
  refuseConditions(request, ['if-modified-since', 'if-unmodified-since', ...deleteConditions])
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== '*' || ifMatch !== undefined) {
      throw headerNotImplemented('If-None-Match')
    }
    return { ifNoneMatch: '*' }
  }
  return ifMatch === undefined ? {} : { ifMatch: parseEntityTags(ifMatch, 'strong') }
}

/**
 * The date in a condition of a write; undefined without the header.
 * @throws S3Error `InvalidArgument`, since a write must not ignore its condition
 */
export function conditionDate(
  request: Pick<S3Request, 'headers'>,
  name: string,
): number | undefined {
  const text = headerOf(request, name)
  if (text === undefined) return undefined
  const ms = parseDate(text)
  if (ms === undefined) throw invalidArgument('The date provided is not valid.', name, text)
  return ms
}

const singleRange = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i

/** The range of a GET; undefined for none, and for several, for which S3 returns the whole object. */
export function parseRange(text: string | undefined): RangeRequest | undefined {
  if (text === undefined) return undefined
  const match = singleRange.exec(text)
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '') return last === '' ? undefined : { suffix: Number(last) }
  if (last === '') return { start: Number(first) }
  if (Number(last) < Number(first)) return undefined
  return { start: Number(first), end: Number(last) }
}
