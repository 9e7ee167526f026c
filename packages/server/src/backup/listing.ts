// Lists of files with their checksums, as `sha256sum` prints and checks them. A long list is cut into
// numbered files, so that neither side holds all of it.

import { hashOf } from './document.ts'
import { BackupError } from './error.ts'
import { type NumberedKind, numberedName } from './layout.ts'
import type { BackupSink } from './sink.ts'

/** A file of a backup. */
export interface ListedFile {
  readonly name: string
  /** In hex. */
  readonly sha256: string
}

const fullLines = 10_000
/** No list is larger. */
export const maximumListBytes = 4_194_304

/** Writes a list into a backup. */
export class Listing {
  /** The SHA-256 of each file of the list. */
  readonly hashes: string[] = []
  readonly #kind: NumberedKind
  readonly #sink: BackupSink
  #lines: string[] = []

  constructor(kind: NumberedKind, sink: BackupSink) {
    this.#kind = kind
    this.#sink = sink
  }

  async add({ name, sha256 }: ListedFile): Promise<void> {
    this.#lines.push(`${sha256}  ${name}\n`)
    if (this.#lines.length >= fullLines) await this.flush()
  }

  /** Writes the lines that are left. */
  async flush(): Promise<void> {
    if (this.#lines.length === 0) return
    const bytes = Buffer.from(this.#lines.join(''))
    this.#lines = []
    this.hashes.push(hashOf(bytes))
    await this.#sink.put(numberedName(this.#kind, this.hashes.length), bytes.byteLength, [bytes])
  }
}

/** The files that a list names. @throws BackupError if it is malformed */
export function parseList(bytes: Uint8Array, name: string): ListedFile[] {
  const lines = Buffer.from(bytes).toString().split('\n')
  if (lines.pop() !== '') throw malformed(name)
  return lines.map((line) => {
    const [, sha256, file] = /^([0-9a-f]{64}) {2}(\S+)$/.exec(line) ?? []
    if (sha256 === undefined || file === undefined) throw malformed(name)
    return { name: file, sha256 }
  })
}

function malformed(name: string): BackupError {
  return new BackupError(`the backup is damaged: ${name} can't be understood`)
}
