// The tree: keys as rows of directories. A directory is written in place only if it is exclusive to
// its path: every entry on the path belongs to its parent's own rows, is the only reference, and
// has no override. Any other directory is immutable; a write replaces it on the written path with
// an overlay.

import { type Bytes, compareBytes } from '../../base/bytes.ts'
import { StoreError } from '../../base/errors.ts'
import { s3Limits } from '../../base/limits.ts'
import { asDirectoryId, type DirectoryId } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import type { ObjectRecord } from '../row/record.ts'
import {
  type DirectoryRow,
  decodeEntry,
  deleteDirectory,
  type EntryRow,
  encodeFolderEntry,
  encodeObjectEntry,
  putDirectory,
  readDirectory,
  recordOf,
  splitKey,
  type TreeContext,
  tombstone,
} from './entry.ts'
import {
  type Directory,
  findEntry,
  findInherited,
  type Path,
  type Step,
  scanOwnRows,
  scanRows,
  type View,
  viewOf,
} from './layer.ts'
import { dropDirectory, pullUp, replaceShared } from './overlay.ts'
import * as schema from './schema.ts'
import { countWritten } from './unshare.ts'

export function createRoot({ tx, ids }: TreeContext): DirectoryId {
  const root = asDirectoryId(ids.next())
  putDirectory(tx, root, rootRow)
  return root
}

/** Removes the root of an empty bucket. */
export async function removeRoot(tx: TreeContext['tx'], root: DirectoryId): Promise<void> {
  if (!(await isEmpty(tx, root))) throw new Error(`directory ${root} is not empty`)
  deleteDirectory(tx, root)
}

/** True if there is no object below `root`. */
export async function isEmpty(tx: ReadTransaction, root: DirectoryId): Promise<boolean> {
  // A root has no base, hence no tombstones, and empty folders have no entry.
  for await (const _ of tx.range(schema.entries(root))) return false
  return true
}

/** The object at `key`. Costs one read per level, plus one per layer of an overlay. */
export async function findObject(
  tx: ReadTransaction,
  root: DirectoryId,
  key: Bytes,
): Promise<ObjectRecord | undefined> {
  const { folders, name } = splitKey(key)
  const view = await findFolder(tx, rootView(root), folders)
  if (view === undefined) return undefined
  const entry = await findEntry(tx, view, name)
  return entry?.kind === 'object' ? recordOf(entry) : undefined
}

/** The directory at the path of `folders` below `top`. */
export async function findFolder(
  tx: ReadTransaction,
  top: View,
  folders: readonly Bytes[],
): Promise<View | undefined> {
  let view = top
  for (const name of folders) {
    const entry = await findEntry(tx, view, name)
    if (entry?.kind !== 'folder') return undefined
    view = viewOf(entry)
  }
  return view
}

/** A bucket's root: never shared, and without a base. */
export function rootView(root: DirectoryId): View {
  return { id: root, override: undefined, layered: false }
}

/**
 * Puts an object's row. The caller's reference to `record.body` passes to the row. Returns the row that
 * it replaced in the same directory; that row's reference to its body passes to the caller.
 */
export async function setObject(
  ctx: TreeContext,
  root: DirectoryId,
  key: Bytes,
  record: ObjectRecord,
): Promise<ObjectRecord | undefined> {
  if (key.byteLength > s3Limits.keyBytes) {
    throw new StoreError({ code: 'KeyTooLong', maximumBytes: s3Limits.keyBytes })
  }
  const { folders, name } = splitKey(key)
  const { directories } = await openPath(ctx, root, folders, key.byteLength)
  const directory = last(directories)
  const replaced = await findOwnRow(ctx, directory, name)
  ctx.tx.put(schema.entry(directory.id, name), encodeObjectEntry(record))
  if (replaced === undefined) await countWritten(ctx.tx, directory, name)
  return replaced?.kind === 'object' ? recordOf(replaced) : undefined
}

/** An object that was removed from the tree. */
export interface DetachedObject {
  /** The object as readers saw it. */
  readonly record: ObjectRecord
  /** The removed row, whose reference to its body passes to the caller; undefined if a base keeps it. */
  readonly own: ObjectRecord | undefined
}

