// Objects in the tree of a bucket without versions: the transaction that replaces or deletes an object
// releases its body.

import type { Bytes } from '../../base/bytes.ts'
import type { DirectoryId } from '../../base/terms.ts'
import { releaseBody } from '../body/body.ts'
import type { ObjectRecord } from '../row/record.ts'
import { detachObject, setObject } from './directory.ts'
import type { TreeContext } from './entry.ts'

/** Puts an object, to whose row the caller's reference to `record.body` passes. */
export async function putObject(
  ctx: TreeContext,
  root: DirectoryId,
  key: Bytes,
  record: ObjectRecord,
): Promise<void> {
  const replaced = await setObject(ctx, root, key, record)
  if (replaced !== undefined) await releaseBody(ctx.tx, replaced.body)
}

/** Deletes an object and the folders that become empty. Returns the deleted record. */
export async function deleteObject(
  ctx: TreeContext,
  root: DirectoryId,
  key: Bytes,
): Promise<ObjectRecord | undefined> {
  const detached = await detachObject(ctx, root, key)
  if (detached?.own !== undefined) await releaseBody(ctx.tx, detached.own.body)
  return detached?.record
}
