// Reads and changes of an object's tags. A change leaves the object's ETag and time as they are.

import { utf8 } from '../base/bytes.ts'
import { retainBody } from '../store/body/body.ts'
import { putObject } from '../store/tree/object.ts'
import { onKey } from './need.ts'
import { type ObjectAddress, requireNullVersion, requireObject, writesObject } from './object.ts'
import type { Change, CommitStep, Query } from './operation.ts'
import { checkTags, type Tag, tagsOrNone } from './tag.ts'

/** An object, in the one version that it has. */
export interface TaggingInput extends ObjectAddress {
  readonly versionId?: string | undefined
}

export interface PutTaggingInput extends TaggingInput {
  readonly tags: readonly Tag[]
}

/** Returns an object's tags, in the order in which they were set. */
export const getObjectTagging: Query<TaggingInput, { readonly tags: readonly Tag[] }> = {
  kind: 'query',
  name: 'GetObjectTagging',
  needs: (input) => [onKey('s3:GetObjectTagging', input)],
  async check(step, input) {
    requireNullVersion(input)
    const { tags = [] } = await requireObject(step.tx, step.bucket(input.bucket).root, input)
    return { tags }
  },
}

/** Replaces all tags of an object. */
export const putObjectTagging: Change<PutTaggingInput, void> = {
  kind: 'change',
  name: 'PutObjectTagging',
  needs: (input) => [onKey('s3:PutObjectTagging', input)],
  writes: writesObject,
  async commit(step, input) {
    checkTags(input.tags, 'object')
    await setTags(step, input, input.tags)
  },
}

/** Removes all tags of an object. */
export const deleteObjectTagging: Change<TaggingInput, void> = {
  kind: 'change',
  name: 'DeleteObjectTagging',
  needs: (input) => [onKey('s3:DeleteObjectTagging', input)],
  writes: writesObject,
  usesReserve: true,
  commit: (step, input) => setTags(step, input, []),
}

/** @throws StoreError `NoSuchVersion`, `NoSuchKey` */
async function setTags(step: CommitStep, input: TaggingInput, tags: readonly Tag[]): Promise<void> {
  requireNullVersion(input)
  const { root } = step.bucket(input.bucket)
  const record = await requireObject(step.tx, root, input)
  // The row that is replaced gives its reference back, unless a copy of the folder shares it.
  await retainBody(step.tx, record.body)
  const ctx = { tx: step.tx, ids: step.services.ids }
  await putObject(ctx, root, utf8(input.key), { ...record, tags: tagsOrNone(tags) })
}