/** Removes an object's row and the folders that become empty. */
export async function detachObject(
  ctx: TreeContext,
  root: DirectoryId,
  key: Bytes,
): Promise<DetachedObject | undefined> {
  const { folders, name } = splitKey(key)
  const seen = await tracePath(ctx.tx, root, folders)
  if (seen === undefined) return undefined
  const entry = await findEntry(ctx.tx, last(seen.directories), name)
  if (entry?.kind !== 'object') return undefined
  const path = last(seen.directories).writable ? seen : await openPath(ctx, root, folders, 0)
  const removed = await removeEntry(ctx, last(path.directories), name)
  await removeEmptied(ctx, path, name)
  return {
    record: recordOf(entry),
    own: removed?.kind === 'object' ? recordOf(removed) : undefined,
  }
}

/** Resolves a path without changing it; undefined if a folder is missing. */
export async function tracePath(
  tx: ReadTransaction,
  root: DirectoryId,
  names: readonly Bytes[],
): Promise<Path | undefined> {
  let directory = rootDirectory(root)
  const directories: [Directory, ...Directory[]] = [directory]
  for (const name of names) {
    const step = await stepInto(tx, directory, name)
    if (step === undefined) return undefined
    directory = step.directory
    directories.push(directory)
  }
  return { directories, names }
}

/**
 * Makes every directory of a path writable: creates missing ones, and puts overlays over shared
 * ones. `keyBytes` is the length of the longest key that will be put below the path.
 */
export async function openPath(
  ctx: TreeContext,
  root: DirectoryId,
  names: readonly Bytes[],
  keyBytes: number,
): Promise<Path> {
  let parent = rootDirectory(root)
  let suffixBytes = keyBytes
  let isNew = false
  const directories: [Directory, ...Directory[]] = [parent]
  for (const name of names) {
    suffixBytes -= name.byteLength
    const step: Step | undefined = isNew ? undefined : await stepForWriting(ctx, parent, name)
    if (step === undefined) {
      parent = createDirectory(ctx, parent, name, suffixBytes)
      isNew = true
    } else if (step.directory.writable) {
      parent = raiseBound(ctx, step.directory, suffixBytes)
    } else {
      parent = await replaceShared(ctx, parent, name, step, suffixBytes)
    }
    directories.push(parent)
  }
  return { directories, names }
}

/** Looks up a folder in `parent`. */
async function stepInto(
  tx: ReadTransaction,
  parent: Directory,
  name: Bytes,
): Promise<Step | undefined> {
  const value = await tx.get(schema.entry(parent.id, name))
  const own = value !== undefined
  const entry = own
    ? decodeEntry(value, parent.override)
    : await findInherited(tx, parent.row, parent.override, name)
  if (entry?.kind !== 'folder') return undefined
  const row = await readDirectory(tx, entry.child)
  const writable = parent.writable && own && row.refs === 1 && entry.override === undefined
  const { child: id, override, layered } = entry
  return { entry, own, directory: { id, override, layered, row, writable } }
}

/**
 * Like {@link stepInto}, for a writable parent: first moves an exclusive inherited row into the
 * parent.
 */
async function stepForWriting(
  ctx: TreeContext,
  parent: Directory,
  name: Bytes,
): Promise<Step | undefined> {
  const step = await stepInto(ctx.tx, parent, name)
  if (step === undefined || step.own) return step
  return (await pullUp(ctx.tx, parent, name)) ? stepInto(ctx.tx, parent, name) : step
}

/**
 * The own row of `name` in a writable directory, after moving an exclusive inherited row into it.
 */
export async function findOwnRow(
  ctx: TreeContext,
  directory: Directory,
  name: Bytes,
): Promise<EntryRow | undefined> {
  const key = schema.entry(directory.id, name)
  let value = await ctx.tx.get(key)
  if (value === undefined && (await pullUp(ctx.tx, directory, name))) value = await ctx.tx.get(key)
  return value === undefined ? undefined : decodeEntry(value)
}

/**
 * Removes `name` from a writable directory. Returns the directory's own row, if there was one; its
 * reference passes to the caller.
 */
export async function removeEntry(
  ctx: TreeContext,
  directory: Directory,
  name: Bytes,
): Promise<EntryRow | undefined> {
  const { tx } = ctx
  const own = await findOwnRow(ctx, directory, name)
  const key = schema.entry(directory.id, name)
  const inherited = await findInherited(tx, directory.row, undefined, name)
  if (inherited !== undefined) {
    tx.put(key, tombstone)
    if (own === undefined) await countWritten(tx, directory, name)
  } else if (own !== undefined) tx.delete(key)
  return own
}

