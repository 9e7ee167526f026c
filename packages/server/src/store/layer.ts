// A directory as it is seen: its own rows over those of its base, over those of that one's base. The
// topmost row of a name counts; a tombstone says that there is none; overrides apply from outside in.

import { type Bytes, compareBytes } from '../base/bytes.ts'
import type { Range, ReadTransaction } from '../engine/engine.ts'
import {
  type DirectoryRow,
  decodeEntry,
  type EntryRow,
  type FolderEntry,
  type LivingEntry,
  readDirectory,
  successor,
} from './entry.ts'
import type { Override } from './record.ts'
import * as schema from './schema.ts'

/** The own rows of a directory. */
export interface Layer {
  readonly id: number
  /** What they show instead of their own. */
  readonly override: Override | undefined
}

/** A directory, and how it was reached. */
export interface View extends Layer {
  /** False only if it never had a base. */
  readonly layered: boolean
}

/** A directory as a path reaches it. */
export interface Directory extends View {
  readonly row: DirectoryRow
  /** True if only this path leads here and its rows are exact, so that it may be written in place. */
  readonly writable: boolean
}

/** A folder's entry as a path meets it. */
export interface Step {
  readonly entry: FolderEntry
  /** True if the entry is a row of the parent's own, false if it is seen through the parent's base. */
  readonly own: boolean
  readonly directory: Directory
}

/** The directories along a path, the root first, and the names that lead from each to the next. */
export interface Path {
  readonly directories: readonly [Directory, ...Directory[]]
  readonly names: readonly Bytes[]
}

/** A name in a directory, and what it stands for. */
export interface NamedEntry<E extends EntryRow = LivingEntry> {
  readonly name: Bytes
  readonly entry: E
}

/** The names `start <= name < end` of a directory; `end` absent means all. */
export interface NameRange {
  readonly start?: Bytes | undefined
  readonly end?: Bytes | undefined
  readonly reverse?: boolean
}

/** Bytes before the name in the key of an entry's row: the space and the directory's id. */
const nameOffset = 9

/** The directory that a folder's entry leads to. */
export function viewOf(entry: FolderEntry): View {
  return { id: entry.child, override: entry.override, layered: entry.layered }
}

/** What `name` stands for in a directory: one read for each layer that doesn't know it. */
export async function findEntry(
  tx: ReadTransaction,
  view: View,
  name: Bytes,
): Promise<LivingEntry | undefined> {
  let { id, override } = view
  for (;;) {
    const value = await tx.get(schema.entry(id, name))
    if (value !== undefined) return living(decodeEntry(value, override))
    if (!view.layered) return undefined
    const row = await readDirectory(tx, id)
    if (row.base === undefined) return undefined
    override ??= row.baseOverride
    id = row.base
  }
}

/** What `name` stands for in the base of a directory that is seen through `override`. */
export async function findInherited(
  tx: ReadTransaction,
  row: DirectoryRow,
  override: Override | undefined,
  name: Bytes,
): Promise<LivingEntry | undefined> {
  if (row.base === undefined) return undefined
  return findEntry(
    tx,
    { id: row.base, override: override ?? row.baseOverride, layered: true },
    name,
  )
}

/** The living entries of a directory in the order of their names. */
export async function* scanEntries(
  tx: ReadTransaction,
  view: View,
  range: NameRange = {},
): AsyncGenerator<NamedEntry> {
  for await (const entries of scanBatches(tx, view, range)) yield* entries
}

/** As {@link scanEntries}, some at a time: see {@link ReadTransaction.batches}. */
export async function* scanBatches(
  tx: ReadTransaction,
  view: View,
  range: NameRange = {},
): AsyncGenerator<readonly NamedEntry[]> {
  const layers = await readLayers(tx, view)
  const [top] = layers
  if (layers.length > 1 || top === undefined) {
    for await (const { name, entry } of scanLayers(tx, layers, range)) {
      if (entry.kind !== 'tombstone') yield [{ name, entry }]
    }
    return
  }
  // The common case, spared the detour through the merge.
  for await (const rows of tx.batches(entryRange(top.id, range))) {
    const entries: NamedEntry[] = []
    for (const { key, value } of rows) {
      const entry = decodeEntry(value, top.override)
      if (entry.kind !== 'tombstone') entries.push({ name: key.subarray(nameOffset), entry })
    }
    yield entries
  }
}

