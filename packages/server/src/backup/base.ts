// The backups on which an incremental one builds: a chain of folders, each complete. A blob never changes
// and its id is never reused, so what an earlier backup has isn't copied again. Lists are in the order of
// the ids, so two of them are compared without keeping either in memory.

import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Bytes } from '../base/bytes.ts'
import { systemCode } from '../base/exit.ts'
import type { BlobId } from '../base/terms.ts'
import { storeFormat } from '../engine/format.ts'
import { type Base, decodeEnd, decodeHead, type End, type Head, hashOf } from './document.ts'
import { BackupError } from './error.ts'
import { readPieces } from './file.ts'
import { endName, headName, type NumberedKind, numberedName, parseBlobName } from './layout.ts'
import { type ListedFile, parseList } from './listing.ts'

/** A complete backup in a folder. */
export interface BackupFolder {
  readonly folder: string
  readonly head: Head
  readonly end: End
}

/** Opens a complete backup. @throws BackupError for anything else */
export async function openBackup(folder: string): Promise<BackupFolder> {
  const headBytes = await readOwn(join(folder, headName))
  const endBytes = await readOwn(join(folder, endName))
  if (headBytes === undefined) {
    throw new BackupError(`${folder} is no backup: it has no ${headName}`)
  }
  if (endBytes === undefined) {
    throw new BackupError(
      `the backup in ${folder} is incomplete: it has no ${endName}. Run holdfast backup into it once more`,
    )
  }
  const head = decodeHead(headBytes, storeFormat)
  const end = decodeEnd(endBytes)
  if (end.head !== hashOf(headBytes)) {
    throw new BackupError(`the backup in ${folder} is damaged: ${headName} has changed`)
  }
  return { folder, head, end }
}

async function readOwn(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw new BackupError(`can't read ${path}: ${systemCode(error) ?? error}`, { cause: error })
  }
}

/** A blob that a backup, or one below it, has. */
interface ListedBlob extends ListedFile {
  readonly id: BlobId
}

async function* listedIn(
  { folder, end }: BackupFolder,
  kind: NumberedKind & ('sums' | 'inherited'),
): AsyncGenerator<ListedBlob> {
  for (const [index, sha256] of end[kind].entries()) {
    const name = numberedName(kind, index + 1)
    const bytes = await readOwn(join(folder, name))
    if (bytes === undefined || hashOf(bytes) !== sha256) {
      throw new BackupError(
        `the backup in ${folder} is damaged: ${name} is missing, or has changed`,
      )
    }
    for (const file of parseList(bytes, name)) {
      const id = parseBlobName(file.name)
      if (id !== undefined) yield { ...file, id }
    }
  }
}

/** Finds the blobs of a store that an earlier backup of it has. */
export class Inheritance {
  readonly base: Base
  readonly #lists: readonly {
    iterator: AsyncGenerator<ListedBlob>
    next?: ListedBlob | undefined
  }[]
  #isBegun = false

  private constructor(base: Base, lists: readonly AsyncGenerator<ListedBlob>[]) {
    this.base = base
    this.#lists = lists.map((iterator) => ({ iterator }))
  }

  /**
   * Opens the backup in `folder`, a path that `namedAs` stands for in the new backup.
   * @throws BackupError if it isn't complete, or is of another store than `store`
   */
  static async open(folder: string, namedAs: string, store: string): Promise<Inheritance> {
    const backup = await openBackup(folder)
    if (backup.head.store !== store) {
      throw new BackupError(
        `the backup in ${folder} is of another store; make a full one, without --incremental-from`,
      )
    }
    const lists = [listedIn(backup, 'sums'), listedIn(backup, 'inherited')]
    return new Inheritance({ id: backup.head.id, folder: namedAs }, lists)
  }

  /**
   * The file of blob `id`, if there is one of that name. Must be asked in the order of the ids. The name
   * has the checksum: after a rollback of the store's file system, another blob may have the same id.
   */
  async find(id: BlobId, name: string): Promise<ListedFile | undefined> {
    for (const list of this.#lists) {
      if (!this.#isBegun) list.next = await nextOf(list.iterator)
      while (list.next !== undefined && list.next.id < id) list.next = await nextOf(list.iterator)
    }
    this.#isBegun = true
    const found = this.#lists.find(({ next }) => next?.id === id)?.next
    const hasChecksum = name.includes('.')
    if (found?.name !== name || !hasChecksum) return undefined
    return { name, sha256: found.sha256 }
  }
}

async function nextOf(iterator: AsyncGenerator<ListedBlob>): Promise<ListedBlob | undefined> {
  const { done, value } = await iterator.next()
  return done === true ? undefined : value
}

/** The backups below an incremental one, where its inherited blobs are. */
export class BaseChain {
  readonly #folders: readonly string[]

  private constructor(folders: readonly string[]) {
    this.#folders = folders
  }

  /**
   * Opens all backups below one with `base`, that lies in `folder` (a stream: where it is read).
   * @param named folders in which to look before the ones that the backups name
   * @throws BackupError if one isn't found, or isn't complete
   */
  static async open(
    base: Base | undefined,
    folder: string,
    named: readonly string[],
  ): Promise<BaseChain> {
    const given = await Promise.all(named.map(openBackup))
    const folders: string[] = []
    let [next, from] = [base, folder]
    while (next !== undefined) {
      const wanted: Base = next
      const known = given.find(({ head }) => head.id === wanted.id)
      const found = known ?? (await openBackup(resolve(from, wanted.folder)).catch(() => undefined))
      if (found?.head.id !== wanted.id) {
        throw new BackupError(
          `the backup builds on another one, which is not in ${resolve(from, wanted.folder)}: name its folder with --base`,
        )
      }
      if (folders.includes(found.folder)) throw new BackupError('the backups build on each other')
      folders.push(found.folder)
      from = found.folder
      next = found.head.base
    }
    return new BaseChain(folders)
  }

  /** The bytes of an inherited file. @throws BackupError if no backup has it */
  async read(name: string): Promise<AsyncIterable<Bytes>> {
    for (const folder of this.#folders) {
      const path = join(folder, name)
      if ((await stat(path).catch(() => undefined))?.isFile() === true) return readPieces(path)
    }
    throw new BackupError(`the backups that this one builds on lack ${name}`)
  }
}
