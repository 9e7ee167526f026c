// Background compaction of overlays. It keeps chains of layers logarithmic in their number of rows,
// and frees hidden bodies. Each batch is one transaction that doesn't change what readers see. Rows
// move only out of a base with a single overlay. Layers with several readers are copied into a
// merged layer, which replaces them once complete.

import type { Bytes } from '../../base/bytes.ts'
import { asDirectoryId, type DirectoryId } from '../../base/terms.ts'
import type { Engine, WriteTransaction } from '../../engine/engine.ts'
import {
  type Compaction,
  decodeCompaction,
  encodeCompaction,
  type LayerPair,
  queueCompaction,
} from './compaction.ts'
import {
  type DirectoryRow,
  decodeEntry,
  deleteDirectory,
  type EntryRow,
  encodeEntry,
  findDirectoryRow,
  putDirectory,
  readDirectory,
  retainDirectory,
  type TreeContext,
} from './entry.ts'
import { findInherited, type NamedEntry, rangeAfter, rowsAfter, scanLayers } from './layer.ts'
import {
  abandonMerge,
  dropDirectory,
  linkBase,
  putCopy,
  releaseEntry,
  releaseHidden,
} from './overlay.ts'
import * as schema from './schema.ts'
import { beginUnsharing, type Unsharing, unshare } from './unshare.ts'

/** A layer is merged with the one below if that has at most this many times its rows. */
const similarFactor = 2

/** The largest number of overlays queued again after the compaction of their base. */
const overlaysQueued = 8

/** The progress of one batch. */
export interface CompactionProgress {
  /** Rows read, moved or copied. */
  readonly rows: number
  /** True if work remains. */
  readonly hasMore: boolean
}

/**
 * Runs one batch of compaction of about `maxRows` rows, in one transaction.
 * @throws StoreError `SlowDown` if it lost too many races with writes; may be retried.
 */
export async function compact(
  engine: Engine,
  ids: TreeContext['ids'],
  { maxRows }: { readonly maxRows: number },
): Promise<CompactionProgress> {
  return engine.write((tx) => compactBatch({ tx, ids }, maxRows))
}

/** Like {@link compact}, in the caller's transaction. */
export async function compactBatch(ctx: TreeContext, maxRows: number): Promise<CompactionProgress> {
  let rows = 0
  for (;;) {
    const next = await firstJob(ctx.tx)
    if (next === undefined) return { rows, hasMore: false }
    if (rows >= maxRows) return { rows, hasMore: true }
    rows += 1 + (await advance(ctx, next.overlay, next.job, maxRows - rows))
  }
}

async function firstJob(
  tx: WriteTransaction,
): Promise<{ overlay: DirectoryId; job: Compaction } | undefined> {
  for await (const { key, value } of tx.range(schema.compactions())) {
    return { overlay: schema.directoryId(key), job: decodeCompaction(value) }
  }
  return undefined
}

/** The result of a step: the number of rows processed and the next step; no job means done. */
interface Outcome {
  readonly rows: number
  readonly job: Compaction | undefined
}

const look: Compaction = { phase: 'look' }

async function advance(
  ctx: TreeContext,
  overlay: DirectoryId,
  job: Compaction,
  limit: number,
): Promise<number> {
  const outcome = await takeStep(ctx, overlay, job, limit)
  const key = schema.compaction(overlay)
  if (outcome.job === undefined) ctx.tx.delete(key)
  else ctx.tx.put(key, encodeCompaction(outcome.job))
  return outcome.rows
}

async function takeStep(
  ctx: TreeContext,
  overlay: DirectoryId,
  job: Compaction,
  limit: number,
): Promise<Outcome> {
  const { tx } = ctx
  const row = await findDirectoryRow(tx, overlay)
  if (row === undefined || row.refs === 0 || row.base === undefined) {
    await abandonMerge(tx, overlay)
    return { rows: 0, job: undefined }
  }
  if (job.phase !== 'look' && !(await isCurrent(tx, row.base, { overlay, job }))) {
    await abandonMerge(tx, overlay)
    return { rows: 0, job: look }
  }
  switch (job.phase) {
    case 'look':
      return { rows: 0, job: await findWork(tx, overlay, row.base) }
    case 'count':
      return compareSizes(ctx, overlay, job, limit)
    case 'move':
      return moveRows(tx, overlay, row, job, limit)
    case 'prune':
      return pruneRows(tx, overlay, row, job, limit)
    case 'weigh':
    case 'copy':
      return unshareBase(ctx, row, job, limit)
    case 'merge':
      return mergeRows(tx, overlay, row, job, limit)
  }
}

