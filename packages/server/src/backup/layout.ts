// The names of the files in a backup. They are the same in a folder and in a stream, which is a tar
// archive of that folder.

import { asStartId, type BlobId } from '../base/terms.ts'
import { blobId, pathOf } from '../blob/id.ts'

/** Says what the backup is; the first file of a stream. */
export const headName = 'backup.json'
/** Says that the backup is complete, and has its totals; the last file, without which it is refused. */
export const endName = 'complete.json'
/** The data folder's root key, if the backup has it. */
export const keyName = 'credentials.json'

/** Files that are numbered from 1 on. */
const numbered = ['rows', 'sums', 'inherited'] as const
export type NumberedKind = (typeof numbered)[number]

export function numberedName(kind: NumberedKind, number: number): string {
  return `${kind}/${String(number).padStart(8, '0')}`
}

/** The kind and the number in a name of {@link numberedName}; undefined for other names. */
export function parseNumbered(
  name: string,
): { readonly kind: NumberedKind; readonly number: number } | undefined {
  const [folder, digits = ''] = name.split('/')
  const kind = numbered.find((known) => known === folder)
  if (kind === undefined || !/^\d{8,12}$/.test(digits)) return undefined
  const number = Number(digits)
  return numberedName(kind, number) === name ? { kind, number } : undefined
}

/** @param sum the CRC32 of the list of its checksums; undefined if the store has none of it */
export function blobName(id: BlobId, sum: number | undefined): string {
  const suffix = sum === undefined ? '' : `.${sum.toString(16).padStart(8, '0')}`
  return `blobs/${pathOf(id)}${suffix}`
}

/** The id in a name of {@link blobName}; undefined for other names. */
export function parseBlobName(name: string): BlobId | undefined {
  const found = /^blobs\/(\d{1,16})\/\d+\/\d+\/(\d{1,16})(?:\.([0-9a-f]{8}))?$/.exec(name)
  if (found === null) return undefined
  const [start, sequence] = [Number(found[1]), Number(found[2])]
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(sequence)) return undefined
  const id = blobId(asStartId(start), sequence)
  const sum = found[3] === undefined ? undefined : Number.parseInt(found[3], 16)
  return blobName(id, sum) === name ? id : undefined
}
