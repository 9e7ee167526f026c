// The rows of the tree: directories and their entries. An entry is named for an object, or for a
// folder with its trailing '/'. A depth-first walk of the tree therefore yields keys in byte order.

import { type Bytes, utf8 } from '../../base/bytes.ts'
import type { DirectoryId } from '../../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import type { IdSource } from '../row/id.ts'
import {
  decodeObject,
  encodeObject,
  type ObjectRecord,
  type Override,
  pack,
  unpack,
} from '../row/record.ts'
import * as schema from './schema.ts'

/** The context of a change of the tree. */
export interface TreeContext {
  readonly tx: WriteTransaction
  readonly ids: Pick<IdSource, 'next'>
  /**
   * The largest number of rows that a write copies instead of creating an overlay; 32 by default.
   */
  readonly copiedRows?: number
}

/** A folder's entry, which refers to its directory. */
export interface FolderEntry {
  readonly kind: 'folder'
  readonly child: DirectoryId
  /** False only if the directory never had a base: then a name without a row is absent. */
  readonly layered: boolean
  /** Set if this folder is a copy: the values that all rows below show in place of their own. */
  readonly override: Override | undefined
}

/** An object's entry. Its record is decoded on demand. */
export interface ObjectEntry {
  readonly kind: 'object'
  /** The output of {@link encodeObject}. */
  readonly bytes: Bytes
  /** The override in effect for the row. */
  readonly override: Override | undefined
}

/** An object or a folder in a directory. */
export type LivingEntry = FolderEntry | ObjectEntry

/** An entry's row. A tombstone hides the same name in the base. */
export type EntryRow = LivingEntry | { readonly kind: 'tombstone' }

/** A directory's row. */
export interface DirectoryRow {
  /**
   * The number of references: folder entries, overlays that have it as their base, and the bucket
   * of a root.
   */
  readonly refs: number
  /** An upper bound of the longest key below, in bytes from here; not maintained for roots. */
  readonly longestSuffix: number
  /** The directory whose rows are visible where this one has none. A base is immutable. */
  readonly base: DirectoryId | undefined
  /** The values that rows of the base show in place of their own. */
  readonly baseOverride: Override | undefined
}

const slash = 0x2f
const tags = { tombstone: 0, object: 1, folder: 2 } as const
/** The value of a tombstone row. */
export const tombstone: Bytes = new Uint8Array([tags.tombstone])
const objectTag: Bytes = new Uint8Array([tags.object])
const folderTag: Bytes = new Uint8Array([tags.folder])

type PackedOverride = [modifiedAt: number, ownerId: string]
type PackedFolder = [child: DirectoryId, layered: number, override?: PackedOverride]
type PackedDirectory = [
  refs: number,
  longestSuffix: number,
  base?: DirectoryId,
  baseOverride?: PackedOverride,
]

/** Splits a key into its folder names, each with its '/', and the last name, which may be empty. */
export function splitKey(key: Bytes): { folders: Bytes[]; name: Bytes } {
  const folders: Bytes[] = []
  let start = 0
  for (;;) {
    const end = key.indexOf(slash, start)
    if (end === -1) return { folders, name: key.subarray(start) }
    folders.push(key.subarray(start, end + 1))
    start = end + 1
  }
}

/** True for the name of a folder. */
export function isFolderName(name: Bytes): boolean {
  return name[name.byteLength - 1] === slash
}

export function encodeObjectEntry(record: ObjectRecord): Bytes {
  return Buffer.concat([objectTag, encodeObject(record)])
}

export function encodeFolderEntry(entry: Omit<FolderEntry, 'kind'>): Bytes {
  const packed: PackedFolder = [entry.child, entry.layered ? 1 : 0]
  if (entry.override !== undefined) packed.push(packOverride(entry.override))
  return Buffer.concat([folderTag, pack(packed)])
}

/** Encodes any entry, with its override applied. */
export function encodeEntry(entry: EntryRow): Bytes {
  if (entry.kind === 'tombstone') return tombstone
  if (entry.kind === 'folder') return encodeFolderEntry(entry)
  if (entry.override === undefined) return Buffer.concat([objectTag, entry.bytes])
  return encodeObjectEntry(recordOf(entry))
}

/** Decodes an entry's row as seen through `override`. The outermost override wins. */
export function decodeEntry(value: Bytes, override?: Override): EntryRow {
  switch (value[0]) {
    case tags.object:
      return { kind: 'object', bytes: value.subarray(1), override }
    case tags.folder: {
      const [child, layered, own] = unpack<PackedFolder>(value.subarray(1))
      return {
        kind: 'folder',
        child,
        layered: layered === 1,
        override: override ?? (own === undefined ? undefined : unpackOverride(own)),
      }
    }
    case tags.tombstone:
      return { kind: 'tombstone' }
    default:
      throw new Error(`unknown kind of entry: ${value[0]}`)
  }
}

/** The record of an object's entry, with its override applied. */
export function recordOf(entry: ObjectEntry): ObjectRecord {
  return decodeObject(entry.bytes, entry.override)
}

/** The row of directory `id`, which must exist. */
export async function readDirectory(tx: ReadTransaction, id: DirectoryId): Promise<DirectoryRow> {
  const row = await findDirectoryRow(tx, id)
  if (row === undefined) throw new Error(`directory ${id} has no row`)
  return row
}

/** The row of directory `id`, if it exists. */
export async function findDirectoryRow(
  tx: ReadTransaction,
  id: DirectoryId,
): Promise<DirectoryRow | undefined> {
  const bytes = await tx.get(schema.directory(id))
  return bytes === undefined ? undefined : decodeDirectory(bytes)
}

export function decodeDirectory(bytes: Bytes): DirectoryRow {
  const [refs, longestSuffix, base, override] = unpack<PackedDirectory>(bytes)
  return {
    refs,
    longestSuffix,
    base,
    baseOverride: override === undefined ? undefined : unpackOverride(override),
  }
}

export function putDirectory(tx: WriteTransaction, id: DirectoryId, row: DirectoryRow): void {
  const packed: PackedDirectory = [row.refs, row.longestSuffix]
  if (row.base !== undefined) {
    packed.push(row.base)
    if (row.baseOverride !== undefined) packed.push(packOverride(row.baseOverride))
  }
  tx.put(schema.directory(id), pack(packed))
}

/** Adds a reference to directory `id`. */
export async function retainDirectory(tx: WriteTransaction, id: DirectoryId): Promise<void> {
  const row = await readDirectory(tx, id)
  putDirectory(tx, id, { ...row, refs: row.refs + 1 })
}

/** Deletes a directory without rows, base or references. */
export function deleteDirectory(tx: WriteTransaction, id: DirectoryId): void {
  tx.delete(schema.directory(id))
  tx.delete(schema.livingHint(id))
  tx.delete(schema.rowsWritten(id))
}

/** The key as text, for messages and findings. */
export function showKey(key: Bytes): string {
  return JSON.stringify(Buffer.from(key).toString('utf8'))
}

/** The least byte string greater than `bytes`. */
export function successor(bytes: Bytes): Buffer {
  return Buffer.concat([bytes, zero])
}

const zero: Bytes = utf8('\0')

function packOverride(override: Override): PackedOverride {
  return [override.modifiedAt, override.ownerId]
}

function unpackOverride([modifiedAt, ownerId]: PackedOverride): Override {
  return { modifiedAt, ownerId }
}
