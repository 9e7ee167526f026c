// A data folder that is being restored. A file marks it from the first write to the last, and while it is
// there no program takes the folder for a store. Rows of an unfinished restore have an identity that no
// blobs have, so versions that don't know the mark refuse them, too.

import { mkdir, open, rename, rm, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Bytes } from '../base/bytes.ts'
import { makeFolders, syncFolder } from '../base/folder.ts'
import { storeIn, unfinishedRestore } from '../base/store-location.ts'
import type { BlobId } from '../base/terms.ts'
import { pathOf } from '../blob/id.ts'
import { writeMark } from '../blob/mark.ts'
import type { Engine, Row } from '../engine/engine.ts'
import { openEngine } from '../engine/open.ts'
import { putIdentity } from '../store/body/identity.ts'
import { endStart, listStarts, settleMarks } from '../store/body/process.ts'
import { lastOfSequence } from '../store/row/sequence.ts'
import { keyName } from './layout.ts'
import type { RestoreTarget } from './read.ts'

/** The entries that a restore makes in a data folder. */
const ownNames = ['engine', 'blobs', keyName, `${keyName}.part`] as const

export class RestoredFolder implements RestoreTarget {
  readonly #folder: string
  readonly #engine: Engine
  /** Folders to sync at the end. */
  readonly #folders = new Set<string>()

  private constructor(folder: string, engine: Engine) {
    this.#folder = folder
    this.#engine = engine
  }

  /**
   * Begins to restore into `folder`, which the caller has locked, and which is empty or has a restore
   * that was interrupted: that one is removed.
   */
  static async begin(folder: string): Promise<RestoredFolder> {
    const mark = await open(join(folder, unfinishedRestore), 'w', 0o600)
    await mark.sync()
    await mark.close()
    await syncFolder(folder)
    await removeOwn(folder)
    const { engine: url } = storeIn(folder)
    const engine = await openEngine(url)
    await engine.write(async (tx) => putIdentity(tx, { id: unfinishedRestore }))
    await mkdir(join(folder, 'blobs'), { mode: 0o700 })
    return new RestoredFolder(folder, engine)
  }

  async putRows(rows: readonly Row[]): Promise<void> {
    await this.#engine.write(async (tx) => {
      for (const { key, value } of rows) tx.put(key, value)
    })
  }

  async putBlob(id: BlobId, content: AsyncIterable<Bytes>): Promise<void> {
    const path = this.#pathOf(id)
    const folder = dirname(path)
    if (!this.#folders.has(folder)) {
      await makeFolders(folder, this.#folder)
      this.#folders.add(folder)
    }
    const handle = await open(path, 'wx', 0o600)
    try {
      for await (const piece of content) await handle.writeFile(piece)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  }

  async removeBlob(id: BlobId): Promise<void> {
    await unlink(this.#pathOf(id))
  }

  /** Makes the folder a store of its own, with a new identity. */
  async finish(newId: string, key: Bytes | undefined): Promise<void> {
    for (const folder of this.#folders) await syncFolder(folder)
    const starts = await this.#engine.write(async (tx) => {
      // The processes of the original have no part in this store, and no marks beside its blobs.
      for (const { number } of await listStarts(tx)) await endStart(tx, number)
      await settleMarks(tx, new Map())
      putIdentity(tx, { id: newId })
      return lastOfSequence(tx, 'process-start')
    })
    await this.#engine.close()
    await writeMark(storeIn(this.#folder).blobs, { id: newId, starts, former: [] })
    if (key !== undefined) await this.#putKey(key)
    await unlink(join(this.#folder, unfinishedRestore))
    await syncFolder(this.#folder)
  }

  /** Removes everything that was restored. */
  async discard(): Promise<void> {
    await this.#engine.close()
    await removeOwn(this.#folder)
    await rm(join(this.#folder, unfinishedRestore), { force: true })
    await syncFolder(this.#folder)
  }

  async #putKey(key: Bytes): Promise<void> {
    const path = join(this.#folder, keyName)
    const handle = await open(`${path}.part`, 'wx', 0o600)
    try {
      await handle.writeFile(key)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(`${path}.part`, path)
    await syncFolder(this.#folder)
  }

  #pathOf(id: BlobId): string {
    return join(this.#folder, 'blobs', pathOf(id))
  }
}

async function removeOwn(folder: string): Promise<void> {
  for (const name of ownNames) await rm(join(folder, name), { recursive: true, force: true })
}