/**
 * Removes the folders that became empty after `name` was removed from the last directory of `path`.
 */
export async function removeEmptied(ctx: TreeContext, path: Path, name: Bytes): Promise<void> {
  let removed = name
  for (let depth = path.names.length; depth > 0; depth--) {
    const directory = path.directories[depth]
    const parent = path.directories[depth - 1]
    const folder = path.names[depth - 1]
    if (directory === undefined || parent === undefined || folder === undefined) return
    if (await hasLivingEntry(ctx, directory, removed)) return
    await removeEntry(ctx, parent, folder)
    if (directory.row.base === undefined) deleteDirectory(ctx.tx, directory.id)
    else await dropDirectory(ctx.tx, directory.id)
    removed = folder
  }
}

/**
 * True if a directory still has an entry after `removed` was removed. Concurrent deletes must not
 * conflict here, nor scan the same tombstones again and again. The directory therefore stores the
 * name of a living entry as a hint, which one recorded read verifies. Only if that entry is gone is
 * another one searched, away from the deletes.
 */
async function hasLivingEntry(
  { tx }: TreeContext,
  directory: Directory,
  removed: Bytes,
): Promise<boolean> {
  const key = schema.livingHint(directory.id)
  const hint = await tx.peek(key)
  if (hint !== undefined && (await findEntry(tx, directory, hint)) !== undefined) return true
  const found =
    directory.row.base === undefined
      ? await findAtEnds(tx, directory, removed)
      : await findNearest(tx, directory, removed)
  if (found === undefined) return false
  tx.put(key, found)
  return true
}

/**
 * The last entry of a directory without a base, or the first if the deletes proceed from the end.
 */
async function findAtEnds(
  tx: ReadTransaction,
  directory: Directory,
  removed: Bytes,
): Promise<Bytes | undefined> {
  for await (const { name } of scanOwnRows(tx, directory.id, undefined, { reverse: true })) {
    if (compareBytes(name, removed) > 0) return name
    break
  }
  for await (const { name } of scanOwnRows(tx, directory.id, undefined)) return name
  return undefined
}

/**
 * The living entry nearest to `removed`, searched in both directions alternately. A delete that
 * joins two runs of tombstones costs as much as the shorter run. That makes O(n log n) for n
 * deletes in any order.
 */
async function findNearest(
  tx: ReadTransaction,
  directory: Directory,
  removed: Bytes,
): Promise<Bytes | undefined> {
  const scans = [
    scanRows(tx, directory, { start: removed }),
    scanRows(tx, directory, { end: removed, reverse: true }),
  ]
  try {
    for (;;) {
      let isDone = true
      for (const scan of scans) {
        const next = await scan.next()
        if (next.done === true) continue
        if (next.value.entry.kind !== 'tombstone') return next.value.name
        isDone = false
      }
      if (isDone) return undefined
    }
  } finally {
    for (const scan of scans) await scan.return(undefined)
  }
}

function createDirectory(
  { tx, ids }: TreeContext,
  parent: Directory,
  name: Bytes,
  longestSuffix: number,
): Directory {
  const id = asDirectoryId(ids.next())
  const row: DirectoryRow = { refs: 1, longestSuffix, base: undefined, baseOverride: undefined }
  putDirectory(tx, id, row)
  const entry = { child: id, layered: false, override: undefined }
  tx.put(schema.entry(parent.id, name), encodeFolderEntry(entry))
  return { id, row, override: undefined, layered: false, writable: true }
}

/** Raises a directory's bound to cover a key of `suffixBytes` below it. */
function raiseBound({ tx }: TreeContext, directory: Directory, suffixBytes: number): Directory {
  if (directory.row.longestSuffix >= suffixBytes) return directory
  const row = { ...directory.row, longestSuffix: suffixBytes }
  putDirectory(tx, directory.id, row)
  return { ...directory, row }
}

const rootRow: DirectoryRow = {
  refs: 1,
  longestSuffix: 0,
  base: undefined,
  baseOverride: undefined,
}

function rootDirectory(root: DirectoryId): Directory {
  return { ...rootView(root), row: rootRow, writable: true }
}

export function last(directories: Path['directories']): Directory {
  return directories.at(-1) ?? directories[0]
}
