// Reads a backup from its first file to its last, checks everything against its checksums and totals, and
// hands rows and bodies to a target. Only when this resolves is what the target got known to be right.

import type { Bytes } from '../base/bytes.ts'
import type { BlobId } from '../base/terms.ts'
import type { Row } from '../engine/engine.ts'
import { storeFormat } from '../engine/format.ts'
import * as bodySchema from '../store/body/schema.ts'
import { space } from '../store/row/key-space.ts'
import { BaseChain } from './base.ts'
import { decodeEnd, decodeHead, type End, type Head, hashOf } from './document.ts'
import { BackupError } from './error.ts'
import { HashedBytes, readAll } from './file.ts'
import {
  endName,
  headName,
  keyName,
  type NumberedKind,
  parseBlobName,
  parseNumbered,
} from './layout.ts'
import { maximumListBytes, parseList } from './listing.ts'
import { decodeRows, maximumChunkBytes } from './row-chunk.ts'
import type { BackupFile, BackupFiles } from './source.ts'

/** Where the contents of a backup go. */
export interface RestoreTarget {
  putRows(rows: readonly Row[]): Promise<void>
  putBlob(id: BlobId, content: AsyncIterable<Bytes>): Promise<void>
  /** A blob that turns out to be damaged, and is no part of the backup. */
  removeBlob(id: BlobId): Promise<void>
}

/** How far the reading is. */
export interface RestoreAdvance {
  rows: number
  blobs: number
  blobBytes: number
}

export interface ReadOptions {
  readonly files: BackupFiles
  /** The folder that relative names of other backups are relative to. */
  readonly folder: string
  /** Folders of backups on which this one builds, if they aren't where they were. */
  readonly bases: readonly string[]
  readonly target: RestoreTarget
  readonly signal: AbortSignal
  readonly onProgress?: (advance: RestoreAdvance) => void
}

/** A backup that was read, and found complete and sound. */
export interface ReadBackup {
  readonly head: Head
  readonly end: End
  /** The content of the root key's file, if the backup has it. */
  readonly key: Buffer | undefined
  readonly advance: RestoreAdvance
}

/** @throws BackupError if the backup is damaged or incomplete; the abort reason; errors of the target */
export function readBackup(options: ReadOptions): Promise<ReadBackup> {
  return new BackupReader(options).read()
}

const maximumHeadBytes = 65_536
const maximumEndBytes = 134_217_728
/** No list is longer, nor does a stream have more files of damaged bodies. */
const maximumUnlisted = 20_100

class BackupReader {
  readonly #options: ReadOptions
  readonly #advance: RestoreAdvance = { rows: 0, blobs: 0, blobBytes: 0 }
  /** The checksums of files that no list has named yet, by name. */
  readonly #unlisted = new Map<string, string>()
  /** The checksums of the lists. */
  readonly #lists: Readonly<Record<'sums' | 'inherited', string[]>> = { sums: [], inherited: [] }
  #head: { readonly content: Head; readonly sha256: string; readonly bases: BaseChain } | undefined
  #end: End | undefined
  #key: Buffer | undefined
  #chunks = 0
  #own = 0
  #inherited = 0
  /** Blobs to which the rows refer. */
  #counted = 0
  #lastKey: Bytes = new Uint8Array()

  constructor(options: ReadOptions) {
    this.#options = options
  }

  async read(): Promise<ReadBackup> {
    for await (const file of this.#options.files) {
      this.#options.signal.throwIfAborted()
      if (this.#end !== undefined) throw damaged(`${file.name} follows its end`)
      if (this.#head === undefined) await this.#readHead(file)
      else await this.#readFile(file)
      if (this.#unlisted.size > maximumUnlisted) throw damaged('it lacks lists of its files')
      this.#options.onProgress?.(this.#advance)
    }
    if (this.#head === undefined || this.#end === undefined) {
      throw new BackupError(`the backup is incomplete: it has no ${endName}`)
    }
    await this.#compare(this.#head.sha256, this.#end)
    return {
      head: this.#head.content,
      end: this.#end,
      key: this.#key,
      advance: this.#advance,
    }
  }

  async #readHead({ name, content }: BackupFile): Promise<void> {
    const { folder, bases } = this.#options
    if (name !== headName) {
      throw new BackupError(
        `this is no backup: it begins with ${JSON.stringify(name)} instead of ${headName}. ` +
          'An archive that was packed by hand has to be unpacked first',
      )
    }
    const bytes = await readAll(content, name, maximumHeadBytes)
    const head = decodeHead(bytes, storeFormat)
    this.#head = {
      content: head,
      sha256: hashOf(bytes),
      bases: await BaseChain.open(head.base, folder, bases),
    }
  }

  async #readFile(file: BackupFile): Promise<void> {
    const { name, content } = file
    const id = parseBlobName(name)
    const part = parseNumbered(name)
    if (id !== undefined) await this.#readBlob(id, file)
    else if (part?.kind === 'rows') await this.#readRows(part.number, file)
    else if (part !== undefined) await this.#readList(part.kind, part.number, file)
    else if (name === keyName) {
      this.#key = await readAll(content, name, maximumHeadBytes)
      this.#unlisted.set(name, hashOf(this.#key))
    } else if (name === endName) {
      this.#end = decodeEnd(await readAll(content, name, maximumEndBytes))
    } else throw damaged(`it has an unknown file ${JSON.stringify(name)}`)
  }

