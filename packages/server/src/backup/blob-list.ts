// The ids of the blobs of a backup, in the order of the store's rows: kept in memory while the blobs are
// copied, for which no snapshot of the engine is held. A blob costs some 10 bytes.

import { asBlobId, type BlobId } from '../base/terms.ts'

const blockIds = 4096

export class BlobList {
  readonly #blocks: Buffer[] = []
  #last: BlobId[] = []
  length = 0

  add(id: BlobId): void {
    this.#last.push(id)
    this.length++
    if (this.#last.length < blockIds) return
    this.#blocks.push(Buffer.from(this.#last.join(' ')))
    this.#last = []
  }

  *[Symbol.iterator](): Generator<BlobId> {
    for (const block of this.#blocks)
      for (const id of block.toString().split(' ')) yield asBlobId(id)
    yield* this.#last
  }
}
