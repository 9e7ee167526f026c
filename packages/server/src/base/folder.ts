// Folders whose entries survive a power loss: a name is only durable once its folder is synced, and
// so is a new folder in the one above.

import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder } from './make-folder.ts'

/**
 * Makes the folder at absolute `path` and those above it, and syncs those above it up to `top`, which
 * is above `path`; without one, up to the first that got an entry. Those that were there are synced
 * too: whoever made them may not have got so far.
 */
export async function makeFolders(path: string, top?: string): Promise<void> {
  const first = await makeFolder(path)
  const last = top ?? dirname(first ?? path)
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    await syncFolder(folder)
    if (folder === last) return
  }
}

/** Makes what was renamed, made or removed in the folder at `path` durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Syncs one folder for many writers: those that wait at the same time share a sync. */
export class FolderSync {
  readonly path: string
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(path: string) {
    this.path = path
  }

  /** Resolves when every change of the folder made before the call is durable. */
  sync(): Promise<void> {
    // The one that runs may have begun before the caller's change, so it doesn't count.
    this.#next ??= this.#start(this.#running)
    return this.#next
  }

  async #start(before: Promise<void>): Promise<void> {
    await before
    this.#next = undefined
    const running = syncFolder(this.path)
    // Those who wait for this one see its error; those who come after it only wait for its end.
    this.#running = running.catch(() => undefined)
    await running
  }
}
