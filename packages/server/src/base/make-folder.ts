// Folders that are made with all that is missing above them. Node's own recursion never ends where a
// name leads nowhere: below a link to something that isn't there, and in /proc.

import { mkdirSync, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes the folder at `path` and those above it, which only this user can look into unless `mode` says
 * otherwise; returns the topmost one that it made, if any.
 * @throws Error of the system, such as `ENOTDIR` for a file in its place
 */
export async function makeFolder(path: string, mode = 0o700): Promise<string | undefined> {
  try {
    await mkdir(path, { mode })
    return path
  } catch (error) {
    if (await isFolder(path)) return undefined
    const above = dirname(path)
    if (!isMissing(error) || above === path) throw error
    const first = await makeFolder(above, mode)
    // Without recursion: what is still missing can't be made.
    return await mkdir(path, { mode }).then(
      () => first ?? path,
      async (failure: unknown) => {
        // Another one may have made it meanwhile.
        if (await isFolder(path)) return first
        throw failure
      },
    )
  }
}

/** As `makeFolder`, at once. @throws Error of the system */
export function makeFolderSync(path: string, mode = 0o700): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (isFolderSync(path)) return
    const above = dirname(path)
    if (!isMissing(error) || above === path) throw error
    makeFolderSync(above, mode)
    try {
      mkdirSync(path, { mode })
    } catch (failure) {
      if (!isFolderSync(path)) throw failure
    }
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

function isFolderSync(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
