// Names that a file system takes for the same though they aren't, such as `A` and `a`: the second of them
// would overwrite the first without a word.

import { lstat, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../../base/make-folder.ts'

/** The paths that were used below a folder, as far as the file system takes different ones for the same. */
export class Spellings {
  readonly #seen: Set<string> | undefined

  /** `isBlind`: the file system doesn't tell upper from lower case. */
  constructor(isBlind: boolean) {
    this.#seen = isBlind ? new Set() : undefined
  }

  /** Finds out how it is in `folder`, which is made. @throws Error of the system */
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

  /** False if another path was added that the file system takes for the same. */
  add(path: string): boolean {
    if (this.#seen === undefined) return true
    const folded = path.normalize('NFC').toLowerCase()
    if (this.#seen.has(folded)) return false
    this.#seen.add(folded)
    return true
  }
}
