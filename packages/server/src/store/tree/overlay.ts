// Writes to a shared directory: an overlay replaces it on the written path. An overlay has rows of
// its own over a base, which becomes immutable. Small layers are copied instead, so that chains of
// overlays grow only under many writes. Also the release of references to directories.

import type { Bytes } from '../../base/bytes.ts'
import { asDirectoryId, type DirectoryId } from '../../base/terms.ts'
import type { WriteTransaction } from '../../engine/engine.ts'
import { releaseBody, retainBody } from '../body/body.ts'
import type { Override } from '../row/record.ts'
import { decodeCompaction, encodeCompaction, queueCompaction } from './compaction.ts'
import {
  type DirectoryRow,
  decodeEntry,
  type EntryRow,
  encodeEntry,
  encodeFolderEntry,
  putDirectory,
  readDirectory,
  recordOf,
  retainDirectory,
  type TreeContext,
} from './entry.ts'
import { type Directory, type NamedEntry, type Step, scanOwnRows } from './layer.ts'
import * as schema from './schema.ts'

/**
 * The largest number of rows that a write copies. It keeps the first write to a shared directory
 * constant.
 */
const defaultCopiedRows = 32

/**
 * Replaces a shared directory with a writable one of the same content. `step` is its entry `name`
 * in the writable directory `parent`.
 */
export async function replaceShared(
  ctx: TreeContext,
  parent: Directory,
  name: Bytes,
  step: Step,
  suffixBytes: number,
): Promise<Directory> {
  const { tx } = ctx
  const source = step.directory
  const id = asDirectoryId(ctx.ids.next())
  const { rows, base, baseOverride } = await flattenSmallLayers(
    tx,
    source,
    ctx.copiedRows ?? defaultCopiedRows,
  )
  for (const { name, entry } of rows) await putCopy(tx, id, name, entry)
  const row: DirectoryRow = {
    refs: 1,
    longestSuffix: Math.max(source.row.longestSuffix, suffixBytes),
    base,
    baseOverride,
  }
  putDirectory(tx, id, row)
  // The reference of the parent's own entry is released. If that entry referred to the base, the
  // base link takes the reference over instead.
  if (base !== undefined) {
    linkBase(tx, id, base)
    if (!step.own || base !== source.id) await retainDirectory(tx, base)
    if ((await readDirectory(tx, base)).base !== undefined) await queueCompaction(tx, id)
  }
  if (step.own && base !== source.id) await dropDirectory(tx, source.id)
  const layered = base !== undefined
  const entry = { child: id, layered, override: undefined }
  tx.put(schema.entry(parent.id, name), encodeFolderEntry(entry))
  return { id, row, override: undefined, layered, writable: true }
}

interface Flattened {
  /** Topmost rows of the small layers; tombstones only if there is a base. */
  readonly rows: readonly NamedEntry<EntryRow>[]
  /** The topmost layer that isn't small. */
  readonly base: DirectoryId | undefined
  readonly baseOverride: Override | undefined
}

/** Flattens layers from the top of a shared directory, as long as they have few rows in total. */
async function flattenSmallLayers(
  tx: WriteTransaction,
  source: Directory,
  copiedRows: number,
): Promise<Flattened> {
  const rows = new Map<string, NamedEntry<EntryRow>>()
  let budget = copiedRows
  let { id, row, override }: Pick<Directory, 'id' | 'row' | 'override'> = source
  for (;;) {
    const layer: NamedEntry<EntryRow>[] = []
    for await (const named of scanOwnRows(tx, id, override)) {
      layer.push(named)
      if (layer.length > budget) break
    }
    if (layer.length > budget) return { rows: [...rows.values()], base: id, baseOverride: override }
    budget -= layer.length
    for (const named of layer) {
      const text = Buffer.from(named.name).toString('latin1')
      if (!rows.has(text)) rows.set(text, named)
    }
    if (row.base === undefined) break
    override ??= row.baseOverride
    id = row.base
    row = await readDirectory(tx, id)
  }
  const living = [...rows.values()].filter(({ entry }) => entry.kind !== 'tombstone')
  return { rows: living, base: undefined, baseOverride: undefined }
}

