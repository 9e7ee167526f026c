// Epochs: how the collection of blobs waits for readers in every process. An orphaned blob is marked
// with the epoch of the orphaning commit. The collector begins a new epoch. Each process publishes that
// epoch once all its reads from before it saw the epoch have ended. A blob orphaned before the epoch
// that all live processes have reached has no reader left: new reads see the orphaning commit.

import type { Bytes } from '../../base/bytes.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import * as schema from './schema.ts'

/** The current epoch. Write transactions record the read, so that a commit is marked with its true epoch. */
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

/** One blob read in progress. */
export interface Reading {
  /** True if another party than the starter will end the read. */
  handedOver: boolean
  /** Ends the read; idempotent. */
  end(): void
}

/** This process's blob reads in progress, in generations divided by epochs. */
export class Readers {
  #generation = { count: 0, drained: Promise.withResolvers<void>(), closed: false }
  /** Resolves when all earlier generations have ended. */
  #older: Promise<unknown> = Promise.resolve()

  /** Registers a read. Call it before taking the read's snapshot. */
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
