// Pages of listings. With the delimiter '/', a page is one range of one directory's rows, however
// much lies below. With any other delimiter, keys are walked, and each group is skipped with one
// seek.

import { afterPrefix, type Bytes, compareBytes, startsWith } from '../../base/bytes.ts'
import type { DirectoryId } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import type { ObjectRecord } from '../row/record.ts'
import { findFolder, rootView } from './directory.ts'
import { recordOf, splitKey, successor } from './entry.ts'
import { type NamedEntry, scanBatches, viewOf } from './layer.ts'
import { splitSeek, walkBatches, walkEntries } from './walk.ts'

export interface ListingRequest {
  readonly prefix: Bytes
  /** Keys that contain it after the prefix are grouped; not empty. */
  readonly delimiter?: Bytes | undefined
  /**
   * Lists only keys after this one. A group is listed if it has a later key, unless `afterPrefix`
   * is set.
   */
  readonly after?: Bytes | undefined
  /**
   * True if `after` is a common prefix that ended an earlier page: then its whole group is skipped.
   */
  readonly afterPrefix?: boolean | undefined
  /** The largest number of entries on the page. */
  readonly limit: number
}

/** An object, or the common prefix of a group of keys. */
export type ListingEntry =
  | { readonly kind: 'object'; readonly key: Bytes; readonly record: ObjectRecord }
  | { readonly kind: 'prefix'; readonly prefix: Bytes }

export interface ListingPage {
  readonly entries: readonly ListingEntry[]
  readonly isTruncated: boolean
  /**
   * The last entry's key or prefix, from which the next page continues; absent on the last page.
   */
  readonly last?: Bytes | undefined
}

/** One page of the objects below `root`, in S3's order. */
export async function listObjects(
  tx: ReadTransaction,
  root: DirectoryId,
  request: ListingRequest,
): Promise<ListingPage> {
  const { prefix, delimiter, limit } = request
  const start = startOf(request)
  if (limit <= 0 || start === undefined) return { entries: [], isTruncated: false }
  const page = new Page(limit)
  const range = { prefix, start }
  if (delimiter === undefined) await listKeys(tx, root, range, page)
  else if (delimiter.byteLength === 1 && delimiter[0] === slash) {
    await listDirectory(tx, root, range, page)
  } else await listGroups(tx, root, { ...range, delimiter: Buffer.from(delimiter) }, page)
  return page.result()
}

/** Collects the entries of a page. */
class Page {
  readonly #limit: number
  readonly #entries: ListingEntry[] = []
  #isTruncated = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /** True if there is no room for another entry, which then need not be built. */
  isFull(): boolean {
    if (this.#entries.length === this.#limit) this.#isTruncated = true
    return this.#isTruncated
  }

  add(entry: ListingEntry): void {
    this.#entries.push(entry)
  }

  result(): ListingPage {
    const last = this.#entries.at(-1)
    if (!this.#isTruncated) return { entries: this.#entries, isTruncated: false }
    return {
      entries: this.#entries,
      isTruncated: true,
      last: last?.kind === 'object' ? last.key : last?.prefix,
    }
  }
}

/** Keys with `prefix` from `start` on. */
interface KeyRange {
  readonly prefix: Bytes
  readonly start: Bytes
}

/** The least key that may be listed; undefined if there is none. */
function startOf({ prefix, after, afterPrefix: isGroup }: ListingRequest): Bytes | undefined {
  if (after === undefined) return prefix
  const start = isGroup === true ? afterPrefix(after) : successor(after)
  if (start === undefined || compareBytes(start, prefix) > 0) return start
  return prefix
}

async function listKeys(
  tx: ReadTransaction,
  root: DirectoryId,
  { prefix, start }: KeyRange,
  page: Page,
): Promise<void> {
  for await (const batch of walkBatches(tx, rootView(root), { prefix, from: start })) {
    for (const { key, entry } of batch) {
      if (page.isFull()) return
      page.add({ kind: 'object', key, record: recordOf(entry) })
    }
  }
}

async function listDirectory(
  tx: ReadTransaction,
  root: DirectoryId,
  { prefix, start }: KeyRange,
  page: Page,
): Promise<void> {
  const { folders, name } = splitKey(prefix)
  const folder = prefix.subarray(0, prefix.byteLength - name.byteLength)
  if (!startsWith(start, folder)) return
  const view = await findFolder(tx, rootView(root), folders)
  if (view === undefined) return
  const seek = splitSeek(start.subarray(folder.byteLength))
  const end = name.byteLength === 0 ? undefined : afterPrefix(name)
  for await (const batch of scanBatches(tx, view, { start: seek.name, end })) {
    for (const named of batch) {
      if (named.entry.kind === 'folder' && !(await hasKeyFrom(tx, named, seek))) continue
      if (page.isFull()) return
      const key = Buffer.concat([folder, named.name])
      if (named.entry.kind === 'folder') page.add({ kind: 'prefix', prefix: key })
      else page.add({ kind: 'object', key, record: recordOf(named.entry) })
    }
  }
}

/**
 * True if a folder has a key at or after the start of the listing. Only the first folder may have
 * none.
 */
async function hasKeyFrom(
  tx: ReadTransaction,
  { name, entry }: NamedEntry,
  seek: { readonly name: Bytes; readonly rest: Bytes },
): Promise<boolean> {
  if (seek.rest.byteLength === 0 || entry.kind !== 'folder') return true
  if (compareBytes(name, seek.name) !== 0) return true
  for await (const _ of walkEntries(tx, viewOf(entry), { from: seek.rest })) return true
  return false
}

async function listGroups(
  tx: ReadTransaction,
  root: DirectoryId,
  { prefix, start, delimiter }: KeyRange & { readonly delimiter: Buffer },
  page: Page,
): Promise<void> {
  let from: Bytes | undefined = start
  while (from !== undefined) {
    let group: Buffer | undefined
    for await (const { key, entry } of walkEntries(tx, rootView(root), { prefix, from })) {
      if (page.isFull()) return
      const found = key.indexOf(delimiter, prefix.byteLength)
      if (found !== -1) {
        group = key.subarray(0, found + delimiter.byteLength)
        break
      }
      page.add({ kind: 'object', key, record: recordOf(entry) })
    }
    if (group === undefined) return
    page.add({ kind: 'prefix', prefix: group })
    from = afterPrefix(group)
  }
}

const slash = 0x2f
