// SelectObjectContent: a query over one object, or over all objects of a folder as of one moment. The check
// finds the object in a snapshot; its bytes are held for as long as the query runs, as those of a GET are.

import { text, utf8 } from '../base/bytes.ts'
import { noSuchKey, StoreError } from '../base/errors.ts'
import type { BlobId, BlobStore, ByteSource } from '../blob/blob.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import type { QueryRequest } from '../select-content/format.ts'
import type { Span } from '../select-content/message.ts'
import type { QueryEvent, SelectedObject } from '../select-content/pool.ts'
import { readManifest, readRowBody } from '../store/body.ts'
import type { Body } from '../store/record.ts'
import { type FolderSnapshot, readSnapshot } from '../store/snapshot.ts'
import { type Need, onBucket, onKey, onPath } from './need.ts'
import { requireObject } from './object.ts'
import type { Change, Download, Services, TransferStep } from './operation.ts'

export interface SelectContentInput {
  readonly bucket: string
  /** For a query over a folder, the folder: it ends in '/'. */
  readonly key: string
  readonly versionId?: string | undefined
  readonly request: QueryRequest
}

/** A query that has begun, or will when its events are asked for. It must be closed. */
export interface SelectedContent {
  /**
   * What comes of it.
   * @throws QueryError; StoreError `SlowDown`; any other error is a fault of the server
   */
  readonly events: AsyncGenerator<QueryEvent>
  /** Ends it, wherever it is; more than once is harmless. */
  close(): Promise<void>
}

/** Where the bytes of an object are: at hand, or parts of it in blobs. */
type ContentMap =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'parts'; readonly parts: readonly BlobPart[] }

interface BlobPart {
  readonly blobId: string
  /** Of its first byte in the object. */
  readonly offset: number
  readonly sizeBytes: number
}

interface FoundContent {
  readonly sizeBytes: number
  readonly map: ContentMap
}

/** Queries one object. */
export const selectObjectContent: Download<SelectContentInput, FoundContent, SelectedContent> = {
  kind: 'download',
  name: 'SelectObjectContent',
  needs: (input): Need[] => [onKey('s3:GetObject', input)],
  async check(step, input) {
    if (input.versionId !== undefined && input.versionId !== 'null') {
      throw new StoreError('NoSuchVersion', 'The specified version does not exist.', {
        fields: { VersionId: input.versionId },
      })
    }
    const record = await requireObject(step.tx, step.bucket(input.bucket).root, input)
    const map = await mapContent(step.tx, record.body, record.sizeBytes)
    return { sizeBytes: record.sizeBytes, map }
  },
  async open(step, { request }, { sizeBytes, map }) {
    const { services, reading } = step
    if (reading === undefined) throw new Error('an operation that reads blobs must say so')
    reading.handedOver = true
    const object = { sizeBytes, read: (span: Span) => readSpan(services.blobs, map, span) }
    return begin(step, request, oneOf(object), async () => reading.end())
  },
}

/** Queries all objects of a folder as of one moment, in the order of their keys. */
export const selectFolderContent: Change<SelectContentInput, SelectedContent> = {
  kind: 'change',
  name: 'SelectObjectContent',
  needs: ({ bucket, key }) => [
    onBucket('s3:ListBucket', bucket),
    onPath('s3:GetObject', bucket, key),
  ],
  async commit(step, { bucket, key, request }) {
    const { services, tx } = step
    const snapshot = await services.snapshots.take(tx, step.bucket(bucket).root, utf8(key))
    if (snapshot === undefined) throw noSuchKey(key)
    const objects = objectsOf(services, snapshot, key)
    return begin(step, request, objects, () => release(services, snapshot))
  },
}

function begin(
  { services, signal }: Pick<TransferStep, 'services' | 'signal'>,
  request: QueryRequest,
  objects: AsyncIterable<SelectedObject>,
  letGo: () => Promise<void>,
): SelectedContent {
  const now = services.clock.now()
  const run = services.contentQueries.run(request, objects, { now, signal })
  let isStarted = false
  let isOver = false
  const finish = async (): Promise<void> => {
    if (isOver) return
    isOver = true
    await letGo()
  }
  async function* events(): AsyncGenerator<QueryEvent> {
    isStarted = true
    try {
      yield* run
    } finally {
      await finish()
    }
  }
  const stream = events()
  return {
    events: stream,
    async close() {
      // A generator that was never started runs no `finally`.
      if (isStarted) await stream.return(undefined)
      else await finish()
    },
  }
}

async function* oneOf(object: SelectedObject): AsyncGenerator<SelectedObject> {
  yield object
}

/** Objects of one transaction. */
const pageObjects = 64

async function* objectsOf(
  { engine, blobs }: Services,
  snapshot: FolderSnapshot,
  folder: string,
): AsyncGenerator<SelectedObject> {
  let after: Uint8Array | undefined
  for (;;) {
    const from = after
    const page = await engine.read((tx) =>
      readSnapshot(tx, snapshot, { after: from, limit: pageObjects }),
    )
    for (const { key, record } of page) {
      // What stands for a folder has no rows.
      if (record.sizeBytes === 0) continue
      const { sizeBytes, body } = record
      const map = await engine.read((tx) => mapContent(tx, body, sizeBytes))
      const read = (span: Span): ByteSource => readSpan(blobs, map, span)
      yield { key: folder + text(key), sizeBytes, read }
    }
    after = page.at(-1)?.key
    if (after === undefined) return
  }
}

async function release({ snapshots, log }: Services, snapshot: FolderSnapshot): Promise<void> {
  try {
    await snapshots.release(snapshot)
  } catch (error) {
    log.warn('could not release a snapshot; it is tried again', { error })
  }
}

/** Finds the bytes of an object, whose manifest may be gone when they are read. */
async function mapContent(tx: ReadTransaction, body: Body, sizeBytes: number): Promise<ContentMap> {
  switch (body.kind) {
    case 'empty':
      return { kind: 'bytes', bytes: new Uint8Array() }
    case 'row':
      return { kind: 'bytes', bytes: await readRowBody(tx, body.id) }
    case 'blob':
      return { kind: 'parts', parts: [{ blobId: body.id, offset: 0, sizeBytes }] }
    case 'manifest': {
      const parts: BlobPart[] = []
      for await (const part of readManifest(tx, body.id)) parts.push(part)
      return { kind: 'parts', parts }
    }
  }
}

async function* readSpan(blobs: BlobStore, map: ContentMap, { start, end }: Span): ByteSource {
  if (map.kind === 'bytes') {
    if (end >= start) yield map.bytes.subarray(start, end + 1)
    return
  }
  for (const { blobId, offset, sizeBytes } of map.parts) {
    const from = Math.max(start - offset, 0)
    const to = Math.min(end - offset, sizeBytes - 1)
    if (from > to) continue
    yield* await blobs.read(blobId as BlobId, { start: from, end: to })
  }
}
