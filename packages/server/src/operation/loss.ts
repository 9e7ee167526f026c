// Records which blobs are lost when an operator accepts rows and blobs that don't match. Afterwards they are
// known losses; any other missing file is damage.

import { asStartId } from '../base/terms.ts'
import type { BlobStore } from '../blob/blob.ts'
import { openBlobs } from '../blob/open.ts'
import type { Engine } from '../engine/engine.ts'
import { putAcceptedLosses } from '../store/body/loss.ts'
import * as bodySchema from '../store/body/schema.ts'
import { successor } from '../store/tree/entry.ts'

/** Blobs per transaction. */
const batchSize = 256

/** Looks for the file of every blob. May be interrupted and repeated; the latest result counts. */
export async function recordLosses(engine: Engine, blobsUrl: URL): Promise<void> {
  // The number of the start matters to writers only.
  const blobs = await openBlobs(blobsUrl, { start: asStartId(0), isReadOnly: true })
  try {
    let after: Uint8Array | undefined
    do after = await recordBatch(engine, blobs, after)
    while (after !== undefined)
  } finally {
    await blobs.close()
  }
}

/** Handles the blobs whose rows come after the key `after`; returns the last key, if there was one. */
async function recordBatch(
  engine: Engine,
  blobs: BlobStore,
  after: Uint8Array | undefined,
): Promise<Uint8Array | undefined> {
  const keys = await engine.read(async (tx) => {
    const all = bodySchema.blobCounts()
    const range = after === undefined ? all : { ...all, start: successor(after) }
    const found: Uint8Array[] = []
    for await (const { key } of tx.range(range)) {
      if (found.push(Uint8Array.from(key)) === batchSize) break
    }
    return found
  })
  const ids = keys.map((key) => bodySchema.countedBlob(key))
  const sizes = await Promise.all(ids.map((id) => blobs.size(id)))
  const losses = new Map(ids.map((id, index) => [id, sizes[index] === undefined]))
  await engine.write(async (tx) => putAcceptedLosses(tx, losses))
  return keys.at(-1)
}