async function unshareBase(
  ctx: TreeContext,
  row: DirectoryRow,
  job: Unsharing,
  limit: number,
): Promise<Outcome> {
  const { rows, next } = await unshare(ctx, row, job, limit)
  if (next === 'done') return { rows, job: look }
  if (next !== 'tooLarge') return { rows, job: next }
  return { rows, job: await findSharedWork(ctx.tx, job.lower) }
}

/** The next pair of layers of an overlay to compare, if any. */
async function findWork(
  tx: WriteTransaction,
  overlay: DirectoryId,
  base: DirectoryId,
): Promise<Compaction | undefined> {
  const row = await readDirectory(tx, base)
  if (row.refs === 1) return { phase: 'count', upper: overlay, lower: base, cursors: [] }
  const unsharing = await beginUnsharing(tx, { upper: overlay, lower: base })
  return unsharing ?? findSharedWork(tx, base)
}

/** The comparison of a shared base with its own base, if that is shared too. */
async function findSharedWork(
  tx: WriteTransaction,
  base: DirectoryId,
): Promise<Compaction | undefined> {
  const row = await readDirectory(tx, base)
  if (row.base === undefined) return undefined
  const next = await readDirectory(tx, row.base)
  if (next.refs > 1) return { phase: 'count', upper: base, lower: row.base, cursors: [] }
  await queueCompaction(tx, base)
  return undefined
}

/** True if the layers of a job are still in place, and still shared or exclusive as before. */
async function isCurrent(
  tx: WriteTransaction,
  base: DirectoryId,
  { overlay, job }: { readonly overlay: DirectoryId; readonly job: Compaction & LayerPair },
): Promise<boolean> {
  const { phase, upper, lower } = job
  const isOwn = upper === overlay
  if (base !== (isOwn ? lower : upper)) return false
  const row = await readDirectory(tx, base)
  if (isOwn) return (row.refs === 1) !== (phase === 'weigh' || phase === 'copy')
  if (row.refs === 1 || row.base !== lower) return false
  return (await readDirectory(tx, lower)).refs > 1
}

/** Reads two rows of the lower layer per row of the upper one, until either ends. */
async function compareSizes(
  ctx: TreeContext,
  overlay: DirectoryId,
  job: Extract<Compaction, { phase: 'count' }>,
  limit: number,
): Promise<Outcome> {
  const { tx } = ctx
  const { upper, lower } = job
  const steps = Math.max(1, Math.floor(limit / (1 + similarFactor)))
  const above = await namesAfter(tx, upper, job.cursors[0], steps)
  const below = await namesAfter(tx, lower, job.cursors[1], steps * similarFactor)
  const rows = above.length + below.length
  const isSimilar =
    below.length < steps * similarFactor && below.length <= above.length * similarFactor
  if (!isSimilar && above.length === steps) {
    return { rows, job: { ...job, cursors: [above.at(-1), below.at(-1)] } }
  }
  if (upper === overlay) {
    return isSimilar
      ? { rows, job: { phase: 'move', upper, lower } }
      : { rows, job: { phase: 'prune', upper, lower, cursor: undefined } }
  }
  return { rows, job: isSimilar ? await startMerge(ctx, job) : undefined }
}

async function namesAfter(
  tx: WriteTransaction,
  id: DirectoryId,
  cursor: Bytes | undefined,
  limit: number,
): Promise<Bytes[]> {
  return (await rowsAfter(tx, id, cursor, limit)).map(({ name }) => name)
}

/** Moves rows of the base into the overlay until the base is empty. */
async function moveRows(
  tx: WriteTransaction,
  overlay: DirectoryId,
  row: DirectoryRow,
  job: Extract<Compaction, { phase: 'move' }>,
  limit: number,
): Promise<Outcome> {
  const { upper, lower } = job
  const base = await readDirectory(tx, lower)
  let rows = 0
  for (const { name } of await rowsAfter(tx, lower, undefined, Math.max(1, limit))) {
    rows++
    const from = schema.entry(lower, name)
    const to = schema.entry(overlay, name)
    const value = await tx.get(from)
    if (value === undefined) continue
    tx.delete(from)
    const entry = decodeEntry(value, row.baseOverride)
    if ((await tx.get(to)) !== undefined) await releaseEntry(tx, entry)
    else if (entry.kind !== 'tombstone' || base.base !== undefined) tx.put(to, encodeEntry(entry))
  }
  const isEmpty = (await rowsAfter(tx, lower, undefined, 1)).length === 0
  return { rows, job: isEmpty ? { phase: 'prune', upper, lower, cursor: undefined } : job }
}

