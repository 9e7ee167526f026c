// How an overlay comes to do without a base that others see too: the rows of the base that it has none
// for are copied into it. That is worth its cost only once about as much was written to the overlay as
// the base holds, as when a copy is emptied key by key; so what is written is counted.

import type { Bytes } from '../base/bytes.ts'
import type { ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import { decodeCounter } from '../engine/tuple.ts'
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

/** A shared base is copied if it has at most so many rows for each that was written. */
const copiedPerWritten = 2
/** Below, an overlay is no burden. */
const fewRows = 64
/** How often, on average, an overlay is looked at while what was written to it doubles. */
const looksPerDoubling = 4

/** The phases in which an overlay takes over the rows of a base that it shares. */
export type Unsharing = Extract<Compaction, { phase: 'weigh' | 'copy' }>

/** What a step came to, as in `compact.ts`: rows dealt with, and where it goes on. */
export interface UnsharingOutcome {
  readonly rows: number
  /** `worthless`: the base is too large for what was written. `done`: there is another base now. */
  readonly next: Unsharing | 'worthless' | 'done'
}

/** Counts a new row of an overlay, and has it looked at now and then as they become more. */
export async function noteWritten(
  tx: WriteTransaction,
  { id, row }: Pick<Directory, 'id' | 'row'>,
  name: Bytes,
): Promise<void> {
  if (row.base === undefined) return
  tx.add(schema.rowsWritten(id), 1n)
  const written = await rowsWritten(tx, id)
  // By the name, since a transaction that is run again must do the same.
  const isLooked = hash(name) % Math.ceil(written / looksPerDoubling) === 0
  if (written >= fewRows && isLooked) await queueCompaction(tx, id)
}

async function rowsWritten(tx: ReadTransaction, id: number): Promise<number> {
  return Number(decodeCounter(await tx.peek(schema.rowsWritten(id))))
}

function hash(name: Bytes): number {
  let value = 0x811c_9dc5
  for (const byte of name) value = Math.imul(value ^ byte, 0x0100_0193) >>> 0
  return value
}

/** The first step for an overlay over a base that is shared; undefined if nothing much was written. */
export async function beginUnsharing(
  tx: ReadTransaction,
  pair: LayerPair,
): Promise<Unsharing | undefined> {
  if ((await rowsWritten(tx, pair.upper)) < fewRows) return undefined
  return { phase: 'weigh', ...pair, counted: 0, cursor: undefined }
}

/** Does one step of about `limit` rows. The base is `job.lower`, and shared. */
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
    return { rows, next: 'worthless' }
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
 * Puts the base's own base in its place, all of whose rows the overlay hides now; where there is none,
 * an empty directory, with which the tombstones that are left go in small steps.
 */
async function replaceBase(
  { tx, ids }: TreeContext,
  row: DirectoryRow,
  { upper, lower }: LayerPair,
): Promise<void> {
  const below = await readDirectory(tx, lower)
  let { base } = below
  if (base === undefined) {
    base = ids.next()
    putDirectory(tx, base, { refs: 1, longestSuffix: 0, base: undefined, baseOverride: undefined })
  } else await retainDirectory(tx, base)
  const baseOverride = row.baseOverride ?? below.baseOverride
  putDirectory(tx, upper, { ...row, base, baseOverride })
  tx.delete(schema.overlayLink(lower, upper))
  linkBase(tx, upper, base)
  await dropDirectory(tx, lower)
}
