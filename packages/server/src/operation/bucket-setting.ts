// Operations on the settings of a bucket that are rows of their own: read, put, delete, all alike.

import type { Action } from '../access/decide.ts'
import { pack, unpack } from '../store/row/record.ts'
import type { SettingName } from '../store/tree/bucket.ts'
import { deleteSetting, getSetting, putSetting } from '../store/tree/bucket-setting.ts'
import type { BucketAddress } from './bucket.ts'
import { onBucket } from './need.ts'
import type { Change, Query } from './operation.ts'

/** The input of an operation that puts a setting. */
export interface PutSettingInput<T> extends BucketAddress {
  readonly setting: T
}

/** Creates the operation that reads a setting; undefined if the bucket has none. */
export function settingQuery<T extends object>(
  name: string,
  setting: SettingName,
  action: Action,
): Query<BucketAddress, T | undefined> {
  return {
    kind: 'query',
    name,
    needs: ({ bucket }) => [onBucket(action, bucket)],
    async check(step, { bucket }) {
      const stored = await getSetting(step.tx, step.bucket(bucket), setting)
      return stored === undefined ? undefined : unpack<T>(stored.value)
    },
  }
}

/** Creates the operation that puts a setting. `check` may refuse one with a StoreError. */
export function settingChange<T extends object>(
  name: string,
  setting: SettingName,
  action: Action,
  check: (setting: T) => void = () => undefined,
): Change<PutSettingInput<T>, void> {
  return {
    kind: 'change',
    name,
    needs: ({ bucket }) => [onBucket(action, bucket)],
    async commit(step, input) {
      check(input.setting)
      await putSetting(step.tx, input.bucket, setting, pack(input.setting))
    },
  }
}

/** Creates the operation that removes a setting. To remove one that isn't there succeeds, as on S3. */
export function settingRemoval(
  name: string,
  setting: SettingName,
  action: Action,
): Change<BucketAddress, void> {
  return {
    kind: 'change',
    name,
    usesReserve: true,
    needs: ({ bucket }) => [onBucket(action, bucket)],
    commit: (step, { bucket }) => deleteSetting(step.tx, bucket, setting),
  }
}
