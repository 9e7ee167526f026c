// Folder operations: rename, copy and delete, each in one transaction regardless of the subtree's size. Also
// the rename of one object, as on S3.

import { utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import type { DirectoryId } from '../base/terms.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import type { ObjectRecord } from '../store/row/record.ts'
import { takeClientToken } from '../store/tree/client-token.ts'
import { findObject } from '../store/tree/directory.ts'
import {
  copyFolder as copyEntries,
  hasFolder,
  removeFolder,
  renameFolder,
  renameObject,
} from '../store/tree/folder.ts'
import {
  checkForWrite,
  preconditionFailed,
  type ReadConditions,
  type WriteConditions,
} from './condition.ts'
import { type Need, onFoundKeys, onListing, onPath, onSource } from './need.ts'
import { checkKey } from './object.ts'
import { takeAccess } from './object-owner.ts'
import type { BucketPath, Change, CommitStep } from './operation.ts'

export interface RenameInput {
  readonly bucket: string
  /** The source: a folder if it ends in '/', and then the target must be one too. */
  readonly from: string
  /** Used as the source if there is no object under `from`: S3 also accepts `bucket/key`. */
  readonly alternativeFrom?: string | undefined
  readonly to: string
  readonly conditions: ReadConditions
  readonly sourceConditions: ReadConditions
  /** For folders: removes the objects under the target. Objects are always replaced, as on S3. */
  readonly replace: boolean
  /** Requests with the same token rename only once. */
  readonly clientToken?: string | undefined
}

const isFolder = (key: string): boolean => key.endsWith('/')

/** The rights to move an object, or all objects of a folder, away. */
function renameSourceNeeds(bucket: string, from: string): Need[] {
  return [
    onSource(onPath('s3:GetObject', bucket, from)),
    onSource(onPath('s3:DeleteObject', bucket, from)),
  ]
}

/** The rights to put objects at a target; to replace a folder is also to delete objects that get no successor. */
function targetNeeds(bucket: string, to: string, replace: boolean): Need[] {
  const put = onPath('s3:PutObject', bucket, to)
  return replace && isFolder(to) ? [put, onPath('s3:DeleteObject', bucket, to)] : [put]
}

function written(bucket: string, key: string): BucketPath {
  return isFolder(key) ? { bucket, folder: key } : { bucket, key }
}

/** Renames an object, or a folder with all its objects. All other properties stay the same. */
export const rename: Change<RenameInput, void> = {
  kind: 'change',
  name: 'RenameObject',
  needs: ({ bucket, from, alternativeFrom, to, replace }) => [
    ...(alternativeFrom === undefined
      ? renameSourceNeeds(bucket, from)
      : [onFoundKeys('s3:GetObject', bucket)]),
    ...targetNeeds(bucket, to, replace),
  ],
  async writes(step, input) {
    const { bucket, to } = input
    const from = await resolveSource(step.tx, step.bucket(bucket).root, input)
    if (input.alternativeFrom !== undefined) await step.require(renameSourceNeeds(bucket, from))
    return [written(bucket, from), written(bucket, to)]
  },
  async commit(step, input) {
    const { bucket, to, replace, clientToken } = input
    checkKey(to)
    const { id, root } = step.bucket(bucket)
    if (clientToken !== undefined) {
      const { conditions, sourceConditions } = input
      const parameters = [
        'rename',
        input.from,
        to,
        replace,
        JSON.stringify([conditions, sourceConditions]),
      ]
      const request = { bucketId: id, token: clientToken, parameters }
      if ((await takeClientToken(step.tx, request, step.now)) !== undefined) return
    }
    const from = await resolveSource(step.tx, root, input)
    if (input.alternativeFrom !== undefined) await step.require(renameSourceNeeds(bucket, from))
    if (isFolder(from) !== isFolder(to)) {
      throw new StoreError({ code: 'RenameChangesKind' })
    }
    if (isFolder(from)) await renameWholeFolder(step, root, { ...input, from })
    else await renameOneObject(step, root, { ...input, from })
  },
}

/** AWS's documents give the source both as a key and as `bucket/key`: an existing key takes precedence. */
async function resolveSource(
  tx: ReadTransaction,
  root: DirectoryId,
  { from, alternativeFrom }: RenameInput,
): Promise<string> {
  if (alternativeFrom === undefined) return from
  const isThere = isFolder(from)
    ? await hasFolder(tx, root, utf8(from))
    : (await findObject(tx, root, utf8(from))) !== undefined
  return isThere ? from : alternativeFrom
}

async function renameOneObject(
  step: CommitStep,
  root: DirectoryId,
  input: RenameInput,
): Promise<void> {
  const source = await findObject(step.tx, root, utf8(input.from))
  if (source === undefined) throw new StoreError({ code: 'NoSuchKey', key: input.from })
  checkForWrite(input.sourceConditions, source, 'rename source')
  checkTarget(input.conditions, await findObject(step.tx, root, utf8(input.to)))
  const { tx } = step
  const keys = { root, from: utf8(input.from), to: utf8(input.to) }
  await renameObject({ tx, ids: step.services.ids }, keys)
}

/** The conditions on the object that a rename replaces: each failure is 412, even if there is no object. */
function checkTarget(conditions: ReadConditions, current: ObjectRecord | undefined): void {
  if (current !== undefined) {
    checkForWrite(conditions, current, 'target')
  } else if (conditions.ifMatch !== undefined) {
    throw preconditionFailed('ifMatch')
  }
}

async function renameWholeFolder(
  step: CommitStep,
  root: DirectoryId,
  input: RenameInput,
): Promise<void> {
  refuseObjectConditions(input.sourceConditions)
  const { ifNoneMatch, ...others } = input.conditions
  refuseObjectConditions(others)
  const from = utf8(input.from)
  const to = utf8(input.to)
  const replace = input.replace && ifNoneMatch === undefined
  await renameFolder({ tx: step.tx, ids: step.services.ids }, { root, from, to, replace })
}

/** A folder has neither an ETag nor a time. */
function refuseObjectConditions(conditions: ReadConditions): void {
  if (Object.values(conditions).every((condition) => condition === undefined)) return
  throw new StoreError({ code: 'FolderCondition' })
}

export interface CopyFolderInput {
  readonly source: { readonly bucket: string; readonly folder: string }
  readonly bucket: string
  readonly folder: string
  /** Removes the objects under the target. */
  readonly replace: boolean
  readonly conditions: WriteConditions
  readonly clientToken?: string | undefined
}

/** Copies a folder with all its objects, within or across buckets; bytes and rows are shared. */
export const copyFolder: Change<CopyFolderInput, { readonly copiedAt: number }> = {
  kind: 'change',
  name: 'CopyFolder',
  needs: ({ source, bucket, folder, replace }) => [
    // In another bucket, the copy tells the names of all keys.
    ...(source.bucket === bucket ? [] : [onSource(onListing(source.bucket, source.folder))]),
    onSource(onPath('s3:GetObject', source.bucket, source.folder)),
    onSource(onPath('s3:GetObjectTagging', source.bucket, source.folder)),
    ...targetNeeds(bucket, folder, replace),
    onPath('s3:PutObjectTagging', bucket, folder),
  ],
  writes: (_step, { bucket, folder }) => [{ bucket, folder }],
  async commit(step, input) {
    const { source, bucket, folder, replace, conditions, clientToken } = input
    const target = step.bucket(bucket)
    checkKey(folder)
    refuseObjectConditions({ ifMatch: conditions.ifMatch })
    if (clientToken !== undefined) {
      const sent = [source.bucket, source.folder, folder, replace, JSON.stringify(conditions)]
      const request = { bucketId: target.id, token: clientToken, parameters: ['copy', ...sent] }
      const copiedAt = await takeClientToken(step.tx, request, step.now)
      if (copiedAt !== undefined) return { copiedAt }
    }
    await copyEntries(
      { tx: step.tx, ids: step.services.ids },
      {
        fromRoot: step.bucket(source.bucket).root,
        from: utf8(source.folder),
        toRoot: target.root,
        to: utf8(folder),
        replace: replace && conditions.ifNoneMatch === undefined,
        override: { modifiedAt: step.now, ownerId: takeAccess(step, bucket).ownerId },
      },
    )
    return { copiedAt: step.now }
  },
}

export interface DeleteFolderInput {
  readonly bucket: string
  readonly folder: string
}

/** Deletes a folder with all its objects. A missing folder is no error, as with objects. */
export const deleteFolder: Change<DeleteFolderInput, void> = {
  kind: 'change',
  name: 'DeleteFolder',
  usesReserve: true,
  needs: ({ bucket, folder }) => [onPath('s3:DeleteObject', bucket, folder)],
  writes: (_step, { bucket, folder }) => [{ bucket, folder }],
  async commit(step, { bucket, folder }) {
    const { root } = step.bucket(bucket)
    if (!(await hasFolder(step.tx, root, utf8(folder)))) return
    await removeFolder({ tx: step.tx, ids: step.services.ids }, root, utf8(folder))
  },
}