/** The topmost rows of a directory's names, tombstones too. */
export async function* scanRows(
  tx: ReadTransaction,
  view: View,
  range: NameRange = {},
): AsyncGenerator<NamedEntry<EntryRow>> {
  yield* scanLayers(tx, await readLayers(tx, view), range)
}

/** The topmost rows of the names in `layers`, the topmost layer first. */
export async function* scanLayers(
  tx: ReadTransaction,
  layers: readonly Layer[],
  range: NameRange = {},
): AsyncGenerator<NamedEntry<EntryRow>> {
  const [top] = layers
  if (layers.length === 1 && top !== undefined) {
    yield* scanOwnRows(tx, top.id, top.override, range)
    return
  }
  const rows = layers.map(({ id, override }) => scanOwnRows(tx, id, override, range))
  yield* merge(rows, range.reverse === true ? -1 : 1)
}

/** The rows of one layer, as they are seen through `override`. */
export async function* scanOwnRows(
  tx: ReadTransaction,
  id: number,
  override: Override | undefined,
  range: NameRange = {},
): AsyncGenerator<NamedEntry<EntryRow>> {
  for await (const { key, value } of tx.range(entryRange(id, range))) {
    yield { name: key.subarray(nameOffset), entry: decodeEntry(value, override) }
  }
}

/** Up to `limit` of the rows of one layer after the name `cursor`, and one at least if there is any. */
export async function rowsAfter(
  tx: ReadTransaction,
  id: number,
  cursor: Bytes | undefined,
  limit: number,
  override?: Override,
): Promise<NamedEntry<EntryRow>[]> {
  const rows: NamedEntry<EntryRow>[] = []
  for await (const row of scanOwnRows(tx, id, override, rangeAfter(cursor))) {
    rows.push(row)
    if (rows.length >= limit) break
  }
  return rows
}

/** The names after `cursor`; all if it is undefined. */
export function rangeAfter(cursor: Bytes | undefined): NameRange {
  return { start: cursor === undefined ? undefined : successor(cursor) }
}

function entryRange(id: number, { start, end, reverse }: NameRange): Range {
  const all = schema.entries(id)
  return {
    start: start === undefined || start.byteLength === 0 ? all.start : schema.entry(id, start),
    end: end === undefined ? all.end : schema.entry(id, end),
    reverse: reverse === true,
  }
}

async function readLayers(tx: ReadTransaction, view: View): Promise<Layer[]> {
  let { id, override } = view
  const layers = [{ id, override }]
  if (!view.layered) return layers
  for (;;) {
    const row = await readDirectory(tx, id)
    if (row.base === undefined) return layers
    id = row.base
    override ??= row.baseOverride
    layers.push({ id, override })
  }
}

/** Merges sorted layers, topmost first; `direction` is -1 for names in descending order. */
async function* merge(
  layers: readonly AsyncGenerator<NamedEntry<EntryRow>>[],
  direction: 1 | -1,
): AsyncGenerator<NamedEntry<EntryRow>> {
  try {
    const heads: (NamedEntry<EntryRow> | undefined)[] = []
    for (const layer of layers) heads.push(headOf(await layer.next()))
    for (;;) {
      let first: NamedEntry<EntryRow> | undefined
      for (const head of heads) {
        if (head === undefined) continue
        if (first === undefined || compareBytes(head.name, first.name) * direction < 0) first = head
      }
      if (first === undefined) return
      yield first
      for (const [index, layer] of layers.entries()) {
        const head = heads[index]
        if (head === undefined || compareBytes(head.name, first.name) !== 0) continue
        heads[index] = headOf(await layer.next())
      }
    }
  } finally {
    for (const layer of layers) await layer.return(undefined)
  }
}

function headOf<T>(result: IteratorResult<T, void>): T | undefined {
  return result.done === true ? undefined : result.value
}

function living(row: EntryRow): LivingEntry | undefined {
  return row.kind === 'tombstone' ? undefined : row
}
