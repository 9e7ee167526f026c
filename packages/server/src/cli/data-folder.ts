// Decides which folders a server may use: its own, and empty ones. All checks precede the first write, so
// a mistyped path leaves no trace.

import { access, constants, lstat, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CommandError, exitCodes, systemCode } from '../base/exit.ts'
import { makeFolders } from '../base/folder.ts'
import { storeIn, unfinishedRestore } from '../base/store-location.ts'
import { lookAtEngine, mayHoldEngine } from '../engine/location.ts'

/** The state of a data folder's path: missing, empty but for ignorable files, or a data folder. */
export type FoundFolder = 'missing' | 'empty' | 'ours'

/** The files and folders that a server creates in its data folder. */
const ownNames =
  /^(engine|blobs|lock|lock-journal|server\.json(\.part)?|credentials\.json(\.part)?|doctor-\d+)$/

/** Names that file systems and file managers create by themselves. */
const strayNames =
  /^(lost\+found|\.(gitkeep|gitignore|keep|placeholder|DS_Store|directory|snapshots?|zfs|nfs[0-9a-f]+|Trash-\d+))$/

const shownNames = 3

/**
 * Examines whether a server may use `folder`, an absolute path. Files in `given`, which were named on the command line,
 * don't count as foreign.
 * @throws CommandError that names the foreign files, or the fault of the path
 */
export async function examineDataFolder(
  folder: string,
  given: readonly (string | undefined)[] = [],
): Promise<FoundFolder> {
  try {
    if (!(await isThere(folder))) return 'missing'
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    const names = await readdir(folder)
    await refuseBrokenParts(folder)
    const known = new Set(given.filter((file) => file !== undefined && dirname(file) === folder))
    if (await hasStore(folder)) return 'ours'
    const own = await ownOf(folder, names)
    const strangers = names.filter(
      (name) => !own.includes(name) && !strayNames.test(name) && !known.has(join(folder, name)),
    )
    if (strangers.length > 0) throw notOurs(folder, strangers)
    return own.length > 0 ? 'ours' : 'empty'
  } catch (error) {
    throw unusable(folder, error)
  }
}

/** Creates `folder` if missing. `given` as above. @throws CommandError if it can't be used */
export async function prepareDataFolder(
  folder: string,
  given: readonly (string | undefined)[] = [],
): Promise<void> {
  if ((await examineDataFolder(folder, given)) === 'missing') await makeDataFolder(folder)
}

/** Creates the missing folders of the path. @throws CommandError */
export async function makeDataFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder)
  } catch (error) {
    throw unusable(folder, error)
  }
}

/** Converts an error to a CommandError with the reason that a folder can't be used. */
function unusable(folder: string, error: unknown): CommandError {
  if (error instanceof CommandError) return error
  return new CommandError(`can't use ${folder} as data folder: ${reasonOf(error)}`, {
    cause: error,
  })
}

function reasonOf(error: unknown): string {
  switch (systemCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write there'
    case 'ENOTDIR':
    case 'EEXIST':
      return 'it, or something above it, is a file'
    case 'ENOENT':
      return 'no folder can be made there'
    case 'ELOOP':
      return 'the links in its path lead in a circle'
    case 'ENAMETOOLONG':
      return 'its name, or its path, is too long for the file system'
    case 'EROFS':
      return 'it is on a read-only file system'
    case 'ENOSPC':
      return 'its disk is full'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}

/** True if the folder exists; false if it could apparently be created. */
async function isThere(folder: string): Promise<boolean> {
  if (await isFolder(folder)) return true
  for (let above = dirname(folder); ; above = dirname(above)) {
    if (!(await isFolder(above))) continue
    await access(above, constants.W_OK | constants.X_OK)
    return false
  }
}

/** False if the path doesn't exist. @throws Error of the system, or CommandError for anything but a folder */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    const isLink = await lstat(path).then(
      (found) => found.isSymbolicLink(),
      () => false,
    )
    if (!isLink) return false
    throw new CommandError(
      `can't use the data folder: ${path} is a link to something that isn't there`,
      { cause: error },
    )
  }
  throw new CommandError(`can't use the data folder: ${path} is a file`)
}

/** Names of `ownNames` that are folders. */
const ownFolders: readonly string[] = ['engine', 'blobs']

/**
 * Refuses broken parts of a data folder. An unmounted disk must not be mistaken for a new store.
 * @throws CommandError for a dangling link, a file in the place of a folder, or an unfinished restore
 */
export async function refuseBrokenParts(folder: string): Promise<void> {
  const names: string[] = await readdir(folder).catch(() => [])
  if (names.includes(unfinishedRestore)) throw unfinished(folder)
  for (const name of names) {
    if (!ownNames.test(name)) continue
    const reason = await faultOf(join(folder, name), ownFolders.includes(name))
    if (reason === undefined) continue
    throw new CommandError(`can't use ${folder} as data folder: ${join(folder, name)} ${reason}`)
  }
}

function unfinished(folder: string): CommandError {
  return new CommandError(
    `${folder} is no store: a restore into it was interrupted, or is under way. Run holdfast restore again, or remove the folder`,
    { exitCode: exitCodes.refused },
  )
}

/**
 * Checks that a backup may be restored into `folder`: it is missing, empty but for ignorable files and a
 * lock, or has an unfinished restore. @throws CommandError
 */
export async function examineRestoreTarget(folder: string): Promise<void> {
  const names: string[] = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return []
    throw unusable(folder, error)
  })
  if (names.includes(unfinishedRestore)) return
  const strangers = names.filter(
    (name) => !strayNames.test(name) && !/^lock(-journal)?$/.test(name),
  )
  if (strangers.length === 0) return
  throw new CommandError(
    `${folder} is not empty: a backup is restored into a new or an empty folder only`,
    { exitCode: exitCodes.refused },
  )
}

async function faultOf(path: string, isFolder: boolean): Promise<string | undefined> {
  try {
    const found = await stat(path)
    return isFolder && !found.isDirectory() ? 'is a file, not a folder' : undefined
  } catch (error) {
    if (systemCode(error) === 'ELOOP') return 'is a link that leads in a circle'
    if (systemCode(error) !== 'ENOENT') throw error
  }
  // The entry may have been removed meanwhile.
  const found = await lstat(path).catch(() => undefined)
  return found?.isSymbolicLink() === true ? "is a link to something that isn't there" : undefined
}

/** The names that a server has created, or may have. */
async function ownOf(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const isOurEngine = await mayHoldEngine(storeIn(folder).engine)
  return names.filter((name) => {
    if (name === 'engine') return isOurEngine
    // A common file name. Holdfast's is always beside `lock`.
    if (name === 'server.json') return names.includes('lock')
    return ownNames.test(name)
  })
}

/** True if the folder has a store, or the bodies of one, which is then examined more closely. */
async function hasStore(folder: string): Promise<boolean> {
  const found = await lookAtEngine(storeIn(folder).engine).catch(() => undefined)
  if (found !== undefined) return true
  const blobs = await readdir(join(folder, 'blobs')).catch(() => [])
  return blobs.some((name) => /^\d+$/.test(name))
}

function notOurs(folder: string, strangers: readonly string[]): CommandError {
  const names = strangers
    .toSorted()
    .slice(0, shownNames)
    .map((name) => JSON.stringify(name))
  const more = strangers.length - names.length
  const shown = `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  return new CommandError(
    `${folder} is no data folder, and not empty: it has ${shown}; ` +
      `name a new or an empty folder as data folder, such as ${join(folder, 'holdfast')}`,
    { exitCode: exitCodes.refused },
  )
}
