// Looks at the place of an engine without opening it, and without loading LMDB.

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { folderOf } from '../base/store-location.ts'

/** The name of LMDB's data file in its folder. */
export const dataFileName = 'data.mdb'

/** The facts about an engine that need no opening of it. */
export interface EngineFacts {
  readonly sizeBytes: number
  /** Time of the last commit, in milliseconds since the Unix epoch. */
  readonly changedAt: number
}

/** The folder of the engine at `url`. @throws Error for a scheme that no engine has */
export function engineFolder(url: URL): string {
  return folderOf(url, 'the engine')
}

/** A file that every process has open while it has the engine open. */
export function sharedFileOf(url: URL): string {
  return join(engineFolder(url), dataFileName)
}

/** Undefined if no engine was created at `url`. */
export async function lookAtEngine(url: URL): Promise<EngineFacts | undefined> {
  try {
    const { size, mtimeMs } = await stat(sharedFileOf(url))
    return { sizeBytes: size, changedAt: mtimeMs }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** False if the place at `url` holds something else than an engine. */
export async function mayHoldEngine(url: URL): Promise<boolean> {
  const names = await readdir(engineFolder(url)).catch(() => [])
  return names.length === 0 || names.some((name) => name.endsWith('.mdb'))
}
