// A backup as a folder. Every file appears under its name when it is whole and synced. A folder in which
// an attempt was interrupted has its head, and not its end: the next attempt moves the bodies that are
// there aside, and takes those that it needs from there.

import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Bytes } from '../base/bytes.ts'
import { systemCode } from '../base/exit.ts'
import { makeFolders, syncFolder } from '../base/folder.ts'
import { storeFormat } from '../engine/format.ts'
import { decodeHead } from './document.ts'
import { BackupError } from './error.ts'
import { readPieces } from './file.ts'
import { endName, headName, keyName } from './layout.ts'
import type { BackupSink } from './sink.ts'

/** The folder with the bodies of interrupted attempts, in numbered folders. */
const earlierName = 'earlier'
/** Names in the folder of an interrupted attempt. */
const ownNames: readonly string[] = [
  headName,
  keyName,
  'rows',
  'sums',
  'inherited',
  'blobs',
  earlierName,
]

/** A lock may lie in the folder, and what file systems make by themselves. */
const ignoredNames: readonly string[] = ['lock', 'lock-journal', 'lost+found']

export class FolderSink implements BackupSink {
  readonly #folder: string
  /** Folders with bodies of interrupted attempts. */
  readonly #earlier: readonly string[]
  /** Folders to sync at the end. */
  readonly #folders = new Set<string>()
  /** The earlier place of the file found last. */
  #found: { readonly name: string; readonly path: string } | undefined

  private constructor(folder: string, earlier: readonly string[]) {
    this.#folder = folder
    this.#earlier = earlier
    this.#folders.add(folder)
  }

  /**
   * Checks that a backup of the store with identity `store` may be written into `folder`: it is missing,
   * empty, or has an interrupted attempt. Changes nothing. @throws BackupError for any other folder
   */
  static async examine(folder: string, store: string): Promise<void> {
    const names = (await namesIn(folder)).filter((name) => !ignoredNames.includes(name))
    if (names.includes(endName)) {
      throw new BackupError(`${folder} has a complete backup already: name a new folder`)
    }
    const isOurs = names.every((name) => ownNames.includes(name.replace(/\.part$/, '')))
    const isAttempt = names.includes(headName) || names.every((name) => name.endsWith('.part'))
    if (!isOurs || !isAttempt) {
      throw new BackupError(
        `${folder} is not empty, and has no unfinished backup: name a new folder`,
      )
    }
    if (names.includes(headName)) await refuseOther(folder, store)
  }

  /** Prepares a folder that {@link examine} has found usable. Nobody else may write there. */
  static async open(folder: string): Promise<FolderSink> {
    await makeFolders(folder)
    return new FolderSink(folder, await setAside(folder))
  }

  async put(
    name: string,
    sizeBytes: number,
    content: AsyncIterable<Bytes> | Iterable<Bytes>,
  ): Promise<void> {
    const path = join(this.#folder, name)
    const part = `${path}.part`
    await this.#makeFolderOf(path)
    const handle = await open(part, 'w', 0o600)
    try {
      let written = 0
      for await (const piece of content) {
        await handle.writeFile(piece)
        written += piece.byteLength
      }
      if (written !== sizeBytes) throw new Error(`${name} has another size than it had`)
      await handle.datasync()
      await handle.close()
    } catch (error) {
      await handle.close().catch(() => undefined)
      await rm(part, { force: true })
      throw error
    }
    await rename(part, path)
  }

  async findEarlier(name: string, sizeBytes: number): Promise<AsyncIterable<Bytes> | undefined> {
    for (const folder of this.#earlier) {
      const path = join(folder, name)
      const found = await stat(path).catch(() => undefined)
      if (found?.isFile() !== true || found.size !== sizeBytes) continue
      this.#found = { name, path }
      return readPieces(path)
    }
    return undefined
  }

  async keepEarlier(name: string): Promise<void> {
    if (this.#found?.name !== name) throw new Error(`${name} was not found`)
    const path = join(this.#folder, name)
    await this.#makeFolderOf(path)
    await rename(this.#found.path, path)
  }

  async finish(name: string, content: Bytes): Promise<void> {
    await rm(join(this.#folder, earlierName), { recursive: true, force: true })
    for (const folder of this.#folders) await syncFolder(folder)
    await this.put(name, content.byteLength, [content])
    await syncFolder(this.#folder)
  }

  async #makeFolderOf(path: string): Promise<void> {
    const folder = dirname(path)
    if (this.#folders.has(folder)) return
    await makeFolders(folder, this.#folder)
    this.#folders.add(folder)
  }
}

/** An attempt to back up another store is left alone. */
async function refuseOther(folder: string, store: string): Promise<void> {
  const head = decodeHead(await readFile(join(folder, headName)), storeFormat)
  if (head.store === store) return
  throw new BackupError(`${folder} has an unfinished backup of another store: name a new folder`)
}

/** Moves the bodies of an interrupted attempt aside, and removes the rest of it. */
async function setAside(folder: string): Promise<string[]> {
  const aside = join(folder, earlierName)
  const numbers = (await namesIn(aside)).map(Number).filter(Number.isSafeInteger)
  if ((await stat(join(folder, 'blobs')).catch(() => undefined)) !== undefined) {
    const next = Math.max(0, ...numbers) + 1
    await makeFolders(join(aside, String(next)), folder)
    await rename(join(folder, 'blobs'), join(aside, String(next), 'blobs'))
    numbers.push(next)
  }
  for (const name of ['rows', 'sums', 'inherited', keyName]) {
    await rm(join(folder, name), { recursive: true, force: true })
  }
  return numbers.map((number) => join(aside, String(number)))
}

/** The names in a folder; none if it isn't there. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw new BackupError(`can't use ${folder}: ${systemCode(error) ?? error}`, { cause: error })
  }
}
