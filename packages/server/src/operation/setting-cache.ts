// Keeps what a process made of buckets' settings, such as a compiled policy. An entry is found by the bucket's
// id and the setting's revision, which the caller read in its own transaction. So a change is obeyed by the
// first request that sees it, in every process, and no entry has to be invalidated.

import type { Bytes } from '../base/bytes.ts'
import type { BucketId } from '../base/terms.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import type { BucketRecord, SettingName } from '../store/tree/bucket.ts'
import { getSetting } from '../store/tree/bucket-setting.ts'

/** The setting of that name of any bucket, decoded once per stored revision. */
export class SettingCache<T> {
  readonly #name: SettingName
  readonly #decode: (value: Bytes, bucketName: string) => T
  readonly #maximumBytes: number
  readonly #entries = new Map<BucketId, Entry<T>>()
  #bytes = 0

  /** @param options.maximumBytes of stored values whose decoded forms are kept; the least recently used go first */
  constructor(options: {
    readonly name: SettingName
    readonly decode: (value: Bytes, bucketName: string) => T
    readonly maximumBytes: number
  }) {
    this.#name = options.name
    this.#decode = options.decode
    this.#maximumBytes = options.maximumBytes
  }

  /** The setting of a bucket that was read in `tx`; undefined if the bucket has none. */
  async of(tx: ReadTransaction, bucketName: string, bucket: BucketRecord): Promise<T | undefined> {
    const revision = bucket.settings?.[this.#name]
    if (revision === undefined) return undefined
    const kept = this.#entries.get(bucket.id)
    if (kept?.revision === revision) {
      this.#entries.delete(bucket.id)
      this.#entries.set(bucket.id, kept)
      return kept.decoded
    }
    const stored = await getSetting(tx, bucket, this.#name)
    if (stored === undefined) throw new Error(`${this.#name} of bucket ${bucketName} has no row`)
    const decoded = this.#decode(stored.value, bucketName)
    // A write may read rows of different moments, of which its validation makes it run again.
    if (stored.revision === revision)
      this.#keep(bucket.id, { revision, decoded, ...sizeOf(stored) })
    return decoded
  }

  #keep(bucketId: BucketId, entry: Entry<T>): void {
    this.#drop(bucketId)
    this.#entries.set(bucketId, entry)
    this.#bytes += entry.sizeBytes
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maximumBytes) return
      this.#drop(oldest)
    }
  }

  #drop(bucketId: BucketId): void {
    this.#bytes -= this.#entries.get(bucketId)?.sizeBytes ?? 0
    this.#entries.delete(bucketId)
  }
}

interface Entry<T> {
  readonly revision: number
  readonly decoded: T
  readonly sizeBytes: number
}

/** A small setting's entry costs memory, too. */
const entryBytes = 1024

function sizeOf({ value }: { readonly value: Bytes }): { readonly sizeBytes: number } {
  return { sizeBytes: value.byteLength + entryBytes }
}
