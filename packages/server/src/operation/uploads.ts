// ListMultipartUploads: one page of a bucket's uploads in progress, by key and age.

import { afterPrefix, text, utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import { type UploadMarker, type UploadRecord, walkUploads } from '../store/body/upload.ts'
import { onBucket } from './need.ts'
import type { Query } from './operation.ts'
import { parseUploadId, uploadIdOf } from './upload-id.ts'

export interface ListUploadsInput {
  readonly bucket: string
  readonly prefix: string
  readonly delimiter?: string | undefined
  readonly keyMarker?: string | undefined
  readonly uploadIdMarker?: string | undefined
  readonly limit: number
}

/** One upload in progress. */
export interface ListedUpload {
  readonly key: string
  readonly uploadId: string
  readonly upload: UploadRecord
}

export interface ListUploadsOutput {
  readonly uploads: readonly ListedUpload[]
  readonly commonPrefixes: readonly string[]
  readonly isTruncated: boolean
  readonly nextKeyMarker?: string | undefined
  readonly nextUploadIdMarker?: string | undefined
}

/** Lists the uploads of a bucket that were neither completed nor aborted. */
export const listMultipartUploads: Query<ListUploadsInput, ListUploadsOutput> = {
  kind: 'query',
  name: 'ListMultipartUploads',
  needs: ({ bucket }) => [onBucket('s3:ListBucketMultipartUploads', bucket)],
  async check(step, input) {
    const uploads: ListedUpload[] = []
    const commonPrefixes: string[] = []
    let last: { key: string; uploadId?: string } | undefined
    let marker = markerOf(input)
    const bucketId = step.bucket(input.bucket).id
    const prefix = utf8(input.prefix)
    for (;;) {
      let group: string | undefined
      for await (const found of walkUploads(step.tx, bucketId, { prefix, marker })) {
        if (uploads.length + commonPrefixes.length === input.limit) {
          return {
            uploads,
            commonPrefixes,
            isTruncated: input.limit > 0,
            nextKeyMarker: last?.key,
            nextUploadIdMarker: last?.uploadId,
          }
        }
        const key = text(found.key)
        group = groupOf(key, input)
        if (group !== undefined) break
        const uploadId = uploadIdOf(found.number, found.record.nonce)
        uploads.push({ key, uploadId, upload: found.record })
        last = { key, uploadId }
      }
      if (group === undefined) return { uploads, commonPrefixes, isTruncated: false }
      commonPrefixes.push(group)
      last = { key: group }
      const next = afterPrefix(utf8(group))
      if (next === undefined) return { uploads, commonPrefixes, isTruncated: false }
      marker = { from: next }
    }
  },
}

/** The position at which to continue. After a common prefix of this listing, all uploads below it are passed. */
function markerOf(input: ListUploadsInput): UploadMarker | undefined {
  const { keyMarker, uploadIdMarker } = input
  // As on S3, the id counts only together with a key.
  if (keyMarker === undefined || keyMarker === '') return undefined
  const number = uploadIdMarker ? numberOf(uploadIdMarker) : undefined
  if (groupOf(keyMarker, input) === keyMarker) {
    const from = afterPrefix(utf8(keyMarker))
    if (from !== undefined) return { from }
  }
  return { key: utf8(keyMarker), number }
}

/** @throws StoreError `InvalidUploadIdMarker` */
function numberOf(uploadIdMarker: string): number {
  const id = parseUploadId(uploadIdMarker)
  if (id !== undefined) return id.number
  throw new StoreError({ code: 'InvalidUploadIdMarker', marker: uploadIdMarker })
}

/** The common prefix of `key` by the delimiter. */
function groupOf(key: string, input: ListUploadsInput): string | undefined {
  const { delimiter, prefix } = input
  if (delimiter === undefined || !key.startsWith(prefix)) return undefined
  const found = key.indexOf(delimiter, prefix.length)
  return found < 0 ? undefined : key.slice(0, found + delimiter.length)
}
