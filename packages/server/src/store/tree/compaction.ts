// The queue of overlays to compact, with the progress of each.

import type { Bytes } from '../../base/bytes.ts'
import type { DirectoryId } from '../../base/terms.ts'
import type { WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import * as schema from './schema.ts'

/** Two layers that may be merged: `lower` is the base of `upper`. */
export interface LayerPair {
  readonly upper: DirectoryId
  readonly lower: DirectoryId
}

/** The progress of an overlay's compaction. A cursor is the last name processed. */
export type Compaction =
  /** Decide what there is to do. */
  | { readonly phase: 'look' }
  /** Compare the sizes of two layers. */
  | ({ readonly phase: 'count'; readonly cursors: readonly (Bytes | undefined)[] } & LayerPair)
  /** Move the rows of an exclusive base into the overlay. */
  | ({ readonly phase: 'move' } & LayerPair)
  /** Remove rows of such a base that the overlay hides, and tombstones that hide nothing. */
  | ({ readonly phase: 'prune'; readonly cursor: Bytes | undefined } & LayerPair)
  /** Count whether a shared base is small enough to be copied. */
  | ({
      readonly phase: 'weigh'
      readonly counted: number
      readonly cursor: Bytes | undefined
    } & LayerPair)
  /** Copy the rows of such a base into the overlay, except names that the overlay has. */
  | ({ readonly phase: 'copy'; readonly cursor: Bytes | undefined } & LayerPair)
  /** Build a directory `merged` from two shared layers, to become the overlay's new base. */
  | ({
      readonly phase: 'merge'
      readonly merged: DirectoryId
      readonly cursor: Bytes | undefined
    } & LayerPair)

export function encodeCompaction(job: Compaction): Bytes {
  return pack(job)
}

export function decodeCompaction(value: Bytes): Compaction {
  return unpack<Compaction>(value)
}

/** Queues an overlay unless it is queued already. */
export async function queueCompaction(tx: WriteTransaction, overlay: DirectoryId): Promise<void> {
  const key = schema.compaction(overlay)
  if ((await tx.get(key)) === undefined) tx.put(key, encodeCompaction({ phase: 'look' }))
}
