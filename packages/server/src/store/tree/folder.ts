// Renames, copies and removes whole folders by changing the one entry that refers to them, in
// constant time. Every entry on the paths is read in the transaction, so concurrent renames can't
// make a folder its own descendant. A copy shares its contents with the source.

import { type Bytes, compareBytes, startsWith, text } from '../../base/bytes.ts'
import { StoreError } from '../../base/errors.ts'
import { ownLimits, s3Limits } from '../../base/limits.ts'
import type { DirectoryId } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { retainBody } from '../body/body.ts'
import type { ObjectRecord, Override } from '../row/record.ts'
import {
  findFolder,
  findObject,
  findOwnRow,
  last,
  openPath,
  removeEmptied,
  removeEntry,
  rootView,
  tracePath,
} from './directory.ts'
import {
  encodeFolderEntry,
  type FolderEntry,
  putDirectory,
  readDirectory,
  retainDirectory,
  splitKey,
  type TreeContext,
} from './entry.ts'
import { findEntry, type Path, scanEntries, type View, viewOf } from './layer.ts'
import { deleteObject, putObject } from './object.ts'
import { dropDirectory } from './overlay.ts'
import * as schema from './schema.ts'
import { countWritten } from './unshare.ts'

/** `from` and `to` are key prefixes that end in '/'. */
export interface FolderRename {
  readonly root: DirectoryId
  readonly from: Bytes
  readonly to: Bytes
  /** Whether to replace what is under `to`. If false, `to` must be empty. */
  readonly replace: boolean
}

/** The target may be in another bucket, inside the source, or above it. */
export interface FolderCopy {
  readonly fromRoot: DirectoryId
  readonly from: Bytes
  readonly toRoot: DirectoryId
  readonly to: Bytes
  /** Whether to replace what is under `to`. If false, `to` must be empty. */
  readonly replace: boolean
  /** The values that every object of the copy shows in place of the source's. */
  readonly override: Override
}

/**
 * Renames a folder: all objects under `from` move to `to` and keep their owners and times.
 *
 * @throws StoreError
 * - `NoSuchKey`: `from` is empty
 * - `FolderExists`: `to` is not empty and must not be replaced
 * - `FolderRenameIntoItself`: `to` is `from` or below it
 * - `KeyTooLong`: a key would be too long
 * - `FolderTooLargeToMeasure`: there are too many keys to tell
 */
export async function renameFolder(ctx: TreeContext, rename: FolderRename): Promise<void> {
  const { root, from, to, replace } = rename
  const source = splitFolder(from)
  const target = splitFolder(to)
  if (startsWith(to, from)) {
    throw new StoreError({ code: 'FolderRenameIntoItself' })
  }
  const entry = await findSource(ctx, root, from, source)
  await checkTarget(ctx, root, target, replace)
  const suffixBytes = await checkLength(ctx, viewOf(entry), to)
  const { path, own } = await detach(ctx, root, source)
  if (own === undefined) await retainDirectory(ctx.tx, entry.child)
  await attach(ctx, root, target, entry, to.byteLength + suffixBytes)
  // A target above the source has replaced all the source's parents below it.
  if (!startsWith(from, to)) await removeEmptied(ctx, path, source.name)
}

/**
 * Copies a folder as it is now; later changes of one don't affect the other.
 * @throws StoreError as {@link renameFolder}, but `FolderCopyToItself` if the target is the source itself, and it may be
 *   below it.
 */
export async function copyFolder(ctx: TreeContext, copy: FolderCopy): Promise<void> {
  const { fromRoot, from, toRoot, to, replace, override } = copy
  const source = splitFolder(from)
  const target = splitFolder(to)
  if (fromRoot === toRoot && compareBytes(from, to) === 0) {
    throw new StoreError({ code: 'FolderCopyToItself' })
  }
  const { child, layered } = await findSource(ctx, fromRoot, from, source)
  await checkTarget(ctx, toRoot, target, replace)
  const suffixBytes = await checkLength(ctx, { id: child, layered, override }, to)
  // Hold the source before writing the path to the target. The target may be inside the source, and
  // may replace a parent of it.
  await retainDirectory(ctx.tx, child)
  await attach(ctx, toRoot, target, { child, layered, override }, to.byteLength + suffixBytes)
}

/** Removes all objects under `folder`. @throws StoreError `NoSuchKey` if there are none. */
export async function removeFolder(
  ctx: TreeContext,
  root: DirectoryId,
  folder: Bytes,
): Promise<void> {
  const source = splitFolder(folder)
  await findSource(ctx, root, folder, source)
  const { path, own } = await detach(ctx, root, source)
  if (own !== undefined) await dropDirectory(ctx.tx, own.child)
  await removeEmptied(ctx, path, source.name)
}

/**
 * Renames one object, which keeps all its attributes; an object at `to` is replaced.
 * @throws StoreError `NoSuchKey`, `KeyTooLong`, or `RenameToItself` if the two keys are the same.
 */
