// Detaches an overlay from a shared base by copying the base rows that it doesn't override. The
// copy pays off only after about as many writes to the overlay as the base has rows. That happens
// when a copied folder is emptied key by key. The writes are therefore counted.

import type { Bytes } from '../../base/bytes.ts'
import { asDirectoryId, type DirectoryId } from '../../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { decodeCounter } from '../../engine/tuple.ts'
import { type Compaction, type LayerPair, queueCompaction } from './compaction.ts'
import {
  type DirectoryRow,
  putDirectory,
  readDirectory,
  retainDirectory,
  type TreeContext,
} from './entry.ts'
import { type Directory, rowsAfter } from './layer.ts'
import { dropDirectory, linkBase, putCopy } from './overlay.ts'
import * as schema from './schema.ts'

/** A shared base is copied if it has at most this many rows per row written. */
const copiedPerWritten = 2
/** Overlays with fewer rows are left as they are. */
const fewRows = 64
/** The average number of checks of an overlay while its count of written rows doubles. */
const checksPerDoubling = 4

/** The phases of compaction that detach an overlay from a shared base. */
export type Unsharing = Extract<Compaction, { phase: 'weigh' | 'copy' }>

/** The result of a step, as in `compact.ts`: the number of rows processed, and the next step. */
export interface UnsharingOutcome {
  readonly rows: number
  /**
   * `tooLarge`: the base is too large for the number of rows written. `done`: the base was
   * replaced.
   */
  readonly next: Unsharing | 'tooLarge' | 'done'
}

/** Counts a new row of an overlay, and queues the overlay for a check ever more rarely. */
export async function countWritten(
  tx: WriteTransaction,
  { id, row }: Pick<Directory, 'id' | 'row'>,
  name: Bytes,
): Promise<void> {
  if (row.base === undefined) return
  tx.add(schema.rowsWritten(id), 1n)
  const written = await rowsWritten(tx, id)
  // Decided by the name rather than at random, so that a rerun of the transaction does the same.
  const isDue = hash(name) % Math.ceil(written / checksPerDoubling) === 0
  if (written >= fewRows && isDue) await queueCompaction(tx, id)
}

async function rowsWritten(tx: ReadTransaction, id: DirectoryId): Promise<number> {
  return Number(decodeCounter(await tx.peek(schema.rowsWritten(id))))
}

function hash(name: Bytes): number {
  let value = 0x811c_9dc5
  for (const byte of name) value = Math.imul(value ^ byte, 0x0100_0193) >>> 0
  return value
}

/** The first step for an overlay over a shared base; undefined if too few rows were written. */
export async function beginUnsharing(
  tx: ReadTransaction,
  pair: LayerPair,
): Promise<Unsharing | undefined> {
  if ((await rowsWritten(tx, pair.upper)) < fewRows) return undefined
  return { phase: 'weigh', ...pair, counted: 0, cursor: undefined }
}

/** Does one step of about `limit` rows. The shared base is `job.lower`. */
export async function unshare(
  ctx: TreeContext,
  row: DirectoryRow,
  job: Unsharing,
  limit: number,
): Promise<UnsharingOutcome> {
  return job.phase === 'weigh' ? weigh(ctx.tx, job, limit) : copy(ctx, row, job, limit)
}

async function weigh(
  tx: WriteTransaction,
  job: Extract<Unsharing, { phase: 'weigh' }>,
  limit: number,
): Promise<UnsharingOutcome> {
  const batch = await rowsAfter(tx, job.lower, job.cursor, limit)
  const rows = batch.length
  const counted = job.counted + rows
  if (counted > copiedPerWritten * (await rowsWritten(tx, job.upper))) {
    return { rows, next: 'tooLarge' }
  }
  const cursor = batch.at(-1)?.name
  if (cursor !== undefined) return { rows, next: { ...job, counted, cursor } }
  const { upper, lower } = job
  return { rows, next: { phase: 'copy', upper, lower, cursor: undefined } }
}

async function copy(
  ctx: TreeContext,
  row: DirectoryRow,
  job: Extract<Unsharing, { phase: 'copy' }>,
  limit: number,
): Promise<UnsharingOutcome> {
  const { tx } = ctx
  const { upper, lower } = job
  const batch = await rowsAfter(tx, lower, job.cursor, limit, row.baseOverride)
  for (const { name, entry } of batch) {
    if ((await tx.get(schema.entry(upper, name))) === undefined) {
      await putCopy(tx, upper, name, entry)
    }
  }
  const rows = batch.length
  const cursor = batch.at(-1)?.name
  if (cursor !== undefined) return { rows, next: { ...job, cursor } }
  await replaceBase(ctx, row, job)
  return { rows, next: 'done' }
}

/**
 * Replaces the base, whose rows are all hidden now, with the base's own base. If there is none, an
 * empty directory takes its place, so that the remaining tombstones can be pruned in small steps.
 */
async function replaceBase(
  { tx, ids }: TreeContext,
  row: DirectoryRow,
  { upper, lower }: LayerPair,
): Promise<void> {
  const below = await readDirectory(tx, lower)
  let { base } = below
  if (base === undefined) {
    base = asDirectoryId(ids.next())
    putDirectory(tx, base, { refs: 1, longestSuffix: 0, base: undefined, baseOverride: undefined })
  } else await retainDirectory(tx, base)
  const baseOverride = row.baseOverride ?? below.baseOverride
  putDirectory(tx, upper, { ...row, base, baseOverride })
  tx.delete(schema.overlayLink(lower, upper))
  linkBase(tx, upper, base)
  await dropDirectory(tx, lower)
}
