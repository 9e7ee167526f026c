// SelectObjectContent: a query over one object, or over all objects of a folder as of one moment. The check
// finds the object in a snapshot; its bytes are held for as long as the query runs, as those of a GET are.

import { type Bytes, text, utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import type { ByteSource } from '../blob/blob.ts'
import type { QueryRequest } from '../select-content/format.ts'
import type { Span } from '../select-content/message.ts'
import type { QueryEvent, SelectedObject } from '../select-content/pool.ts'
import { type FolderSnapshot, readSnapshot } from '../store/tree/snapshot.ts'
import { type ContentPlan, nameOf, planContent, readPlannedRange } from './content.ts'
import { type Need, onListing, onPath } from './need.ts'
import { objectNeed, requireNullVersion, requireObject } from './object.ts'
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
   * The results of the query.
   * @throws QueryError; StoreError `SlowDown`; any other error is a fault of the server
   */
  readonly events: AsyncGenerator<QueryEvent>
  /** Ends it, wherever it is; more than once is harmless. */
  close(): Promise<void>
}

interface FoundContent {
  readonly sizeBytes: number
  readonly plan: ContentPlan
}

/** Queries one object. */
export const selectObjectContent: Download<SelectContentInput, FoundContent, SelectedContent> = {
  kind: 'download',
  name: 'SelectObjectContent',
  needs: (input): Need[] => [objectNeed('s3:GetObject', input)],
  async check(step, input) {
    requireNullVersion(input)
    const record = await requireObject(step.tx, step.bucket(input.bucket).root, input)
    const plan = await planContent(step, record, { object: nameOf(input) })
    return { sizeBytes: record.sizeBytes, plan }
  },
  async open(step, { request }, { sizeBytes, plan }) {
    const { services, reading } = step
    if (reading === undefined) throw new Error('an operation that reads blobs must say so')
    reading.handedOver = true
    const object = { sizeBytes, read: (span: Span) => readPlannedRange(services, plan, span) }
    return begin(step, request, oneOf(object), async () => reading.end())
  },
}

/** Queries all objects of a folder as of one moment, in the order of their keys. */
export const selectFolderContent: Change<SelectContentInput, SelectedContent> = {
  kind: 'change',
  name: 'SelectObjectContent',
  needs: ({ bucket, key }) => [onListing(bucket, key), onPath('s3:GetObject', bucket, key)],
  async commit(step, { bucket, key, request }) {
    const { services, tx } = step
    const snapshot = await services.snapshots.take(tx, step.bucket(bucket).root, utf8(key))
    if (snapshot === undefined) throw new StoreError({ code: 'NoSuchKey', key })
    const objects = objectsOf(services, snapshot, { bucket, key })
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
  services: Services,
  snapshot: FolderSnapshot,
  folder: { readonly bucket: string; readonly key: string },
): AsyncGenerator<SelectedObject> {
  const { engine } = services
  let after: Bytes | undefined
  for (;;) {
    const from = after
    const page = await engine.read(async (tx) => {
      // Else the snapshot may have been released.
      await services.presence.confirm(tx)
      return readSnapshot(tx, snapshot, { after: from, limit: pageObjects })
    })
    for (const { key, record } of page) {
      const { sizeBytes } = record
      // An object that stands for a folder has no rows.
      if (sizeBytes === 0) continue
      const selected = folder.key + text(key)
      const object = nameOf({ bucket: folder.bucket, key: selected })
      const plan = await engine.read((tx) => planContent({ tx, services }, record, { object }))
      const read = (span: Span): ByteSource => readPlannedRange(services, plan, span)
      yield { key: selected, sizeBytes, read }
    }
    after = page.at(-1)?.key
    if (after === undefined) return
  }
}

async function release({ snapshots, log }: Services, snapshot: FolderSnapshot): Promise<void> {
  try {
    await snapshots.release(snapshot)
  } catch (error) {
    log.warn('could not release a snapshot; will retry', { error })
  }
}