  async #readRows(number: number, { name, content }: BackupFile): Promise<void> {
    if (number !== ++this.#chunks) throw damaged(`${name} is out of order`)
    const bytes = await readAll(content, name, maximumChunkBytes)
    this.#unlisted.set(name, hashOf(bytes))
    const rows = decodeRows(bytes)
    for (const { key } of rows) {
      if (Buffer.compare(this.#lastKey, key) >= 0) throw damaged(`${name} has rows out of order`)
      this.#lastKey = key
      if (key[0] === space.blobCount) this.#counted++
    }
    await this.#options.target.putRows(rows.filter(({ key }) => !isOfTheStore(key)))
    this.#advance.rows += rows.length
  }

  async #readBlob(id: BlobId, { name, content }: BackupFile): Promise<void> {
    this.#unlisted.set(name, await this.#putBlob(id, content))
    this.#own++
  }

  /** Hands a blob on; returns its SHA-256. */
  async #putBlob(id: BlobId, content: AsyncIterable<Bytes>): Promise<string> {
    const hashed = new HashedBytes(content)
    await this.#options.target.putBlob(id, this.#counting(hashed))
    this.#advance.blobs++
    return hashed.sha256()
  }

  async *#counting(content: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
    for await (const piece of content) {
      this.#options.signal.throwIfAborted()
      yield piece
      this.#advance.blobBytes += piece.byteLength
      this.#options.onProgress?.(this.#advance)
    }
  }

  async #readList(
    kind: NumberedKind,
    number: number,
    { name, content }: BackupFile,
  ): Promise<void> {
    if (kind === 'rows') return
    const bytes = await readAll(content, name, maximumListBytes)
    if (number !== this.#lists[kind].push(hashOf(bytes))) throw damaged(`${name} is out of order`)
    for (const file of parseList(bytes, name)) {
      const sha256 = kind === 'sums' ? this.#take(file.name) : await this.#inherit(file.name)
      if (sha256 !== file.sha256) throw damaged(`${file.name} differs from its checksum`)
    }
  }

  /** The checksum of a file that was read. */
  #take(name: string): string {
    const sha256 = this.#unlisted.get(name)
    if (sha256 === undefined) throw damaged(`${name} is missing`)
    this.#unlisted.delete(name)
    return sha256
  }

  /** Takes a blob from a backup below; returns its checksum. */
  async #inherit(name: string): Promise<string> {
    const id = parseBlobName(name)
    if (id === undefined || this.#head === undefined) throw damaged(`it inherits ${name}`)
    this.#inherited++
    return this.#putBlob(id, await this.#head.bases.read(name))
  }

  /** Compares what was read with the totals. */
  async #compare(head: string, end: End): Promise<void> {
    if (head !== end.head) throw damaged(`${headName} has changed`)
    const isListed = (kind: 'sums' | 'inherited'): boolean =>
      this.#lists[kind].join() === end[kind].join()
    if (!isListed('sums') || !isListed('inherited'))
      throw damaged('its lists of files have changed')
    const unsound = new Set(end.damaged.map(({ body }) => body))
    // A stream has the files of bodies that turned out to be damaged after they were begun.
    for (const name of this.#unlisted.keys()) {
      const id = parseBlobName(name)
      if (id === undefined || !unsound.has(`blob ${id}`)) throw damaged(`no list names ${name}`)
      this.#own--
      this.#advance.blobs--
      await this.#options.target.removeBlob(id)
    }
    const missing = [...unsound].filter((body) => body.startsWith('blob ')).length + end.lost.length
    const found = [this.#chunks, this.#advance.rows, this.#own, this.#inherited, this.#counted]
    const blobs = end.blobs + end.inheritedBlobs + missing
    const told = [end.chunks, end.rows, end.blobs, end.inheritedBlobs, blobs]
    if (found.join() !== told.join()) throw damaged('it has not as many files and rows as it says')
  }
}

/** True for rows that a store doesn't share with its backup: its identity, and the process that collects. */
function isOfTheStore(key: Bytes): boolean {
  return [bodySchema.identity(), bodySchema.collector(), bodySchema.collectorDuty()].some((own) =>
    Buffer.from(own).equals(key),
  )
}

function damaged(how: string): BackupError {
  return new BackupError(`the backup is damaged: ${how}`)
}

/** A target that keeps nothing: to check a backup. */
export const nowhere: RestoreTarget = {
  async putRows() {},
  async putBlob(_id, content) {
    for await (const _ of content);
  },
  async removeBlob() {},
}