/** Removes rows of the base that the overlay hides, and tombstones that hide nothing. */
async function pruneRows(
  tx: WriteTransaction,
  overlay: DirectoryId,
  row: DirectoryRow,
  job: Extract<Compaction, { phase: 'prune' }>,
  limit: number,
): Promise<Outcome> {
  const { upper, lower } = job
  const own = await rowsAfter(tx, overlay, job.cursor, Math.max(1, limit))
  for (const { name, entry } of own) {
    await releaseHidden(tx, { id: overlay, row }, name)
    if (entry.kind !== 'tombstone') continue
    if ((await findInherited(tx, row, undefined, name)) === undefined) {
      tx.delete(schema.entry(overlay, name))
    }
  }
  const rows = own.length
  const cursor = own.at(-1)?.name
  if (cursor !== undefined) return { rows, job: { phase: 'prune', upper, lower, cursor } }
  if ((await rowsAfter(tx, lower, undefined, 1)).length > 0) return { rows, job: undefined }
  await removeBase(tx, overlay, row, lower)
  return { rows, job: look }
}

/** Removes an empty base below its only overlay. */
async function removeBase(
  tx: WriteTransaction,
  overlay: DirectoryId,
  row: DirectoryRow,
  lower: DirectoryId,
): Promise<void> {
  const { base, baseOverride } = await readDirectory(tx, lower)
  putDirectory(tx, overlay, { ...row, base, baseOverride: row.baseOverride ?? baseOverride })
  await abandonMerge(tx, lower)
  tx.delete(schema.compaction(lower))
  tx.delete(schema.overlayLink(lower, overlay))
  deleteDirectory(tx, lower)
  if (base !== undefined) {
    tx.delete(schema.overlayLink(base, lower))
    linkBase(tx, overlay, base)
  }
  await queueOverlays(tx, overlay)
}

async function queueOverlays(tx: WriteTransaction, base: DirectoryId): Promise<void> {
  const overlays: DirectoryId[] = []
  for await (const { key } of tx.range(schema.overlayLinks(base))) {
    overlays.push(schema.parseOverlayLink(key).overlay)
    if (overlays.length >= overlaysQueued) break
  }
  for (const overlay of overlays) await queueCompaction(tx, overlay)
}

async function startMerge(
  { tx, ids }: TreeContext,
  { upper, lower }: LayerPair,
): Promise<Compaction> {
  const merged = asDirectoryId(ids.next())
  const above = await readDirectory(tx, upper)
  const below = await readDirectory(tx, lower)
  const { base } = below
  const baseOverride = above.baseOverride ?? below.baseOverride
  putDirectory(tx, merged, { refs: 1, longestSuffix: above.longestSuffix, base, baseOverride })
  if (base !== undefined) {
    linkBase(tx, merged, base)
    await retainDirectory(tx, base)
  }
  return { phase: 'merge', upper, lower, merged, cursor: undefined }
}

/**
 * Copies rows of both layers into the merged layer. When complete, it becomes the overlay's base.
 */
async function mergeRows(
  tx: WriteTransaction,
  overlay: DirectoryId,
  row: DirectoryRow,
  job: Extract<Compaction, { phase: 'merge' }>,
  limit: number,
): Promise<Outcome> {
  const { upper, lower, merged } = job
  const { baseOverride } = await readDirectory(tx, upper)
  const { base } = await readDirectory(tx, merged)
  const layers = [
    { id: upper, override: undefined },
    { id: lower, override: baseOverride },
  ]
  const batch: NamedEntry<EntryRow>[] = []
  for await (const named of scanLayers(tx, layers, rangeAfter(job.cursor))) {
    batch.push(named)
    if (batch.length > limit) break
  }
  const rows = batch.length
  for (const { name, entry } of batch) {
    if (entry.kind !== 'tombstone' || base !== undefined) await putCopy(tx, merged, name, entry)
  }
  if (rows > limit) return { rows, job: { ...job, cursor: batch.at(-1)?.name } }
  // The job's reference to the merged layer passes to the overlay.
  putDirectory(tx, overlay, { ...row, base: merged })
  tx.delete(schema.overlayLink(upper, overlay))
  linkBase(tx, overlay, merged)
  await dropDirectory(tx, upper)
  return { rows, job: look }
}
