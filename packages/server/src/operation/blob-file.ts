// Whether blobs have their files, at the recorded length: a look that costs no reading of bytes. An operation
// that refers to blobs without reading them must not acknowledge a body that is known to be gone.

import { DamagedBody } from '../base/damaged-body.ts'
import type { BlobId } from '../base/terms.ts'
import type { BlobStore } from '../blob/blob.ts'

/** A blob, and the length that its rows record. */
export interface RecordedBlob {
  readonly blobId: BlobId
  readonly sizeBytes: number
}

/** Files looked at together. */
const batchSize = 16

/** The damage of those of `recorded` whose file is missing or has another length. */
export async function findLostFiles(
  blobs: BlobStore,
  recorded: readonly RecordedBlob[],
  object: string,
): Promise<ReadonlyMap<BlobId, DamagedBody>> {
  const lost = new Map<BlobId, DamagedBody>()
  for (let first = 0; first < recorded.length; first += batchSize) {
    const batch = recorded.slice(first, first + batchSize)
    await Promise.all(
      batch.map(async ({ blobId, sizeBytes }) => {
        const size = await blobs.size(blobId)
        if (size === sizeBytes) return
        const fault =
          size === undefined
            ? 'its file is missing'
            : `its file has ${size} bytes instead of ${sizeBytes}`
        lost.set(blobId, new DamagedBody(`blob ${blobId}`, fault, { object }))
      }),
    )
  }
  return lost
}
