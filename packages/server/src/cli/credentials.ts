// Loads the access keys: from the file in --credentials, or else the root key in the data folder, which is created on
// the first start.

import { randomBytes, randomInt } from 'node:crypto'
import { lstat, open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type AccessKey, CredentialsError, parseCredentials } from '../access/key.ts'
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
  /** The file in --credentials. */
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
  const { file, dataFolder } = place
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
  const root: AccessKey = {
    accessKeyId: `HF${randomText('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 18)}`,
    secretAccessKey: randomText(
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
      40,
    ),
    owner: { id: randomBytes(32).toString('hex'), displayName: 'root' },
  }
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

function randomText(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}
