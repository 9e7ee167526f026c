// How a shared directory is written: an overlay takes its place on the written path. It has rows of
// its own over a base that is never written again; small layers are copied into it instead, so that
// chains of overlays grow only where much was written. Also how references to directories are dropped.

import type { Bytes } from '../base/bytes.ts'
import type { WriteTransaction } from '../engine/engine.ts'
import { releaseBody, retainBody } from './body.ts'
import { decodeCompaction, encodeCompaction, queueCompaction } from './compaction.ts'
import {
  type DirectoryRow,
  decodeEntry,
  type EntryRow,
  encodeEntry,
  encodeFolderEntry,
  putDirectory,
  readDirectory,
  recordOf,
  retainDirectory,
  type TreeContext,
} from './entry.ts'
import { type Directory, type NamedEntry, type Step, scanOwnRows } from './layer.ts'
import type { Override } from './record.ts'
import * as schema from './schema.ts'

/** Rows that a write copies at most, so that the first one to a shared directory stays constant. */
const defaultCopiedRows = 32

/**
 * Puts a writable directory with the same content in the place of a shared one, for which `step` is the
 * entry `name` of the writable directory `parent`.
 */
export async function diverge(
  ctx: TreeContext,
  parent: Directory,
  name: Bytes,
  step: Step,
  suffixBytes: number,
): Promise<Directory> {
  const { tx } = ctx
  const source = step.directory
  const id = ctx.ids.next()
  const { rows, base, baseOverride } = await absorb(tx, source, ctx.copiedRows ?? defaultCopiedRows)
  for (const { name, entry } of rows) await putCopy(tx, id, name, entry)
  const row: DirectoryRow = {
    refs: 1,
    longestSuffix: Math.max(source.row.longestSuffix, suffixBytes),
    base,
    baseOverride,
  }
  putDirectory(tx, id, row)
  // The parent's own entry gives its reference up; where the base is what it led to, to the base link.
  if (base !== undefined) {
    linkBase(tx, id, base)
    if (!step.own || base !== source.id) await retainDirectory(tx, base)
    if ((await readDirectory(tx, base)).base !== undefined) await queueCompaction(tx, id)
  }
  if (step.own && base !== source.id) await dropDirectory(tx, source.id)
  const layered = base !== undefined
  const entry = { child: id, layered, override: undefined }
  tx.put(schema.entry(parent.id, name), encodeFolderEntry(entry))
  return { id, row, override: undefined, layered, writable: true }
}

interface Absorbed {
  /** Topmost rows of the layers that are small; tombstones only if there is a base. */
  readonly rows: readonly NamedEntry<EntryRow>[]
  /** The first layer that isn't small. */
  readonly base: number | undefined
  readonly baseOverride: Override | undefined
}

/** Takes layers from the top of a shared directory as long as their rows are few together. */
async function absorb(
  tx: WriteTransaction,
  source: Directory,
  copiedRows: number,
): Promise<Absorbed> {
  const rows = new Map<string, NamedEntry<EntryRow>>()
  let budget = copiedRows
  let { id, row, override }: Pick<Directory, 'id' | 'row' | 'override'> = source
  for (;;) {
    const layer: NamedEntry<EntryRow>[] = []
    for await (const named of scanOwnRows(tx, id, override)) {
      layer.push(named)
      if (layer.length > budget) break
    }
    if (layer.length > budget) return { rows: [...rows.values()], base: id, baseOverride: override }
    budget -= layer.length
    for (const named of layer) {
      const text = Buffer.from(named.name).toString('latin1')
      if (!rows.has(text)) rows.set(text, named)
    }
    if (row.base === undefined) break
    override ??= row.baseOverride
    id = row.base
    row = await readDirectory(tx, id)
  }
  const living = [...rows.values()].filter(({ entry }) => entry.kind !== 'tombstone')
  return { rows: living, base: undefined, baseOverride: undefined }
}

