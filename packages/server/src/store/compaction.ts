// The queue of overlays whose layers are to be compacted, and how far each has come.

import type { Bytes } from '../base/bytes.ts'
import type { WriteTransaction } from '../engine/engine.ts'
import { pack, unpack } from './record.ts'
import * as schema from './schema.ts'

/** Two layers that may become one: `lower` is the base of `upper`. */
export interface LayerPair {
  readonly upper: number
  readonly lower: number
}

/** Where the compaction of an overlay stands. A cursor is the last name that was dealt with. */
export type Compaction =
  /** It is to be seen what there is to do. */
  | { readonly phase: 'look' }
  /** The sizes of two layers are compared. */
  | ({ readonly phase: 'count'; readonly cursors: readonly (Bytes | undefined)[] } & LayerPair)
  /** The rows of a base that only the overlay sees are moved into the overlay. */
  | ({ readonly phase: 'move' } & LayerPair)
  /** Rows of such a base that the overlay hides are removed, and tombstones that hide nothing. */
  | ({ readonly phase: 'prune'; readonly cursor: Bytes | undefined } & LayerPair)
  /** It is counted whether a base that others see too is small enough to be copied. */
  | ({
      readonly phase: 'weigh'
      readonly counted: number
      readonly cursor: Bytes | undefined
    } & LayerPair)
  /** The rows of such a base are copied into the overlay, where it has none of the name. */
  | ({ readonly phase: 'copy'; readonly cursor: Bytes | undefined } & LayerPair)
  /** A directory `merged` is built from two shared layers, to be the overlay's new base. */
  | ({
      readonly phase: 'merge'
      readonly merged: number
      readonly cursor: Bytes | undefined
    } & LayerPair)

/** The bytes of a row of the queue. */
export function encodeCompaction(job: Compaction): Bytes {
  return pack(job)
}

/** Decodes {@link encodeCompaction}. */
export function decodeCompaction(value: Bytes): Compaction {
  return unpack<Compaction>(value)
}

/** Puts an overlay into the queue, unless it is there. */
export async function queueCompaction(tx: WriteTransaction, overlay: number): Promise<void> {
  const key = schema.compaction(overlay)
  if ((await tx.get(key)) === undefined) tx.put(key, encodeCompaction({ phase: 'look' }))
}
