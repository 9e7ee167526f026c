// The rows that the tree is made of: the entries of directories and the directories themselves. An
// entry's name is that of an object, or that of a folder with its trailing '/', so that walking the
// tree depth first gives the byte order of whole keys.

import { type Bytes, utf8 } from '../base/bytes.ts'
import type { ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import type { IdSource } from './id.ts'
import {
  decodeObject,
  encodeObject,
  type ObjectRecord,
  type Override,
  pack,
  unpack,
} from './record.ts'
import * as schema from './schema.ts'

/** What changing the tree takes. */
export interface TreeContext {
  readonly tx: WriteTransaction
  readonly ids: Pick<IdSource, 'next'>
  /** Rows that a write copies at most instead of laying an overlay; 32 unless told otherwise. */
  readonly copiedRows?: number
}

/** A folder's entry: the directory that it leads to. */
export interface FolderEntry {
  readonly kind: 'folder'
  readonly child: number
  /** False only if the directory never had a base: then a name without a row isn't there. */
  readonly layered: boolean
  /** What all rows below show instead of their own, because this folder is a copy. */
  readonly override: Override | undefined
}

/** An object's entry; its record is decoded only when it is asked for. */
export interface ObjectEntry {
  readonly kind: 'object'
  /** What {@link encodeObject} made. */
  readonly bytes: Bytes
  /** The override through which the row is seen. */
  readonly override: Override | undefined
}

/** What a name in a directory stands for. */
export type LivingEntry = FolderEntry | ObjectEntry

/** An entry's row. A tombstone hides the same name in the base. */
export type EntryRow = LivingEntry | { readonly kind: 'tombstone' }

/** A directory's row. */
export interface DirectoryRow {
  /** Folder entries and bases that lead here, and a bucket whose root it is. */
  readonly refs: number
  /** At least the bytes of the longest key below, counted from here; a root doesn't keep it. */
  readonly longestSuffix: number
  /** The directory that shows through where this one has no row. Never written while it is one. */
  readonly base: number | undefined
  /** What rows seen through the base show instead of their own. */
  readonly baseOverride: Override | undefined
}

const slash = 0x2f
const tags = { tombstone: 0, object: 1, folder: 2 } as const
/** The bytes of a tombstone's row. */
export const tombstone: Bytes = new Uint8Array([tags.tombstone])
const objectTag: Bytes = new Uint8Array([tags.object])
const folderTag: Bytes = new Uint8Array([tags.folder])

type PackedOverride = [modifiedAt: number, ownerId: string]
type PackedFolder = [child: number, layered: number, override?: PackedOverride]
type PackedDirectory = [
  refs: number,
  longestSuffix: number,
  base?: number,
  baseOverride?: PackedOverride,
]

/** The folder names of a key, each with its '/', and the name after the last one, maybe empty. */
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

/** The bytes of an object's entry. */
export function encodeObjectEntry(record: ObjectRecord): Bytes {
  return Buffer.concat([objectTag, encodeObject(record)])
}

/** The bytes of a folder's entry. */
export function encodeFolderEntry(entry: Omit<FolderEntry, 'kind'>): Bytes {
  const packed: PackedFolder = [entry.child, entry.layered ? 1 : 0]
  if (entry.override !== undefined) packed.push(packOverride(entry.override))
  return Buffer.concat([folderTag, pack(packed)])
}

/** The bytes of any entry, with its override made permanent. */
export function encodeEntry(entry: EntryRow): Bytes {
  if (entry.kind === 'tombstone') return tombstone
  if (entry.kind === 'folder') return encodeFolderEntry(entry)
  if (entry.override === undefined) return Buffer.concat([objectTag, entry.bytes])
  return encodeObjectEntry(recordOf(entry))
}

/** Decodes an entry's row as it is seen through `override`: the outermost one wins. */
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
      throw new Error(`an entry of the unknown kind ${value[0]}`)
  }
}

/** The record of an object's entry, as it is seen. */
export function recordOf(entry: ObjectEntry): ObjectRecord {
  return decodeObject(entry.bytes, entry.override)
}

/** The row of directory `id`, which something leads to. */
export async function readDirectory(tx: ReadTransaction, id: number): Promise<DirectoryRow> {
  const row = await findDirectoryRow(tx, id)
  if (row === undefined) throw new Error(`directory ${id} has no row`)
  return row
}

/** The row of directory `id`, if it is there. */
export async function findDirectoryRow(
  tx: ReadTransaction,
  id: number,
): Promise<DirectoryRow | undefined> {
  const bytes = await tx.get(schema.directory(id))
  return bytes === undefined ? undefined : decodeDirectory(bytes)
}

/** Decodes a directory's row. */
export function decodeDirectory(bytes: Bytes): DirectoryRow {
  const [refs, longestSuffix, base, override] = unpack<PackedDirectory>(bytes)
  return {
    refs,
    longestSuffix,
    base,
    baseOverride: override === undefined ? undefined : unpackOverride(override),
  }
}

/** Writes a directory's row. */
export function putDirectory(tx: WriteTransaction, id: number, row: DirectoryRow): void {
  const packed: PackedDirectory = [row.refs, row.longestSuffix]
  if (row.base !== undefined) {
    packed.push(row.base)
    if (row.baseOverride !== undefined) packed.push(packOverride(row.baseOverride))
  }
  tx.put(schema.directory(id), pack(packed))
}

/** Adds a reference to directory `id`. */
export async function retainDirectory(tx: WriteTransaction, id: number): Promise<void> {
  const row = await readDirectory(tx, id)
  putDirectory(tx, id, { ...row, refs: row.refs + 1 })
}

/** Removes a directory that has no rows and no base, and that nothing leads to. */
export function deleteDirectory(tx: WriteTransaction, id: number): void {
  tx.delete(schema.directory(id))
  tx.delete(schema.livingHint(id))
  tx.delete(schema.rowsWritten(id))
}

/** The key's text, for messages and findings. */
export function showKey(key: Bytes): string {
  return JSON.stringify(Buffer.from(key).toString('utf8'))
}

/** The least byte string above `bytes`. */
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
