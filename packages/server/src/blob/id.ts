// Blob ids: the number of the process start that wrote the blob, and a sequence number within the start.

import { join } from 'node:path'
import { asBlobId, asStartId, type BlobId, type StartId } from '../base/terms.ts'

/** The numbers in the id of a blob. */
export interface BlobNumbers {
  readonly start: StartId
  readonly sequence: number
}

/** The id of blob number `sequence` of process start `start`. */
export function blobId(start: StartId, sequence: number): BlobId {
  return asBlobId(`${start}-${sequence}`)
}

/** Parses `id`. @throws Error if the id is malformed */
export function numbersOf(id: BlobId): BlobNumbers {
  const parts = /^(\d{1,16})-(\d{1,16})$/.exec(id)
  const [start, sequence] = [asStartId(Number(parts?.[1])), Number(parts?.[2])]
  if (!isCounter(start) || !isCounter(sequence) || blobId(start, sequence) !== id) {
    throw new Error('not the id of a blob')
  }
  return { start, sequence }
}

/** True for valid numbers of starts and blobs. */
export function isCounter(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** The number of blobs per folder, and of folders per parent folder. */
const fanOut = 1024

/** The path of the folder of the blob `sequence`, two levels below the folder of the start. */
export function leafName(sequence: number): string {
  const leaf = Math.floor(sequence / fanOut)
  return join(String(Math.floor(leaf / fanOut)), String(leaf))
}

/** The path of a blob's file below the folder of all blobs. */
export function pathOf(id: BlobId): string {
  const { start, sequence } = numbersOf(id)
  return join(String(start), leafName(sequence), String(sequence))
}
