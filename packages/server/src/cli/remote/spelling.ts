// Detects names that the file system treats as equal, such as `A` and `a`. The second one would silently overwrite the
// first.

import { lstat, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../../base/make-folder.ts'

/** The used paths below a folder, normalized as the file system does. */
export class Spellings {
  readonly #seen: Set<string> | undefined

  /** @param isBlind true if the file system is case-insensitive */
  constructor(isBlind: boolean) {
    this.#seen = isBlind ? new Set() : undefined
  }

  /** Probes the file system of `folder`, which is created. @throws Error of the system */
  static async of(folder: string): Promise<Spellings> {
    await makeFolder(folder, 0o777)
    const name = `.holdfast-case-${process.pid}`
    const probe = join(folder, name)
    await writeFile(probe, '', { flag: 'wx' })
    try {
      const isBlind = await lstat(join(folder, name.toUpperCase())).then(
        () => true,
        () => false,
      )
      return new Spellings(isBlind)
    } finally {
      await rm(probe, { force: true })
    }
  }

  /** Adds a path; false if an equal one, for the file system, was added before. */
  add(path: string): boolean {
    if (this.#seen === undefined) return true
    const folded = path.normalize('NFC').toLowerCase()
    if (this.#seen.has(folded)) return false
    this.#seen.add(folded)
    return true
  }
}
