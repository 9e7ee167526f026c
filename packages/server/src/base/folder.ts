// Folders whose entries survive a power loss. A name is durable only once its folder is synced; so a new
// folder needs a sync of its parent.

import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder } from './make-folder.ts'

/**
 * Creates the folder at absolute `path` and its missing parents. Syncs the parents up to `top`, an
 * ancestor of `path`; without `top`, up to the first that got an entry. Existing folders are synced
 * too: their creator may have crashed before its sync.
 */
export async function makeFolders(path: string, top?: string): Promise<void> {
  const first = await makeFolder(path)
  const last = top ?? dirname(first ?? path)
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    await syncFolder(folder)
    if (folder === last) return
  }
}

/** Makes renames, creations and removals in the folder at `path` durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Syncs one folder for many writers: concurrent waiters share a sync. */
export class FolderSync {
  readonly path: string
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(path: string) {
    this.path = path
  }

  /** Resolves when every change of the folder made before the call is durable. */
  sync(): Promise<void> {
    // The running sync may have begun before the caller's change, so wait for the next one.
    this.#next ??= this.#start(this.#running)
    return this.#next
  }

  async #start(before: Promise<void>): Promise<void> {
    await before
    this.#next = undefined
    const running = syncFolder(this.path)
    // Waiters of this sync see its error; the next sync only waits for its end.
    this.#running = running.catch(() => undefined)
    await running
  }
}
