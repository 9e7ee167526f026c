// Operations on the tags of a bucket. An empty set of tags is none.

import type { WriteTransaction } from '../engine/engine.ts'
import { pack } from '../store/row/record.ts'
import { putSetting } from '../store/tree/bucket-setting.ts'
import type { BucketAddress } from './bucket.ts'
import {
  type PutSettingInput,
  settingChange,
  settingQuery,
  settingRemoval,
} from './bucket-setting.ts'
import type { Change, Query } from './operation.ts'
import { checkTags, type Tag } from './tag.ts'

/** The tags of a bucket. */
export interface BucketTags {
  readonly tags: readonly Tag[]
}

export const getBucketTagging: Query<BucketAddress, BucketTags | undefined> = settingQuery(
  'GetBucketTagging',
  'tags',
  's3:GetBucketTagging',
)

export const deleteBucketTagging: Change<BucketAddress, void> = settingRemoval(
  'DeleteBucketTagging',
  'tags',
  's3:PutBucketTagging',
)

/** Gives a new bucket tags. @throws StoreError `TooManyTags`, `InvalidTag` */
export async function tagNewBucket(
  tx: WriteTransaction,
  bucket: string,
  tags: readonly Tag[],
): Promise<void> {
  checkTags(tags, 'bucket')
  const setting: BucketTags = { tags }
  if (tags.length > 0) await putSetting(tx, bucket, 'tags', pack(setting))
}

const put = settingChange<BucketTags>(
  'PutBucketTagging',
  'tags',
  's3:PutBucketTagging',
  ({ tags }) => checkTags(tags, 'bucket'),
)

/** Replaces all tags of a bucket. */
export const putBucketTagging: Change<PutSettingInput<BucketTags>, void> = {
  ...put,
  async commit(step, input) {
    if (input.setting.tags.length > 0) await put.commit(step, input)
    else await deleteBucketTagging.commit(step, input)
  },
}
