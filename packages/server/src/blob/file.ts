// Blobs as files: <folder>/<start>/<n>/<n>/<sequence>, each written under a temporary name, synced,
// renamed, and its folder synced. Every process start has its own folder, so the remains of a dead start are found
// without a scan of the files of live ones.

import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { mkdir, open, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { CrashHook } from '../base/crash-point.ts'
import { DamagedBody } from '../base/damaged-body.ts'
import { StoreError } from '../base/errors.ts'
import { FolderSync, makeFolders, syncFolder } from '../base/folder.ts'
import { asStartId, type BlobId, type StartId } from '../base/terms.ts'
import type {
  BlobStore,
  ByteRange,
  ByteSource,
  ExpectedBlob,
  UnremovedBlob,
  WrittenBlob,
} from './blob.ts'
import { type Buffers, createBuffers } from './buffer.ts'
import { FileSources } from './file-read.ts'
import { writeBody } from './file-write.ts'
import { blobId, isCounter, leafName, pathOf } from './id.ts'
import { removeStartMark, writeStartMark } from './mark.ts'
import { partOf } from './part.ts'

/** Options of opening blobs in files. */
export interface FileBlobsOptions {
  /** The folder of the blobs; created if missing. */
  readonly folder: string
  /** The number of this process start: a positive integer that no process has used before. */
  readonly start: StartId
  /** True for reading only. The folder may then be missing, and is not created. */
  readonly isReadOnly?: boolean
  /** Throws if this many more bytes must not be written. Called for every megabyte. */
  readonly checkRoom?: ((bytes: number) => void) | undefined
  /** Called after blobs were written or removed, before the call that did so returns. */
  readonly onChange?: (() => void) | undefined
  /** For tests. */
  readonly onCrashPoint?: CrashHook | undefined
}

/** Limits of buffers. With 64 slow clients, a process uses small buffers only; 1,000 clients take 130 MB at most. */
const bufferLimits = { smallBytes: 65_536, inUseBytes: 67_108_864, idleBytes: 16_777_216 }
/** The suffix of an unfinished file's name. */
const unfinished = '.part'

/**
 * Opens the blobs in `folder`. Several processes may have the same folder open, each with its own start. If the number
 * of the start was used before, its first write fails.
 */
export async function openFileBlobs(options: FileBlobsOptions): Promise<BlobStore> {
  if (!isCounter(options.start)) throw new Error(`not the number of a start: ${options.start}`)
  const folder = resolve(options.folder)
  if (options.isReadOnly !== true) await makeFolders(folder)
  return new FileBlobs(folder, options)
}

/** An unfinished blob. */
interface NewBlob {
  readonly id: BlobId
  /** The final path. */
  readonly path: string
  readonly folder: FolderSync
  readonly handle: FileHandle
  remove(): Promise<void>
}

class FileBlobs implements BlobStore {
  readonly #folder: string
  readonly #start: StartId
  readonly #checkRoom: (bytes: number) => void
  readonly #onChange: (() => void) | undefined
  readonly #onCrashPoint: CrashHook | undefined
  readonly #buffers: Buffers = createBuffers(bufferLimits)
  readonly #sources = new FileSources(this.#buffers)
  #sequence = 0
  #startFolder: Promise<void> | undefined
  #isClaimed = false
  #current: { readonly name: string; readonly made: Promise<FolderSync> } | undefined
  readonly #writing = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(folder: string, { start, checkRoom, onChange, onCrashPoint }: FileBlobsOptions) {
    this.#folder = folder
    this.#start = start
    this.#checkRoom = checkRoom ?? (() => undefined)
    this.#onChange = onChange
    this.#onCrashPoint = onCrashPoint
  }

  async write(source: ByteSource): Promise<WrittenBlob> {
    if (this.#isClosed) throw new Error('the blobs are closed')
    const writing = this.#write(source)
    const settled = writing.then(
      () => undefined,
      () => undefined,
    )
    this.#writing.add(settled)
    try {
      return await writing
    } finally {
      this.#writing.delete(settled)
    }
  }

  async read(id: BlobId, range?: ByteRange, expected?: ExpectedBlob): Promise<ByteSource> {
    const name = `blob ${id}`
    const handle = await open(this.#path(id), 'r').catch((cause: unknown) => {
      throw hasCode(cause, 'ENOENT')
        ? new DamagedBody(name, 'its file is missing', { cause })
        : cause
    })
    try {
      const { size } = await handle.stat()
      return this.#sources.open({ handle, ...partOf({ name, size, range, expected }) })
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async delete(id: BlobId): Promise<void> {
    // Not synced. After a power failure the file may reappear; the sweep of its start then removes it.
    const path = this.#path(id)
    if (await removed(unlink(path))) {
      this.#onCrashPoint?.('blob removed')
      return
    }
    await removed(unlink(path + unfinished))
  }

  async deleteAll(ids: readonly BlobId[]): Promise<readonly UnremovedBlob[]> {
    const folders = Map.groupBy(ids, (id) => dirname(this.#path(id)))
    const unremoved = await Promise.all(
      [...folders].map(([folder, among]) => this.#deleteIn(folder, among)),
    )
    this.#onChange?.()
    return unremoved.flat()
  }

  async #deleteIn(folder: string, ids: readonly BlobId[]): Promise<UnremovedBlob[]> {
    const unremoved: UnremovedBlob[] = []
    for (const id of ids) {
      await this.delete(id).catch((error: unknown) => unremoved.push({ id, error }))
    }
    try {
      await removed(syncFolder(folder))
      this.#onCrashPoint?.('removal durable')
    } catch (error) {
      return ids.map((id) => ({ id, error }))
    }
    return unremoved
  }

  async size(id: BlobId): Promise<number | undefined> {
    return (await this.#stat(id))?.size
  }

  async writtenAt(id: BlobId): Promise<number | undefined> {
    return (await this.#stat(id))?.mtimeMs
  }

  async #stat(id: BlobId): Promise<Stats | undefined> {
    try {
      return await stat(this.#path(id))
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  async *list(start: StartId): AsyncIterable<BlobId> {
    for await (const { names } of this.#leaves(start)) {
      for (const name of names) {
        const text = name.endsWith(unfinished) ? name.slice(0, -unfinished.length) : name
        const sequence = Number(text)
        // Foreign files are kept, with their folder.
        if (isCounter(sequence) && String(sequence) === text) yield blobId(start, sequence)
      }
    }
  }

  async removeStart(start: StartId): Promise<void> {
    const folder = this.#startPath(start)
    for await (const { path, names } of this.#leaves(start)) {
      for (const name of names) {
        if (name.endsWith(unfinished)) await removed(unlink(join(path, name)))
      }
      await removeEmptyFolder(path)
    }
    for (const upper of await names(folder)) await removeEmptyFolder(join(folder, upper))
    await removeEmptyFolder(folder)
    await syncFolder(this.#folder)
  }

  async mark(mark: number): Promise<void> {
    await writeStartMark(this.#folder, this.#start, mark)
  }

  async removeMark(start: StartId): Promise<void> {
    await removeStartMark(this.#folder, start)
  }

  async starts(): Promise<readonly StartId[]> {
    return (await names(this.#folder)).map(Number).filter(isCounter).map(asStartId)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#writing)
  }

  async #write(source: ByteSource): Promise<WrittenBlob> {
    try {
      const create = (): Promise<NewBlob> => this.#create()
      const written = await writeBody(create, source, this.#buffers, this.#checkRoom)
      const { file, sizeBytes, sums } = written
      try {
        this.#onCrashPoint?.('blob synced')
        await rename(file.path + unfinished, file.path)
        this.#onCrashPoint?.('blob renamed')
        await file.folder.sync()
        this.#onCrashPoint?.('blob durable')
      } catch (error) {
        await file.remove()
        throw error
      }
      this.#onChange?.()
      return { id: file.id, sizeBytes, sums }
    } catch (error) {
      throw fullDisk(error)
    }
  }

  /** Creates an empty file under the temporary name of the next blob. */
  async #create(): Promise<NewBlob> {
    // Numbered at its creation, not at the beginning of the write, so that blobs of slow clients are in current folders.
    const sequence = this.#sequence++
    const id = blobId(this.#start, sequence)
    const path = this.#path(id)
    const folder = await this.#folderFor(sequence)
    const handle = await open(path + unfinished, 'wx', 0o600)
    this.#onCrashPoint?.('blob made')
    // After a failed removal, as after a crash, the sweep of this start removes the file.
    const remove = (): Promise<void> => this.delete(id).catch(() => undefined)
    return { id, path, folder, handle, remove }
  }

  /** The folder of the blob `sequence`. Created durably for its first blob. */
  async #folderFor(sequence: number): Promise<FolderSync> {
    const name = leafName(sequence)
    if (this.#current?.name !== name) {
      this.#current = { name, made: this.#makeFolder(name) }
    }
    const current = this.#current
    try {
      return await current.made
    } catch (error) {
      // The next writer tries again.
      if (this.#current === current) this.#current = undefined
      throw error
    }
  }

  async #makeFolder(name: string): Promise<FolderSync> {
    this.#startFolder ??= this.#claimStart()
    const claimed = this.#startFolder
    try {
      await claimed
    } catch (error) {
      if (this.#startFolder === claimed) this.#startFolder = undefined
      throw error
    }
    const top = this.#startPath(this.#start)
    const path = join(top, name)
    await makeFolders(path, top)
    return new FolderSync(path)
  }

  /** Creates the folder of this start. An existing folder means that the number was used before, which is a bug. */
  async #claimStart(): Promise<void> {
    if (!this.#isClaimed) await mkdir(this.#startPath(this.#start), { mode: 0o700 })
    this.#isClaimed = true
    await syncFolder(this.#folder)
  }

  #startPath(start: StartId): string {
    if (!isCounter(start)) throw new Error(`not the number of a start: ${start}`)
    return join(this.#folder, String(start))
  }

  #path(id: BlobId): string {
    return join(this.#folder, pathOf(id))
  }

  /** The folders of `start` with blobs, and the names in them. */
  async *#leaves(start: StartId): AsyncIterable<{ path: string; names: readonly string[] }> {
    const folder = this.#startPath(start)
    for (const upper of await names(folder)) {
      for (const lower of await names(join(folder, upper))) {
        const path = join(folder, upper, lower)
        yield { path, names: await names(path) }
      }
    }
  }
}

/** The names in a folder; none if it is missing. */
async function names(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** Awaits a removal. False if the file was missing. */
async function removed(removal: Promise<void>): Promise<boolean> {
  try {
    await removal
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** Removes a folder if it is empty. */
async function removeEmptyFolder(path: string): Promise<void> {
  try {
    await rmdir(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error
  }
}

/** Converts the error of a full disk to a refusal. Returns other errors unchanged. */
function fullDisk(error: unknown): unknown {
  if (!hasCode(error, 'ENOSPC', 'EDQUOT')) return error
  return new StoreError({ code: 'InsufficientStorage', space: 'blobs' }, { cause: error })
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code)
}
