// How far the scrub is, in a row of the store, so that it goes on there after a restart, in whichever
// process.

import type { Bytes } from '../../base/bytes.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import * as schema from './schema.ts'

/** What a pass goes through, one after the other: blobs with checksums, objects, parts of objects. */
export const scrubStages = ['blobs', 'objects', 'parts'] as const
export type ScrubStage = (typeof scrubStages)[number]

/** Where the scrub is. */
export interface ScrubState {
  /** What the pass under way goes through; undefined when the last one has ended. */
  readonly stage?: ScrubStage | undefined
  /** The key of the last row of the stage that was looked at; absent at its beginning. */
  readonly after?: Bytes | undefined
  /** When the last complete pass ended, in milliseconds since the epoch. */
  readonly endedAt?: number | undefined
}

/** The state that was stored last; undefined before the first pass. */
export async function readScrubState(tx: ReadTransaction): Promise<ScrubState | undefined> {
  const bytes = await tx.get(schema.scrubState())
  return bytes === undefined ? undefined : unpack<ScrubState>(bytes)
}

/** Stores the state. */
export function putScrubState(tx: WriteTransaction, state: ScrubState): void {
  tx.put(schema.scrubState(), pack(state))
}
