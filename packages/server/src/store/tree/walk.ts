// Depth-first walks of the tree, which yield keys in byte order. A walk descends directly to its
// first key, so the keys before it cost nothing.

import { afterPrefix, type Bytes, compareBytes, startsWith } from '../../base/bytes.ts'
import type { DirectoryId } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import type { ObjectRecord } from '../row/record.ts'
import { findFolder, rootView } from './directory.ts'
import { type ObjectEntry, recordOf, splitKey, successor } from './entry.ts'
import { type NamedEntry, scanBatches, type View, viewOf } from './layer.ts'

/** The keys of a walk: those with `prefix`, from `from` on or after `after`. */
export interface WalkRange {
  readonly prefix?: Bytes | undefined
  /** Inclusive. */
  readonly from?: Bytes | undefined
  /** Exclusive. */
  readonly after?: Bytes | undefined
}

export interface KeyedObject {
  readonly key: Buffer
  readonly record: ObjectRecord
}

/** The objects of a range in key order, read as they are consumed. */
export async function* walk(
  tx: ReadTransaction,
  root: DirectoryId,
  range: WalkRange = {},
): AsyncGenerator<KeyedObject> {
  for await (const { key, entry } of walkEntries(tx, rootView(root), range)) {
    yield { key, record: recordOf(entry) }
  }
}

/** A directory on the stack of a walk. */
interface Frame {
  readonly prefix: Bytes
  readonly view: View
  readonly batches: AsyncGenerator<readonly NamedEntry[]>
  /** The current batch and the position in it. */
  batch: readonly NamedEntry[]
  at: number
  /**
   * The folder of the walk's first key and the start within it. It is the only folder not read from
   * its beginning.
   */
  readonly first: { readonly folder: Bytes; readonly start: Bytes } | undefined
}

/** An object's entry, its key, and its location: directory and name. */
export interface KeyedEntry {
  readonly key: Buffer
  readonly entry: ObjectEntry
  readonly directory: View
  readonly name: Bytes
}

/** Like {@link walk}, below any directory, with records decoded on demand. */
export async function* walkEntries(
  tx: ReadTransaction,
  top: View,
  range: WalkRange,
): AsyncGenerator<KeyedEntry> {
  for await (const entries of walkBatches(tx, top, range)) yield* entries
}

/** Like {@link walkEntries}, in batches: see {@link ReadTransaction.batches}. */
export async function* walkBatches(
  tx: ReadTransaction,
  top: View,
  range: WalkRange,
): AsyncGenerator<readonly KeyedEntry[]> {
  const prefix = range.prefix ?? empty
  const start = firstKey(prefix, range)
  const { folders, name } = splitKey(prefix)
  const folder = prefix.subarray(0, prefix.byteLength - name.byteLength)
  if (!startsWith(start, folder)) return
  const view = await findFolder(tx, top, folders)
  if (view === undefined) return
  const frames: Frame[] = [
    openFrame(tx, view, folder, {
      start: start.subarray(folder.byteLength),
      end: name.byteLength === 0 ? undefined : afterPrefix(name),
    }),
  ]
  try {
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      if (frame.at === frame.batch.length) {
        const next = await frame.batches.next()
        if (next.done === true) {
          frames.pop()
          continue
        }
        frame.batch = next.value
        frame.at = 0
      }
      const { objects, folder } = takeObjects(frame)
      if (objects.length > 0) yield objects
      if (folder?.entry.kind !== 'folder') continue
      const key = Buffer.concat([frame.prefix, folder.name])
      frames.push(openFrame(tx, viewOf(folder.entry), key, { start: startIn(frame, folder.name) }))
    }
  } finally {
    for (const frame of frames.reverse()) await frame.batches.return(undefined)
  }
}

/**
 * Takes the next objects of a batch, and the folder that follows them unless the batch ends first.
 */
function takeObjects(frame: Frame): {
  readonly objects: readonly KeyedEntry[]
  readonly folder: NamedEntry | undefined
} {
  const { prefix, view: directory, batch } = frame
  const objects: KeyedEntry[] = []
  while (frame.at < batch.length) {
    const named = batch[frame.at++]
    if (named?.entry.kind !== 'object') return { objects, folder: named }
    const { name, entry } = named
    objects.push({ key: Buffer.concat([prefix, name]), entry, directory, name })
  }
  return { objects, folder: undefined }
}

/** The least key that a range can hold. */
export function firstKey(prefix: Bytes, { from, after }: WalkRange): Bytes {
  let first = prefix
  if (from !== undefined && compareBytes(from, first) > 0) first = from
  if (after !== undefined && compareBytes(after, first) >= 0) first = successor(after)
  return first
}

/** Splits a key below a directory at its first '/': the name to seek, and the start within it. */
export function splitSeek(start: Bytes): { readonly name: Bytes; readonly rest: Bytes } {
  const slash = start.indexOf(0x2f)
  if (slash === -1) return { name: start, rest: empty }
  return { name: start.subarray(0, slash + 1), rest: start.subarray(slash + 1) }
}

function openFrame(
  tx: ReadTransaction,
  view: View,
  prefix: Bytes,
  { start, end }: { readonly start: Bytes; readonly end?: Bytes | undefined },
): Frame {
  const { name, rest } = splitSeek(start)
  const first = rest.byteLength === 0 ? undefined : { folder: name, start: rest }
  const batches = scanBatches(tx, view, { start: name, end })
  return { prefix, view, batches, batch: [], at: 0, first }
}

function startIn({ first }: Frame, folder: Bytes): Bytes {
  return first !== undefined && compareBytes(first.folder, folder) === 0 ? first.start : empty
}

const empty: Bytes = new Uint8Array()
