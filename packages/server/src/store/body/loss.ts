// The accepted losses: blobs whose file was missing when an operator accepted lost blobs or lost rows. Each is
// recorded by itself, so that a file lost later still counts as damage. A row lives as long as its blob.

import type { BlobId } from '../../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import * as schema from './schema.ts'

/** Records for each blob whether its loss is accepted. */
export function putAcceptedLosses(tx: WriteTransaction, blobs: ReadonlyMap<BlobId, boolean>): void {
  for (const [id, isLost] of blobs) {
    if (isLost) tx.put(schema.acceptedLoss(id), new Uint8Array())
    else tx.delete(schema.acceptedLoss(id))
  }
}

/** True if the blob's file was missing when that was accepted. The file may have been restored since the scrub's last pass. */
export async function isAcceptedLoss(tx: ReadTransaction, id: BlobId): Promise<boolean> {
  return (await tx.get(schema.acceptedLoss(id))) !== undefined
}