/** Writes a copy of a row, with a reference of its own to what it refers to. */
export async function putCopy(
  tx: WriteTransaction,
  id: number,
  name: Bytes,
  entry: EntryRow,
): Promise<void> {
  tx.put(schema.entry(id, name), encodeEntry(entry))
  if (entry.kind === 'folder') await retainDirectory(tx, entry.child)
  if (entry.kind === 'object') await retainBody(tx, recordOf(entry).body)
}

/**
 * Moves the row of `name` from a base that only `directory` leads to into the writable `directory`
 * itself, tombstones too. What is seen stays the same, and what the row refers to is given back when
 * it is replaced. True if a row was moved.
 */
export async function pullUp(
  tx: WriteTransaction,
  directory: Directory,
  name: Bytes,
): Promise<boolean> {
  let isMoved = false
  for await (const { value, override } of takeExclusive(tx, directory, name)) {
    const entry = decodeEntry(value, override)
    if (isMoved) await releaseEntry(tx, entry)
    else tx.put(schema.entry(directory.id, name), encodeEntry(entry))
    isMoved = true
  }
  return isMoved
}

/** Removes the rows of `name` that an overlay's own one hides in bases that nothing else sees. */
export async function releaseHidden(
  tx: WriteTransaction,
  overlay: Pick<Directory, 'id' | 'row'>,
  name: Bytes,
): Promise<void> {
  for await (const { value } of takeExclusive(tx, overlay, name)) {
    await releaseEntry(tx, decodeEntry(value))
  }
}

/** Deletes the rows of `name` from the bases below `overlay` that only it sees, and yields them. */
async function* takeExclusive(
  tx: WriteTransaction,
  overlay: Pick<Directory, 'id' | 'row'>,
  name: Bytes,
): AsyncGenerator<{ readonly value: Bytes; readonly override: Override | undefined }> {
  let { base, baseOverride: override } = overlay.row
  const above = [overlay.id]
  while (base !== undefined) {
    const row = await readDirectory(tx, base)
    if (row.refs > 1) return
    const key = schema.entry(base, name)
    const value = await tx.get(key)
    if (value !== undefined) {
      // A merge of these layers that is under way may hold a copy of the row already.
      for (const id of above) await abandonMerge(tx, id)
      tx.delete(key)
      yield { value, override }
    }
    override ??= row.baseOverride
    above.push(base)
    base = row.base
  }
}

/** Gives back what a row that goes refers to. */
export async function releaseEntry(tx: WriteTransaction, entry: EntryRow): Promise<void> {
  if (entry.kind === 'folder') await dropDirectory(tx, entry.child)
  if (entry.kind === 'object') await releaseBody(tx, recordOf(entry).body)
}

/** Begins the compaction of an overlay anew if it is building a merged layer. */
export async function abandonMerge(tx: WriteTransaction, overlay: number): Promise<void> {
  const key = schema.compaction(overlay)
  const value = await tx.get(key)
  if (value === undefined) return
  const job = decodeCompaction(value)
  if (job.phase !== 'merge') return
  tx.put(key, encodeCompaction({ phase: 'look' }))
  await dropDirectory(tx, job.merged)
}

/**
 * Takes a reference from directory `id`; without any, it is queued for collection. A directory that
 * only one overlay is left to see is queued to be compacted with it.
 */
export async function dropDirectory(tx: WriteTransaction, id: number): Promise<void> {
  const row = await readDirectory(tx, id)
  const refs = row.refs - 1
  if (refs < 0) throw new Error(`directory ${id} had no reference to drop`)
  putDirectory(tx, id, { ...row, refs })
  if (refs === 0) {
    tx.put(schema.queued(id), empty)
    return
  }
  if (refs > 1) return
  for await (const link of tx.range(schema.overlayLinks(id))) {
    await queueCompaction(tx, schema.parseOverlayLink(link.key).overlay)
    return
  }
}

/** Records that `overlay` has `base` as its base; see {@link dropDirectory}. */
export function linkBase(tx: WriteTransaction, overlay: number, base: number): void {
  tx.put(schema.overlayLink(base, overlay), empty)
}

const empty: Bytes = new Uint8Array()
