// Listings of objects: one page from one snapshot. S3's three forms differ in how a client continues a
// listing, and in the fields shown.

import { text, utf8 } from '../base/bytes.ts'
import type { ObjectRecord } from '../store/row/record.ts'
import { listObjects as listEntries } from '../store/tree/listing.ts'
import { onBucket } from './need.ts'
import type { ObjectHead } from './object.ts'
import type { Query } from './operation.ts'

export interface ListObjectsInput {
  readonly bucket: string
  readonly prefix: string
  /** Undefined for none; never empty. */
  readonly delimiter?: string | undefined
  /** Entries per page, at most 1,000; 0 returns none. */
  readonly limit: number
  /** Lists keys after this text (`marker`, `start-after`, `key-marker`). */
  readonly after?: string | undefined
  /** Sealed end of an earlier page of the same listing; instead of `after`. */
  readonly continuationToken?: string | undefined
}

/** An object of a page. */
export interface ListedObject {
  readonly key: string
  readonly object: ObjectHead & { readonly ownerId: string }
}

export interface ListObjectsOutput {
  readonly objects: readonly ListedObject[]
  readonly commonPrefixes: readonly string[]
  readonly isTruncated: boolean
  /** The last key or common prefix of a truncated page. */
  readonly last?: string | undefined
  /** Sealed; continues after {@link last}. */
  readonly nextToken?: string | undefined
}

/** Lists the objects of a bucket, in the order of their keys' UTF-8 bytes. */
export const listObjects: Query<ListObjectsInput, ListObjectsOutput> = {
  kind: 'query',
  name: 'ListObjects',
  needs: ({ bucket }) => [onBucket('s3:ListBucket', bucket)],
  async check(step, input) {
    const { root } = step.bucket(input.bucket)
    const scope = `objects\0${input.bucket}\0${input.prefix}\0${input.delimiter ?? ''}`
    const after =
      input.continuationToken === undefined
        ? input.after
        : text(step.services.tokens.open(scope, input.continuationToken))
    const { delimiter } = input
    const page = await listEntries(step.tx, root, {
      prefix: utf8(input.prefix),
      delimiter: delimiter === undefined ? undefined : utf8(delimiter),
      after: after === undefined ? undefined : utf8(after),
      afterPrefix: isCommonPrefix(after, input),
      limit: input.limit,
    })
    const { ownership, ownerId } = step.facts(input.bucket)
    const shown = (record: ObjectRecord): ListedObject['object'] =>
      ownership !== 'BucketOwnerEnforced' || record.ownerId === ownerId
        ? record
        : { ...record, ownerId }
    const objects: ListedObject[] = []
    const commonPrefixes: string[] = []
    for (const entry of page.entries) {
      if (entry.kind === 'prefix') commonPrefixes.push(text(entry.prefix))
      else objects.push({ key: text(entry.key), object: shown(entry.record) })
    }
    if (!page.isTruncated || page.last === undefined) {
      return { objects, commonPrefixes, isTruncated: page.isTruncated }
    }
    return {
      objects,
      commonPrefixes,
      isTruncated: true,
      last: text(page.last),
      nextToken: step.services.tokens.seal(scope, page.last),
    }
  },
}

/** True if `after` is a common prefix of this listing, so that all keys below it were passed. */
function isCommonPrefix(after: string | undefined, input: ListObjectsInput): boolean {
  const { delimiter, prefix } = input
  if (after === undefined || delimiter === undefined || !after.startsWith(prefix)) return false
  const found = after.indexOf(delimiter, prefix.length)
  return found >= 0 && found + delimiter.length === after.length
}

/** The same listing under the operation names of S3's forms. */
export function listObjectsAs(
  name: 'ListObjects' | 'ListObjectsV2' | 'ListObjectVersions',
): Query<ListObjectsInput, ListObjectsOutput> {
  if (name !== 'ListObjectVersions') return { ...listObjects, name }
  const needs: typeof listObjects.needs = ({ bucket }) => [
    onBucket('s3:ListBucketVersions', bucket),
  ]
  return { ...listObjects, name, needs }
}
