// The scrub's position, in a row of the store, so that any process can resume the scrub after a restart.

import type { Bytes } from '../../base/bytes.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import * as schema from './schema.ts'

/** The stages of a pass, in order: blobs with checksums, objects, parts of objects. */
export const scrubStages = ['blobs', 'objects', 'parts'] as const
export type ScrubStage = (typeof scrubStages)[number]

export interface ScrubState {
  /** The stage of the pass in progress; undefined between passes. */
  readonly stage?: ScrubStage | undefined
  /** The key of the last row checked in this stage; undefined at its beginning. */
  readonly after?: Bytes | undefined
  /** When the last complete pass ended, in milliseconds since the epoch. */
  readonly endedAt?: number | undefined
}

/** The last stored state; undefined before the first pass. */
export async function readScrubState(tx: ReadTransaction): Promise<ScrubState | undefined> {
  const bytes = await tx.get(schema.scrubState())
  return bytes === undefined ? undefined : unpack<ScrubState>(bytes)
}

export function putScrubState(tx: WriteTransaction, state: ScrubState): void {
  tx.put(schema.scrubState(), pack(state))
}
