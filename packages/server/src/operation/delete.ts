// Deleting objects, one and many.

import { utf8 } from '../base/bytes.ts'
import { isStoreError, type StoreError, type StoreErrorCode } from '../base/errors.ts'
import { ownLimits } from '../base/limits.ts'
import { findObject, deleteObject as removeEntry } from '../store/directory.ts'
import { checkWrite, type EntityTags, preconditionFailed } from './condition.ts'
import { checkKey, type ObjectAddress, writesObject } from './object.ts'
import type { CommitStep, Operation } from './operation.ts'

/** The conditions of a deletion: `If-Match`, and those of directory buckets, which hold for all here. */
export interface DeleteConditions {
  readonly ifMatch?: EntityTags | undefined
  /** Milliseconds since the epoch, to the second. */
  readonly ifModifiedAt?: number | undefined
  readonly ifSizeBytes?: number | undefined
}

export interface DeleteObjectInput extends ObjectAddress {
  readonly versionId?: string | undefined
  readonly conditions: DeleteConditions
}

/** Deletes an object; that there is none is no error, unless `If-Match` says so. */
export const deleteObject: Operation<DeleteObjectInput, void, void, void> = {
  name: 'DeleteObject',
  usesReserve: true,
  needs: (input) => [{ action: 's3:DeleteObject', bucket: input.bucket, key: input.key }],
  writes: writesObject,
  commit: (step, input) => deleteOne(step, step.bucket(input.bucket).root, input),
}

async function deleteOne(step: CommitStep, root: number, input: DeleteObjectInput): Promise<void> {
  // A version that never was: deleting it changes nothing, as on S3.
  if (input.versionId !== undefined && input.versionId !== 'null') return
  checkKey(input.key)
  const key = utf8(input.key)
  const { ifMatch, ifModifiedAt, ifSizeBytes } = input.conditions
  if (ifMatch !== undefined || ifModifiedAt !== undefined || ifSizeBytes !== undefined) {
    const current = await findObject(step.tx, root, key)
    checkWrite({ ifMatch }, current)
    if (current === undefined) return
    checkExactly('x-amz-if-match-last-modified-time', ifModifiedAt, current.modifiedAt, 1000)
    checkExactly('x-amz-if-match-size', ifSizeBytes, current.sizeBytes, 1)
  }
  await removeEntry({ tx: step.tx, ids: step.services.ids }, root, key)
}

function checkExactly(name: string, wanted: number | undefined, found: number, unit: number): void {
  if (wanted === undefined || Math.floor(wanted / unit) === Math.floor(found / unit)) return
  throw preconditionFailed(name)
}

export interface DeleteObjectsInput {
  readonly bucket: string
  readonly objects: readonly Omit<DeleteObjectInput, 'bucket'>[]
}

/** What became of each key, in the order asked for. */
export interface DeleteObjectsOutput {
  readonly results: readonly {
    readonly key: string
    readonly versionId?: string | undefined
    readonly error?: StoreError | undefined
  }[]
}

/**
 * What the deletion of one object may be refused for: all before it has written anything, so that the
 * others can go on in the same transaction. Whatever else fails, fails all of it.
 */
const refusals: ReadonlySet<StoreErrorCode> = new Set([
  'PreconditionFailed',
  'NoSuchKey',
  'KeyTooLong',
])

/** At least one object each, and no more than one transaction should delete. */
function deletionPortions({ bucket, objects }: DeleteObjectsInput): DeleteObjectsInput[] {
  const portions: DeleteObjectsInput['objects'][number][][] = []
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
  return portions.map((portion) => ({ bucket, objects: portion }))
}

/** Deletes up to 1,000 objects; each succeeds or fails for itself. */
export const deleteObjects: Operation<DeleteObjectsInput, void, void, DeleteObjectsOutput> = {
  name: 'DeleteObjects',
  usesReserve: true,
  needs: (input) => [{ action: 's3:DeleteObject', bucket: input.bucket }],
  writes: (_step, { bucket, objects }) => objects.map(({ key }) => ({ bucket, key })),
  writesEach: true,
  portions: {
    of: deletionPortions,
    joined: (outputs) => ({ results: outputs.flatMap(({ results }) => results) }),
  },
  async commit(step, input) {
    const { root } = step.bucket(input.bucket)
    const results: DeleteObjectsOutput['results'][number][] = []
    for (const { key, versionId, conditions } of input.objects) {
      const refusal = step.refusalOf({ key })
      if (refusal !== undefined) {
        results.push({ key, versionId, error: refusal })
        continue
      }
      try {
        await deleteOne(step, root, { bucket: input.bucket, key, versionId, conditions })
        results.push({ key, versionId })
      } catch (error) {
        if (!isStoreError(error) || !refusals.has(error.code)) throw error
        results.push({ key, versionId, error })
      }
    }
    return { results }
  },
}