export async function renameObject(
  ctx: TreeContext,
  { root, from, to }: { readonly root: DirectoryId; readonly from: Bytes; readonly to: Bytes },
): Promise<ObjectRecord> {
  if (compareBytes(from, to) === 0) {
    throw new StoreError({ code: 'RenameToItself' })
  }
  const record = await findObject(ctx.tx, root, from)
  if (record === undefined) throw new StoreError({ code: 'NoSuchKey', key: text(from) })
  await retainBody(ctx.tx, record.body)
  // Put before delete, so that a folder common to both keys isn't removed in between.
  await putObject(ctx, root, to, record)
  await deleteObject(ctx, root, from)
  return record
}

/** True if there is any object under `folder`, a key prefix that ends in '/'. */
export async function hasFolder(
  tx: ReadTransaction,
  root: DirectoryId,
  folder: Bytes,
): Promise<boolean> {
  return (await findFolder(tx, rootView(root), splitKey(folder).folders)) !== undefined
}

/** A folder's path: the names that lead to its parent, and its own. */
interface FolderName {
  readonly parents: readonly Bytes[]
  readonly name: Bytes
}

function splitFolder(prefix: Bytes): FolderName {
  const { folders, name: rest } = splitKey(prefix)
  const name = folders.at(-1)
  if (name === undefined || rest.byteLength > 0) {
    throw new StoreError({ code: 'NotAFolderName' })
  }
  if (prefix.byteLength > s3Limits.keyBytes) throw keyTooLong()
  return { parents: folders.slice(0, -1), name }
}

/** The entry of a folder, which must exist. */
async function findSource(
  { tx }: TreeContext,
  root: DirectoryId,
  prefix: Bytes,
  { parents, name }: FolderName,
): Promise<FolderEntry> {
  const path = await tracePath(tx, root, parents)
  const entry = path && (await findEntry(tx, last(path.directories), name))
  if (entry?.kind !== 'folder') throw new StoreError({ code: 'NoSuchKey', key: text(prefix) })
  return entry
}

async function checkTarget(
  { tx }: TreeContext,
  root: DirectoryId,
  { parents, name }: FolderName,
  replace: boolean,
): Promise<void> {
  const path = await tracePath(tx, root, parents)
  const entry = path && (await findEntry(tx, last(path.directories), name))
  if (entry !== undefined && !replace) {
    throw new StoreError({ code: 'FolderExists' })
  }
}

/**
 * An upper bound of the longest key below a directory, in bytes. Throws if a key would be too long
 * below `to`.
 */
async function checkLength({ tx }: TreeContext, view: View, to: Bytes): Promise<number> {
  const limit = s3Limits.keyBytes - to.byteLength
  const longest = await tightenBound(tx, view, limit, { rows: ownLimits.boundRows })
  if (longest > limit) throw keyTooLong()
  return longest
}

/**
 * Returns a bound of the keys below a directory that is at most `limit`, if all keys are. Stored
 * bounds only grow. Where one exceeds the limit, it is recomputed from the entries, at most `left`
 * of them.
 */
async function tightenBound(
  tx: TreeContext['tx'],
  view: View,
  limit: number,
  left: { rows: number },
): Promise<number> {
  const row = await readDirectory(tx, view.id)
  if (row.longestSuffix <= limit) return row.longestSuffix
  let longest = 0
  for await (const { name, entry } of scanEntries(tx, view)) {
    if (left.rows-- === 0) throw boundUnknown()
    const isObject = entry.kind === 'object'
    const rest = limit - name.byteLength
    const below = isObject ? 0 : await tightenBound(tx, viewOf(entry), rest, left)
    longest = Math.max(longest, name.byteLength + below)
    if (longest > limit) return longest
  }
  putDirectory(tx, view.id, { ...row, longestSuffix: longest })
  return longest
}

/**
 * Removes a folder's entry from its parent. `own` is the parent's own entry, whose reference passes
 * to the caller. It is undefined if the folder was inherited from a base.
 */
async function detach(
  ctx: TreeContext,
  root: DirectoryId,
  { parents, name }: FolderName,
): Promise<{ path: Path; own: FolderEntry | undefined }> {
  const path = await openPath(ctx, root, parents, 0)
  const own = await removeEntry(ctx, last(path.directories), name)
  return { path, own: own?.kind === 'folder' ? own : undefined }
}

/**
 * Puts a folder's entry; the caller's reference passes to it. The reference of a replaced entry is
 * released.
 */
async function attach(
  ctx: TreeContext,
  root: DirectoryId,
  { parents, name }: FolderName,
  entry: Omit<FolderEntry, 'kind'>,
  keyBytes: number,
): Promise<void> {
  const path = await openPath(ctx, root, parents, keyBytes)
  const parent = last(path.directories)
  const replaced = await findOwnRow(ctx, parent, name)
  ctx.tx.put(schema.entry(parent.id, name), encodeFolderEntry(entry))
  if (replaced === undefined) await countWritten(ctx.tx, parent, name)
  if (replaced?.kind === 'folder') await dropDirectory(ctx.tx, replaced.child)
}

function boundUnknown(): StoreError {
  return new StoreError({ code: 'FolderTooLargeToMeasure', maximumRows: ownLimits.boundRows })
}

function keyTooLong(): StoreError {
  return new StoreError({ code: 'KeyTooLong', maximumBytes: s3Limits.keyBytes })
}
