// Reads a directory through its layers: its own rows over those of its base, and so on down. The
// topmost row of a name wins; a tombstone means absent. Overrides apply from the outermost inwards.

import { type Bytes, compareBytes } from '../../base/bytes.ts'
import type { DirectoryId } from '../../base/terms.ts'
import type { Range, ReadTransaction } from '../../engine/engine.ts'
import type { Override } from '../row/record.ts'
import {
  type DirectoryRow,
  decodeEntry,
  type EntryRow,
  type FolderEntry,
  type LivingEntry,
  readDirectory,
  successor,
} from './entry.ts'
import * as schema from './schema.ts'

/** One directory's own rows. */
export interface Layer {
  readonly id: DirectoryId
  /** The values that the rows show in place of their own. */
  readonly override: Override | undefined
}

/** A directory as it is reached from a folder entry. */
export interface View extends Layer {
  /** False only if it never had a base. */
  readonly layered: boolean
}

/** A directory on a path. */
export interface Directory extends View {
  readonly row: DirectoryRow
  /**
   * True if the directory is exclusive to this path and without an override, so it may be written
   * in place.
   */
  readonly writable: boolean
}

/** A folder's entry on a path. */
export interface Step {
  readonly entry: FolderEntry
  /** True if the entry is one of the parent's own rows, false if it is inherited from the base. */
  readonly own: boolean
  readonly directory: Directory
}

/** The directories along a path, root first, and the names that lead from each to the next. */
export interface Path {
  readonly directories: readonly [Directory, ...Directory[]]
  readonly names: readonly Bytes[]
}

/** An entry with its name. */
export interface NamedEntry<E extends EntryRow = LivingEntry> {
  readonly name: Bytes
  readonly entry: E
}

/** The names `start <= name < end` of a directory; a missing bound is open. */
export interface NameRange {
  readonly start?: Bytes | undefined
  readonly end?: Bytes | undefined
  readonly reverse?: boolean
}

/** Bytes before the name in the key of an entry's row: the key space and the directory id. */
const nameOffset = 9

/** The directory that a folder's entry refers to. */
export function viewOf(entry: FolderEntry): View {
  return { id: entry.child, override: entry.override, layered: entry.layered }
}

/** The entry `name` in a directory. Costs one read per layer down to the one that has a row. */
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

/** The entry `name` in the base of a directory that is seen through `override`. */
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

/** The living entries of a directory in name order. */
export async function* scanEntries(
  tx: ReadTransaction,
  view: View,
  range: NameRange = {},
): AsyncGenerator<NamedEntry> {
  for await (const entries of scanBatches(tx, view, range)) yield* entries
}

/** Like {@link scanEntries}, in batches: see {@link ReadTransaction.batches}. */
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
  // The common case of a single layer needs no merge.
  for await (const rows of tx.batches(entryRange(top.id, range))) {
    const entries: NamedEntry[] = []
    for (const { key, value } of rows) {
      const entry = decodeEntry(value, top.override)
      if (entry.kind !== 'tombstone') entries.push({ name: key.subarray(nameOffset), entry })
    }
    yield entries
  }
}

/** The topmost rows of a directory's names, including tombstones. */
export async function* scanRows(
  tx: ReadTransaction,
  view: View,
  range: NameRange = {},
): AsyncGenerator<NamedEntry<EntryRow>> {
  yield* scanLayers(tx, await readLayers(tx, view), range)
}

/** The topmost rows of the names in `layers`, topmost layer first. */
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

/** The rows of one layer, as seen through `override`. */
export async function* scanOwnRows(
  tx: ReadTransaction,
  id: DirectoryId,
  override: Override | undefined,
  range: NameRange = {},
): AsyncGenerator<NamedEntry<EntryRow>> {
  for await (const { key, value } of tx.range(entryRange(id, range))) {
    yield { name: key.subarray(nameOffset), entry: decodeEntry(value, override) }
  }
}

/** Up to `limit` rows of one layer after the name `cursor`. At least one, if there is any. */
export async function rowsAfter(
  tx: ReadTransaction,
  id: DirectoryId,
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

function entryRange(id: DirectoryId, { start, end, reverse }: NameRange): Range {
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

/** Merges sorted layers, topmost first; `direction` is -1 for descending order. */
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
