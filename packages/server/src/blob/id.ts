// The ids of blobs: the number of the process start that wrote one, and how many it had written before.

import { join } from 'node:path'
import { asBlobId, asStartId, type BlobId, type StartId } from '../base/terms.ts'

/** The numbers in the id of a blob. */
export interface BlobNumbers {
  readonly start: StartId
  readonly sequence: number
}

/** The id of the blob that was the `sequence`-th of process start `start`. */
export function blobId(start: StartId, sequence: number): BlobId {
  return asBlobId(`${start}-${sequence}`)
}

/** The numbers in `id`. @throws Error if no blob can have that id */
export function numbersOf(id: BlobId): BlobNumbers {
  const parts = /^(\d{1,16})-(\d{1,16})$/.exec(id)
  const [start, sequence] = [asStartId(Number(parts?.[1])), Number(parts?.[2])]
  if (!isCounter(start) || !isCounter(sequence) || blobId(start, sequence) !== id) {
    throw new Error('not the id of a blob')
  }
  return { start, sequence }
}

/** True for the numbers that starts and blobs can have. */
export function isCounter(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Blobs in one folder of a start, and folders in the one above it. */
const fanOut = 1024

/** The folder of the `sequence`-th blob, below that of its start. */
export function leafName(sequence: number): string {
  const leaf = Math.floor(sequence / fanOut)
  return join(String(Math.floor(leaf / fanOut)), String(leaf))
}

/** The path of a blob's file below the folder of all blobs. */
export function pathOf(id: BlobId): string {
  const { start, sequence } = numbersOf(id)
  return join(String(start), leafName(sequence), String(sequence))
}
