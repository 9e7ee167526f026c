// Epochs: how the collection of blobs waits for readers in every process. A blob that is orphaned is
// marked with the epoch of that commit. A collector begins a new epoch; each process, once all reads
// that it began before it saw the new epoch have ended, publishes that it has reached it. What was
// orphaned before the epoch that all live processes have reached can have no reader left: whoever
// starts reading now sees the orphaning commit.

import type { Bytes } from '../../base/bytes.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import * as schema from './schema.ts'

/** The epoch now. In a write it is a recorded read: a commit is always marked with its true epoch. */
export async function currentEpoch(tx: ReadTransaction): Promise<number> {
  return decodeEpoch(await tx.get(schema.epoch()))
}

/** Begins the next epoch and returns it. */
export async function advanceEpoch(tx: WriteTransaction): Promise<number> {
  const next = (await currentEpoch(tx)) + 1
  tx.put(schema.epoch(), pack([next]))
  return next
}

function decodeEpoch(bytes: Bytes | undefined): number {
  return bytes === undefined ? 0 : unpack<[number]>(bytes)[0]
}

/** One read of blobs that is under way. */
export interface Reading {
  /** True when someone else than its starter will end it. */
  handedOver: boolean
  /** Ends it; more than once is harmless. */
  end(): void
}

/** The reads of blobs that this process has under way, in the generations that epochs divide them into. */
export class Readers {
  #generation = { count: 0, drained: Promise.withResolvers<void>(), closed: false }
  /** Resolves when the generations before that one have ended. */
  #older: Promise<unknown> = Promise.resolve()

  /** Registers a read; call it before the snapshot that the read begins with. */
  begin(): Reading {
    const generation = this.#generation
    generation.count++
    let ended = false
    return {
      handedOver: false,
      end: () => {
        if (ended) return
        ended = true
        generation.count--
        if (generation.count === 0 && generation.closed) generation.drained.resolve()
      },
    }
  }

  /** Resolves when every read that began before this call has ended. */
  async drain(): Promise<void> {
    const generation = this.#generation
    this.#generation = { count: 0, drained: Promise.withResolvers<void>(), closed: false }
    generation.closed = true
    if (generation.count === 0) generation.drained.resolve()
    this.#older = Promise.all([this.#older, generation.drained.promise])
    await this.#older
  }
}
