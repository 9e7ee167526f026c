// Reads a whole folder as of one moment, while others write. The snapshot is taken in one transaction, and
// walked in short ones at the client's pace; it keeps all bodies from collection.

import type { Bytes } from '../base/bytes.ts'
import { text, utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import type { ByteSource } from '../blob/blob.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import type { Checksum, ObjectRecord } from '../store/row/record.ts'
import { hasFolder } from '../store/tree/folder.ts'
import { type FolderSnapshot, readSnapshot } from '../store/tree/snapshot.ts'
import { nameOf, planContent, readPlan, readSmallBody } from './content.ts'
import { type Need, onListing, onPath } from './need.ts'
import type { Change, Query, Services } from './operation.ts'

export interface ArchiveInput {
  readonly bucket: string
  /** Ends in '/'. */
  readonly folder: string
}

/** An object of an archive. */
export interface ArchivedObject {
  /** The rest of its key after the folder; empty for the object whose key is the folder's. */
  readonly key: Bytes
  /** Whether there are keys that begin with this one and a '/'. */
  readonly isFolderToo: boolean
  readonly sizeBytes: number
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number
  readonly checksum: Checksum | undefined
  /** The object's bytes: in memory if there are few, else a source that may be iterated once. */
  readonly content: Bytes | (() => ByteSource)
}

/** A folder as of one moment; must be closed. */
export interface Archive {
  /** All objects in key order, the same on every call. Small contents are in memory only `withBytes`. */
  objects(options: { readonly withBytes: boolean }): AsyncGenerator<ArchivedObject>
  /** Releases the snapshot; idempotent. */
  close(): Promise<void>
}

/** Objects, and bytes of their bodies, per transaction. */
const pageLimits = { objects: 256, bytes: 1_048_576 } as const

/** The rights to read every object of a folder. */
const needs = ({ bucket, folder }: ArchiveInput): Need[] => [
  onListing(bucket, folder),
  onPath('s3:GetObject', bucket, folder),
]

/** Takes a snapshot of a folder. */
export const archiveFolder: Change<ArchiveInput, Archive> = {
  kind: 'change',
  name: 'ArchiveFolder',
  needs,
  async commit(step, { bucket, folder }) {
    const { services, tx } = step
    await services.presence.confirm(tx)
    const snapshot = await services.snapshots.take(tx, step.bucket(bucket).root, utf8(folder))
    if (snapshot === undefined) throw noSuchFolder(folder)
    return new SnapshotArchive(services, snapshot, { bucket, folder })
  },
}

/** Checks that a folder can be archived. */
export const headArchive: Query<ArchiveInput, void> = {
  kind: 'query',
  name: 'HeadArchive',
  needs,
  async check(step, { bucket, folder }) {
    if (await hasFolder(step.tx, step.bucket(bucket).root, utf8(folder))) return
    throw noSuchFolder(folder)
  },
}

function noSuchFolder(folder: string): StoreError {
  return new StoreError({ code: 'NoSuchKey', key: folder })
}

class SnapshotArchive implements Archive {
  readonly #services: Services
  readonly #snapshot: FolderSnapshot
  readonly #input: ArchiveInput
  #isClosed = false

  constructor(services: Services, snapshot: FolderSnapshot, input: ArchiveInput) {
    this.#services = services
    this.#snapshot = snapshot
    this.#input = input
  }

  async *objects({ withBytes }: { readonly withBytes: boolean }): AsyncGenerator<ArchivedObject> {
    const { engine } = this.#services
    let after: Bytes | undefined
    for (;;) {
      const from = after
      const page = await engine.read((tx) => this.#readPage(tx, from, withBytes))
      yield* page
      after = page.at(-1)?.key
      if (after === undefined) return
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const { snapshots, log } = this.#services
    try {
      await snapshots.release(this.#snapshot)
    } catch (error) {
      log.warn('could not release a snapshot; will retry', { error })
    }
  }

  async #readPage(
    tx: ReadTransaction,
    after: Bytes | undefined,
    withBytes: boolean,
  ): Promise<ArchivedObject[]> {
    // Once this start is declared dead, the snapshot may have been released.
    await this.#services.presence.confirm(tx)
    const limit = pageLimits.objects
    const page: ArchivedObject[] = []
    let bytes = 0
    for (const { record, ...object } of await readSnapshot(tx, this.#snapshot, { after, limit })) {
      const { sizeBytes, modifiedAt, checksum, body } = record
      const isAtHand = withBytes && body.kind === 'row'
      const name = this.#nameOf(object.key)
      const content = isAtHand
        ? await readSmallBody({ tx, services: this.#services }, { ...body, sizeBytes }, name)
        : () => this.#read(record, name)
      page.push({ ...object, sizeBytes, modifiedAt, checksum, content })
      if (isAtHand) bytes += sizeBytes
      if (bytes >= pageLimits.bytes) break
    }
    return page
  }

  #nameOf(key: Bytes): string {
    const { bucket, folder } = this.#input
    return nameOf({ bucket, key: folder + text(key) })
  }

  async *#read(record: Pick<ObjectRecord, 'body' | 'sizeBytes'>, object: string): ByteSource {
    const services = this.#services
    const plan = await services.engine.read((tx) =>
      planContent({ tx, services }, record, { object }),
    )
    yield* readPlan(services, plan)
  }
}
