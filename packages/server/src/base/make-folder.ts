// Creates folders with their missing parents. Node's own recursive mkdir loops forever below a dangling
// link, and in /proc.

import { mkdirSync, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Creates the folder at `path` and its missing parents, private to this user unless `mode` says
 * otherwise. Returns the topmost folder that was created, if any.
 * @throws Error of the system, such as `ENOTDIR` if the path has a file in it
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
    // Not recursive: if the parent is still missing, it can't be created.
    return await mkdir(path, { mode }).then(
      () => first ?? path,
      async (failure: unknown) => {
        // Another process may have created it meanwhile.
        if (await isFolder(path)) return first
        throw failure
      },
    )
  }
}

/** As `makeFolder`, synchronously. @throws Error of the system */
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
