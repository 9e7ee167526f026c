// Checks the meta pages of the data file before LMDB opens it. On some corrupt files the LMDB
// binding crashes instead of reporting an error.

import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { DamageError } from './engine.ts'

/**
 * Offsets of the magic number and, in the first meta page, of the page size. The structure is
 * `MDB_meta`, which follows the page header (lmdb.h and mdb.c).
 */
const [magicOffset, pageSizeOffset] = [24, 48]
const headBytes = 52
const magic = 0xbeefc0de
const pageSizes: readonly number[] = [4096, 8192, 16_384, 32_768, 65_536]

/**
 * Milliseconds to wait for another process that is just creating the store to write its meta pages.
 */
const makingMs = 500

/**
 * Checks the meta pages of the data file. A missing or empty file is a new store.
 * @throws DamageError
 */
export async function checkHeads(file: string): Promise<void> {
  if (await hasHeads(file)) return
  await wait(makingMs)
  if (await hasHeads(file)) return
  throw new DamageError(`The store is damaged: ${file} doesn't begin as it should. ${advice}`)
}

/**
 * Translates LMDB's errors about corrupt pages into a `DamageError`; returns other errors
 * unchanged.
 */
export function explainDamage(error: unknown): unknown {
  if (error instanceof DamageError) return error
  const reason = /MDB_(?:CORRUPTED|PAGE_NOTFOUND|INVALID|BAD_TXN).*/.exec(String(error))?.[0]
  if (reason === undefined) return error
  return new DamageError(`The store is damaged (${reason}). ${advice}`, { cause: error })
}

const advice =
  'Suspect the disk, or a file that was changed by hand. Keep a copy of the folder as it is, and ' +
  'restore it from a backup.'

async function hasHeads(file: string): Promise<boolean> {
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return true
    throw error
  }
  try {
    if ((await handle.stat()).size === 0) return true
    const first = await headAt(handle, 0)
    const pageSize = first?.getUint32(pageSizeOffset, true)
    if (pageSize === undefined || !pageSizes.includes(pageSize)) return false
    return (await headAt(handle, pageSize)) !== undefined
  } finally {
    await handle.close()
  }
}

/** The meta page at `position`; undefined if there is none. */
async function headAt(handle: FileHandle, position: number): Promise<DataView | undefined> {
  const { buffer, bytesRead } = await handle.read(new Uint8Array(headBytes), 0, headBytes, position)
  const view = new DataView(buffer.buffer)
  return bytesRead === headBytes && view.getUint32(magicOffset, true) === magic ? view : undefined
}
