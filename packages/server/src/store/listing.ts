// Pages of listings. With the delimiter '/', a page is one range of one directory's rows, whatever
// lies below its folders; with any other, keys are walked and each group is passed over in one seek.

import { afterPrefix, type Bytes, compareBytes, startsWith } from '../base/bytes.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import { findFolder, rootView } from './directory.ts'
import { recordOf, splitKey, successor } from './entry.ts'
import { type NamedEntry, scanEntries } from './layer.ts'
import type { ObjectRecord } from './record.ts'
import { splitSeek, viewOf, walkEntries } from './walk.ts'

/** What to list. */
export interface ListingRequest {
  readonly prefix: Bytes
  /** Keys that have it after the prefix are grouped; not empty. */
  readonly delimiter?: Bytes | undefined
  /** Only what comes after this key. A group with a key after it is listed, unless … */
  readonly after?: Bytes | undefined
  /** … `after` is a common prefix that an earlier page ended with: then nothing in it is. */
  readonly afterPrefix?: boolean | undefined
  /** The most entries of the page. */
  readonly limit: number
}

/** An object, or the common prefix of a group of keys. */
export type ListingEntry =
  | { readonly kind: 'object'; readonly key: Bytes; readonly record: ObjectRecord }
  | { readonly kind: 'prefix'; readonly prefix: Bytes }

/** A page of a listing. */
export interface ListingPage {
  readonly entries: readonly ListingEntry[]
  readonly isTruncated: boolean
  /** Where the next page goes on, if there is one: the last entry's key or prefix. */
  readonly last?: Bytes | undefined
}

/** One page of the objects below `root`, in S3's order. */
export async function listObjects(
  tx: ReadTransaction,
  root: number,
  request: ListingRequest,
): Promise<ListingPage> {
  const { limit } = request
  if (limit <= 0) return { entries: [], isTruncated: false }
  const entries: ListingEntry[] = []
  for await (const entry of listEntries(tx, root, request)) {
    if (entries.length === limit)
      return { entries, isTruncated: true, last: nameOf(entries.at(-1)) }
    entries.push(entry)
  }
  return { entries, isTruncated: false }
}

function nameOf(entry: ListingEntry | undefined): Bytes | undefined {
  return entry?.kind === 'object' ? entry.key : entry?.prefix
}

function listEntries(
  tx: ReadTransaction,
  root: number,
  request: ListingRequest,
): AsyncGenerator<ListingEntry> {
  const { prefix, delimiter } = request
  const start = startOf(request)
  if (start === undefined) return listNothing()
  if (delimiter === undefined) return listKeys(tx, root, prefix, start)
  if (delimiter.byteLength === 1 && delimiter[0] === slash) {
    return listDirectory(tx, root, prefix, start)
  }
  return listGroups(tx, root, { prefix, start, delimiter })
}

/** The least key that may be listed; undefined if there is none. */
function startOf({ prefix, after, afterPrefix: isGroup }: ListingRequest): Bytes | undefined {
  if (after === undefined) return prefix
  const start = isGroup === true ? afterPrefix(after) : successor(after)
  if (start === undefined || compareBytes(start, prefix) > 0) return start
  return prefix
}

async function* listNothing(): AsyncGenerator<ListingEntry> {}

async function* listKeys(
  tx: ReadTransaction,
  root: number,
  prefix: Bytes,
  start: Bytes,
): AsyncGenerator<ListingEntry> {
  for await (const { key, entry } of walkEntries(tx, rootView(root), { prefix, from: start })) {
    yield { kind: 'object', key, record: recordOf(entry) }
  }
}

async function* listDirectory(
  tx: ReadTransaction,
  root: number,
  prefix: Bytes,
  start: Bytes,
): AsyncGenerator<ListingEntry> {
  const { folders, name } = splitKey(prefix)
  const folder = prefix.subarray(0, prefix.byteLength - name.byteLength)
  if (!startsWith(start, folder)) return
  const view = await findFolder(tx, rootView(root), folders)
  if (view === undefined) return
  const seek = splitSeek(start.subarray(folder.byteLength))
  const end = name.byteLength === 0 ? undefined : afterPrefix(name)
  for await (const named of scanEntries(tx, view, { start: seek.name, end })) {
    const key = Buffer.concat([folder, named.name])
    if (named.entry.kind === 'object') {
      yield { kind: 'object', key, record: recordOf(named.entry) }
    } else if (await hasKeyFrom(tx, named, seek)) {
      yield { kind: 'prefix', prefix: key }
    }
  }
}

/** Whether a folder has a key at or after the start of the listing; all but the first one have. */
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

async function* listGroups(
  tx: ReadTransaction,
  root: number,
  { prefix, start, delimiter }: { prefix: Bytes; start: Bytes; delimiter: Bytes },
): AsyncGenerator<ListingEntry> {
  const needle = Buffer.from(delimiter)
  let from: Bytes | undefined = start
  while (from !== undefined) {
    let group: Buffer | undefined
    for await (const { key, entry } of walkEntries(tx, rootView(root), { prefix, from })) {
      const found = key.indexOf(needle, prefix.byteLength)
      if (found === -1) {
        yield { kind: 'object', key, record: recordOf(entry) }
        continue
      }
      group = key.subarray(0, found + needle.byteLength)
      break
    }
    if (group !== undefined) yield { kind: 'prefix', prefix: group }
    from = group === undefined ? undefined : afterPrefix(group)
  }
}

const slash = 0x2f