/** Copies a row, adding a reference to its body or directory. */
export async function putCopy(
  tx: WriteTransaction,
  id: DirectoryId,
  name: Bytes,
  entry: EntryRow,
): Promise<void> {
  tx.put(schema.entry(id, name), encodeEntry(entry))
  if (entry.kind === 'folder') await retainDirectory(tx, entry.child)
  if (entry.kind === 'object') await retainBody(tx, recordOf(entry).body)
}

/**
 * Moves the row of `name`, tombstones included, from an exclusive base into the writable
 * `directory`. What readers see stays the same; the row's reference is released when the row is
 * replaced. Returns true if a row was moved.
 */
export async function pullUp(
  tx: WriteTransaction,
  directory: Directory,
  name: Bytes,
): Promise<boolean> {
  let isMoved = false
  for await (const { value, override } of removeExclusiveRows(tx, directory, name)) {
    const entry = decodeEntry(value, override)
    if (isMoved) await releaseEntry(tx, entry)
    else tx.put(schema.entry(directory.id, name), encodeEntry(entry))
    isMoved = true
  }
  return isMoved
}

/** Removes the rows of `name` that an overlay's own row hides in its exclusive bases. */
export async function releaseHidden(
  tx: WriteTransaction,
  overlay: Pick<Directory, 'id' | 'row'>,
  name: Bytes,
): Promise<void> {
  for await (const { value } of removeExclusiveRows(tx, overlay, name)) {
    await releaseEntry(tx, decodeEntry(value))
  }
}

/** Deletes and yields the rows of `name` in the exclusive bases below `overlay`. */
async function* removeExclusiveRows(
  tx: WriteTransaction,
  overlay: Pick<Directory, 'id' | 'row'>,
  name: Bytes,
): AsyncGenerator<{ readonly value: Bytes; readonly override: Override | undefined }> {
  let { base, baseOverride: override } = overlay.row
  const above = [overlay.id]
  while (base !== undefined) {
    const row = await readDirectory(tx, base)
    if (row.refs > 1) return
    const key = schema.entry(base, name)
    const value = await tx.get(key)
    if (value !== undefined) {
      // A running merge of these layers may already have copied the row.
      for (const id of above) await abandonMerge(tx, id)
      tx.delete(key)
      yield { value, override }
    }
    override ??= row.baseOverride
    above.push(base)
    base = row.base
  }
}

/** Releases the reference that a removed row holds. */
export async function releaseEntry(tx: WriteTransaction, entry: EntryRow): Promise<void> {
  if (entry.kind === 'folder') await dropDirectory(tx, entry.child)
  if (entry.kind === 'object') await releaseBody(tx, recordOf(entry).body)
}

/** Restarts the compaction of an overlay if it is building a merged layer. */
export async function abandonMerge(tx: WriteTransaction, overlay: DirectoryId): Promise<void> {
  const key = schema.compaction(overlay)
  const value = await tx.get(key)
  if (value === undefined) return
  const job = decodeCompaction(value)
  if (job.phase !== 'merge') return
  tx.put(key, encodeCompaction({ phase: 'look' }))
  await dropDirectory(tx, job.merged)
}

/**
 * Drops a reference to directory `id` and queues it for collection after the last one. If a single
 * overlay remains as its reader, that overlay is queued for compaction.
 */
export async function dropDirectory(tx: WriteTransaction, id: DirectoryId): Promise<void> {
  const row = await readDirectory(tx, id)
  const refs = row.refs - 1
  if (refs < 0) throw new Error(`directory ${id} has no references left to drop`)
  putDirectory(tx, id, { ...row, refs })
  if (refs === 0) {
    tx.put(schema.queued(id), empty)
    return
  }
  if (refs > 1) return
  for await (const link of tx.range(schema.overlayLinks(id))) {
    await queueCompaction(tx, schema.parseOverlayLink(link.key).overlay)
    return
  }
}

/** Records that `overlay` has `base` as its base; see {@link dropDirectory}. */
export function linkBase(tx: WriteTransaction, overlay: DirectoryId, base: DirectoryId): void {
  tx.put(schema.overlayLink(base, overlay), empty)
}

const empty: Bytes = new Uint8Array()
