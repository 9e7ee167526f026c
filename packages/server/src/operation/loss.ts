// Records which blobs are lost when an operator accepts rows and blobs that don't match. Afterwards they are
// known losses; any other missing file is damage.

import type { Bytes } from '../base/bytes.ts'
import { asStartId, type BlobId } from '../base/terms.ts'
import type { BlobStore } from '../blob/blob.ts'
import { openBlobs } from '../blob/open.ts'
import type { Engine } from '../engine/engine.ts'
import { isAcceptedLoss, putAcceptedLosses } from '../store/body/loss.ts'
import * as bodySchema from '../store/body/schema.ts'
import { successor } from '../store/tree/entry.ts'

/** Blobs per transaction. */
const batchSize = 256

/**
 * Looks for the file of every blob, and returns the number of lost ones. May be interrupted and repeated; the
 * latest result counts.
 */
export async function recordLosses(engine: Engine, blobsUrl: URL): Promise<number> {
  // The number of the start matters to writers only.
  const blobs = await openBlobs(blobsUrl, { start: asStartId(0), isReadOnly: true })
  try {
    let lost = 0
    let after: Bytes | undefined
    do {
      const batch = await recordBatch(engine, blobs, after)
      lost += batch.lost
      after = batch.last
    } while (after !== undefined)
    return lost
  } finally {
    await blobs.close()
  }
}

/** Handles the blobs whose rows come after the key `after`; `last` is the last key, if there was one. */
async function recordBatch(
  engine: Engine,
  blobs: BlobStore,
  after: Bytes | undefined,
): Promise<{ readonly lost: number; readonly last: Bytes | undefined }> {
  const { rows, last } = await engine.read(async (tx) => {
    const all = bodySchema.blobCounts()
    const range = after === undefined ? all : { ...all, start: successor(after) }
    const rows: { readonly id: BlobId; readonly isKnown: boolean }[] = []
    let last: Bytes | undefined
    for await (const { key } of tx.range(range)) {
      last = Uint8Array.from(key)
      const id = bodySchema.countedBlob(key)
      if (rows.push({ id, isKnown: await isAcceptedLoss(tx, id) }) === batchSize) break
    }
    return { rows, last }
  })
  const looked = await Promise.all(
    rows.map(async (row) => ({ ...row, isLost: (await blobs.size(row.id)) === undefined })),
  )
  const changed = looked.filter(({ isKnown, isLost }) => isKnown !== isLost)
  if (changed.length > 0) {
    const losses = new Map(changed.map(({ id, isLost }) => [id, isLost]))
    await engine.write(async (tx) => putAcceptedLosses(tx, losses))
  }
  return { lost: looked.filter(({ isLost }) => isLost).length, last }
}
