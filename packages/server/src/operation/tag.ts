// Tags: the rules that S3 has for those of objects and of buckets.

import { StoreError } from '../base/errors.ts'
import { s3Limits } from '../base/limits.ts'
import type { InvalidTagProblem } from '../base/refusal/s3.ts'
import type { Tag } from '../store/row/record.ts'

export type { Tag } from '../store/row/record.ts'

/** The kinds of resources that have tags. */
export type Tagged = 'object' | 'bucket'

/** Letters, numbers and spaces of any script, and the signs that all of AWS's services allow. */
const allowedText = /^[\p{L}\p{N}\p{Z}+\-=._:/@]*$/u

/** The prefix of the tags that only AWS itself sets; in any case. */
const systemPrefix = /^aws:/i

/**
 * Checks a set of tags. Lengths are in UTF-16 units, as on S3.
 * @throws StoreError `TooManyTags`, `InvalidTag`
 */
export function checkTags(tags: readonly Tag[], of: Tagged): void {
  const maximum = of === 'object' ? s3Limits.objectTags : s3Limits.bucketTags
  if (tags.length > maximum) throw new StoreError({ code: 'TooManyTags', of, maximum })
  const keys = new Set<string>()
  for (const tag of tags) {
    const problem = keys.has(tag.key) ? 'duplicate' : problemOf(tag)
    if (problem !== undefined) throw new StoreError({ code: 'InvalidTag', of, problem, ...tag })
    keys.add(tag.key)
  }
}

function problemOf({ key, value }: Tag): InvalidTagProblem | undefined {
  if (systemPrefix.test(key)) return 'system'
  if (key === '' || key.length > s3Limits.tagKeyLength || !allowedText.test(key)) return 'key'
  if (value.length > s3Limits.tagValueLength || !allowedText.test(value)) return 'value'
  return undefined
}

/** Tags as a record has them: absent for none. */
export function tagsOrNone(tags: readonly Tag[] | undefined): readonly Tag[] | undefined {
  return tags === undefined || tags.length === 0 ? undefined : tags
}
