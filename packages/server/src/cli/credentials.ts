// Loads the access keys: from the file in --credentials, or else the root key in the data folder, which is created on
// the first start.

import { lstat, open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type AccessKey, CredentialsError, parseCredentials } from '../access/key.ts'
import { newRootKey, rootOwner } from '../access/new-key.ts'
import { CommandError, systemCode } from '../base/exit.ts'
import { syncFolder } from '../base/folder.ts'

/** The keys that a server starts with. */
export interface LoadedCredentials {
  /** At least one. The first belongs to root. */
  readonly keys: readonly AccessKey[]
  readonly root: AccessKey
  readonly file: string
  /** `given`: by --credentials; `found`: the root key of an earlier start; `made`: created now. */
  readonly origin: 'given' | 'found' | 'made'
  /** A fault that should be corrected, but doesn't prevent the start. */
  readonly warning?: string | undefined
}

/** The possible places of keys. */
export interface KeyPlace {
  /** The root key of the settings, in place of the data folder's. */
  readonly rootKey?: Pick<AccessKey, 'accessKeyId' | 'secretAccessKey'> | undefined
  /** Of --credentials. */
  readonly file: string | undefined
  readonly dataFolder: string
}

/** Loads the keys in `file`, or the root key in `dataFolder`, which is created if missing. @throws CommandError */
export async function loadCredentials(place: KeyPlace): Promise<LoadedCredentials> {
  const found = await findCredentials(place)
  if (found !== undefined) return found
  const own = ownFile(place.dataFolder)
  await writeRootKey(place.dataFolder, own)
  return { ...(await readCredentials(own)), origin: 'made' }
}

/** Loads the keys in `file`, or the root key in `dataFolder` if there is one. @throws CommandError */
export async function findCredentials(place: KeyPlace): Promise<LoadedCredentials | undefined> {
  const { file, dataFolder, rootKey } = place
  if (rootKey !== undefined) return await credentialsWith(rootKey, place)
  if (file !== undefined) return { ...(await readCredentials(file)), origin: 'given' }
  const own = ownFile(dataFolder)
  const isThere = await lstat(own).then(
    () => true,
    (error: unknown) => {
      if (systemCode(error) === 'ENOENT') return false
      throw unreadable(own, error)
    },
  )
  return isThere ? { ...(await readCredentials(own)), origin: 'found' } : undefined
}

/**
 * The given root key, before the keys in the file if one is named. Its owner is that of the data folder's own root
 * key, where there is one, so that a change between the two kinds of keys keeps the buckets.
 */
async function credentialsWith(
  rootKey: Pick<AccessKey, 'accessKeyId' | 'secretAccessKey'>,
  { file, dataFolder }: KeyPlace,
): Promise<LoadedCredentials> {
  const kept = await findRootKey(dataFolder)
  const root: AccessKey = { ...rootKey, owner: kept?.owner ?? rootOwner }
  const named = file === undefined ? undefined : await readCredentials(file)
  const { accessKeyId } = root
  if (named?.keys.some((key) => key.accessKeyId === accessKeyId) === true) {
    throw new CommandError(`the root key ${accessKeyId} is also in the credentials file ${file}`)
  }
  const keys = [root, ...(named?.keys ?? [])]
  return { keys, root, file: 'the settings', origin: 'given', warning: named?.warning }
}

function ownFile(dataFolder: string): string {
  return join(dataFolder, 'credentials.json')
}

/** The root key that a server left in its data folder; undefined if there is none. @throws CommandError */
export async function findRootKey(dataFolder: string): Promise<AccessKey | undefined> {
  const file = ownFile(dataFolder)
  try {
    await stat(file)
  } catch {
    // Missing, or in a folder that this user may not read.
    return undefined
  }
  return (await readCredentials(file)).root
}

async function readCredentials(file: string): Promise<Omit<LoadedCredentials, 'origin'>> {
  let text: string
  let mode: number
  try {
    text = await readFile(file, 'utf8')
    mode = (await stat(file)).mode
  } catch (error) {
    throw unreadable(file, error)
  }
  const keys = parse(text, file)
  const [root] = keys
  if (root === undefined) throw new Error('a credentials file without a key was accepted')
  // Unlike ssh, accept a file with the default mode, as written by scripts.
  const isOpen = process.platform !== 'win32' && (mode & 0o077) !== 0
  const warning = isOpen
    ? `other users of this machine may be able to read the credentials file; run: chmod 600 ${file}`
    : undefined
  return { keys, root, file, warning }
}

function unreadable(file: string, cause: unknown): CommandError {
  return new CommandError(`can't read the credentials file ${file}: ${reasonOf(cause)}`, { cause })
}

function reasonOf(error: unknown): string {
  switch (systemCode(error)) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EISDIR':
      return 'it is a folder'
    case 'EACCES':
      return 'this user may not read it'
    default:
      return systemCode(error) ?? String(error)
  }
}

function parse(text: string, file: string): readonly AccessKey[] {
  try {
    return parseCredentials(text)
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error
    throw new CommandError(`the credentials file ${file}: ${error.message}`, { cause: error })
  }
}

async function writeRootKey(dataFolder: string, file: string): Promise<void> {
  const root = newRootKey()
  const handle = await open(`${file}.part`, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify([root], undefined, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.part`, file)
  await syncFolder(dataFolder)
}
