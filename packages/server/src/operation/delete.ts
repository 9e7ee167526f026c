// Deleting objects, one and many.

import { utf8 } from '../base/bytes.ts'
import type { StoreError, StoreErrorCode } from '../base/errors.ts'
import { ownLimits } from '../base/limits.ts'
import type { ConditionName } from '../base/refusal/s3.ts'
import type { DirectoryId } from '../base/terms.ts'
import { findObject } from '../store/tree/directory.ts'
import { deleteObject as removeEntry } from '../store/tree/object.ts'
import { checkWrite, type EntityTags, preconditionFailed } from './condition.ts'
import { type Need, onKey } from './need.ts'
import { checkKey, type ObjectAddress, writesObject } from './object.ts'
import type { Batch, Change, CommitStep } from './operation.ts'

/** The conditions of a deletion: `If-Match`, and those of S3's directory buckets, here valid for all buckets. */
export interface DeleteConditions {
  readonly ifMatch?: EntityTags | undefined
  /** Milliseconds since the epoch, in whole seconds. */
  readonly ifModifiedAt?: number | undefined
  readonly ifSizeBytes?: number | undefined
}

export interface DeleteObjectInput extends ObjectAddress {
  readonly versionId?: string | undefined
  readonly conditions: DeleteConditions
}

/** Deletes an object. A missing object is no error, unless `If-Match` requires one. */
export const deleteObject: Change<DeleteObjectInput, void> = {
  kind: 'change',
  name: 'DeleteObject',
  usesReserve: true,
  needs: deleteNeeds,
  writes: writesObject,
  commit: (step, input) => deleteOne(step, step.bucket(input.bucket).root, input),
}

/** The rights to delete an object: if its ETag has to match, also to read it. */
function deleteNeeds(input: DeleteObjectInput): Need[] {
  const action = input.versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion'
  const { ifMatch } = input.conditions
  const isCompared = ifMatch !== undefined && ifMatch !== '*'
  return isCompared ? [onKey(action, input), onKey('s3:GetObject', input)] : [onKey(action, input)]
}

async function deleteOne(
  step: CommitStep,
  root: DirectoryId,
  input: DeleteObjectInput,
): Promise<void> {
  // A version that never existed: deleting it changes nothing, as on S3.
  if (input.versionId !== undefined && input.versionId !== 'null') return
  checkKey(input.key)
  const key = utf8(input.key)
  const { ifMatch, ifModifiedAt, ifSizeBytes } = input.conditions
  if (ifMatch !== undefined || ifModifiedAt !== undefined || ifSizeBytes !== undefined) {
    const current = await findObject(step.tx, root, key)
    checkWrite({ ifMatch }, current)
    if (current === undefined) return
    checkExactly('ifModifiedAt', ifModifiedAt, current.modifiedAt, 1000)
    checkExactly('ifSizeBytes', ifSizeBytes, current.sizeBytes, 1)
  }
  await removeEntry({ tx: step.tx, ids: step.services.ids }, root, key)
}

function checkExactly(
  name: ConditionName,
  wanted: number | undefined,
  found: number,
  unit: number,
): void {
  if (wanted === undefined || Math.floor(wanted / unit) === Math.floor(found / unit)) return
  throw preconditionFailed(name)
}

export interface DeleteObjectsInput {
  readonly bucket: string
  readonly objects: readonly Omit<DeleteObjectInput, 'bucket'>[]
}

/** The outcome for each key, in the order of the request. */
export interface DeleteObjectsOutput {
  readonly results: readonly {
    readonly key: string
    readonly versionId?: string | undefined
    readonly error?: StoreError | undefined
  }[]
}

/**
 * The refusals of a single object's deletion. All come before its first write, so that the other deletions
 * can proceed in the same transaction. Any other failure fails the whole request.
 */
const refusals: ReadonlySet<StoreErrorCode> = new Set([
  'PreconditionFailed',
  'NoSuchKey',
  'KeyTooLong',
])

/** Divides the objects into portions for one transaction each, limited by count and total depth. */
function deletionPortions(objects: readonly DeleteObjectInput[]): DeleteObjectInput[][] {
  const portions: DeleteObjectInput[][] = []
  let depth = 0
  for (const object of objects) {
    const last = portions.at(-1)
    const names = object.key.split('/').length
    depth += names
    if (
      last !== undefined &&
      last.length < ownLimits.deletionKeys &&
      depth <= ownLimits.deletionDepth
    ) {
      last.push(object)
    } else {
      portions.push([object])
      depth = names
    }
  }
  return portions
}

/** Deletes up to 1,000 objects; each succeeds or fails by itself. */
export const deleteObjects: Batch<DeleteObjectsInput, DeleteObjectInput, DeleteObjectsOutput> = {
  kind: 'batch',
  name: 'DeleteObjects',
  change: deleteObject,
  items: ({ bucket, objects }) => objects.map((object) => ({ ...object, bucket })),
  portions: deletionPortions,
  isRefusal: ({ code }) => refusals.has(code),
  output: (outcomes) => ({
    results: outcomes.map(({ item: { key, versionId }, refusal }) => ({
      key,
      versionId,
      ...(refusal === undefined ? {} : { error: refusal }),
    })),
  }),
}
