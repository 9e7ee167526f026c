// A bucket's larger settings, each a row of its own. The bucket's row names them with their revisions. So a
// bucket without a setting costs no lookup, and a reader may keep what it made of a setting by (bucket id,
// revision).

import { type Bytes, utf8 } from '../../base/bytes.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import { type BucketRecord, findBucket, putBucket, type SettingName } from './bucket.ts'
import * as schema from './schema.ts'

/** A setting's row. */
export interface StoredSetting {
  /** That of the bucket when the setting was stored. */
  readonly revision: number
  readonly value: Bytes
}

/** A setting; undefined if the bucket has none of that name. */
export async function getSetting(
  tx: ReadTransaction,
  bucket: BucketRecord,
  name: SettingName,
): Promise<StoredSetting | undefined> {
  if (bucket.settings?.[name] === undefined) return undefined
  const bytes = await tx.get(schema.bucketSetting(bucket.id, utf8(name)))
  return bytes === undefined ? undefined : unpack<StoredSetting>(bytes)
}

/** Stores a setting of an existing bucket. The bucket gets a new revision. */
export async function putSetting(
  tx: WriteTransaction,
  bucketName: string,
  name: SettingName,
  value: Bytes,
): Promise<void> {
  const bucket = await requireBucket(tx, bucketName)
  const revision = (bucket.revision ?? 0) + 1
  putBucket(tx, bucketName, { ...bucket, settings: { ...bucket.settings, [name]: revision } })
  tx.put(schema.bucketSetting(bucket.id, utf8(name)), pack({ revision, value }))
}

/** Removes a setting; nothing happens if the bucket has none of that name. */
export async function deleteSetting(
  tx: WriteTransaction,
  bucketName: string,
  name: SettingName,
): Promise<void> {
  const bucket = await requireBucket(tx, bucketName)
  if (bucket.settings?.[name] === undefined) return
  const { [name]: _, ...settings } = bucket.settings
  putBucket(tx, bucketName, { ...bucket, settings })
  tx.delete(schema.bucketSetting(bucket.id, utf8(name)))
}

async function requireBucket(tx: ReadTransaction, name: string): Promise<BucketRecord> {
  const bucket = await findBucket(tx, name)
  if (bucket === undefined) throw new Error(`a setting of bucket ${name}, which does not exist`)
  return bucket
}
