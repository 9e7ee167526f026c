// Local files: the files below a folder, and atomic writes.

import { createWriteStream, type Stats } from 'node:fs'
import { lstat, opendir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CommandError, systemCode } from '../../base/exit.ts'
import { makeFolder } from '../../base/make-folder.ts'

/** A file below a folder. */
export interface LocalFile {
  readonly path: string
  /** The path below the folder, separated by slashes. */
  readonly name: string
  readonly sizeBytes: number
}

/** A file's size. @throws CommandError for a folder, or a missing file */
export async function statFile(path: string): Promise<{ readonly sizeBytes: number }> {
  const found = await statPath(path)
  if (found.isDirectory()) {
    throw new CommandError(`${path} is a folder: write it, and the target, with a / at the end`)
  }
  return { sizeBytes: found.size }
}

/** Reports an entry that isn't copied, and the reason. */
export type Skip = (name: string, why: string) => void

/**
 * The regular files below a folder. Links, sockets and other entries are reported to `onOther`, unreadable ones to
 * `onSkipped`.
 * @throws CommandError if the folder is missing or unreadable
 */
export async function* walkFiles(
  folder: string,
  told: { readonly onOther: (path: string) => void; readonly onSkipped: Skip },
): AsyncGenerator<LocalFile> {
  if (!(await statPath(folder)).isDirectory()) {
    throw new CommandError(`${folder} is no folder: write it without the / at the end`)
  }
  const pending = ['']
  for (let below = pending.pop(); below !== undefined; below = pending.pop()) {
    const path = join(folder, below)
    try {
      for await (const entry of await opendir(path)) {
        const name = `${below}${entry.name}`
        const file = join(folder, name)
        if (entry.isDirectory()) pending.push(`${name}/`)
        else if (!entry.isFile()) told.onOther(file)
        else {
          const sizeBytes = await sizeOf(file, told.onSkipped)
          if (sizeBytes !== undefined) yield { path: file, name, sizeBytes }
        }
      }
    } catch (error) {
      if (below === '' || !isLocal(error)) throw error
      told.onSkipped(path, localReason(error))
    }
  }
}

async function sizeOf(path: string, onSkipped: Skip): Promise<number | undefined> {
  try {
    return (await lstat(path)).size
  } catch (error) {
    // The decoded name may differ from the real one.
    onSkipped(path, path.includes('\uFFFD') ? 'its name is not UTF-8' : localReason(error))
    return undefined
  }
}

/**
 * Writes a stream to a file, which appears once it is complete. Missing folders are created.
 * @throws CommandError if the file exists and must not be overwritten
 */
export async function writeFileWhole(
  path: string,
  stream: AsyncIterable<Uint8Array>,
  options: {
    readonly isCareful: boolean
    readonly signal: AbortSignal
    readonly onBytes: (bytes: number) => void
  },
): Promise<void> {
  if (options.isCareful && (await exists(path))) throw existing(path)
  await makeFolder(dirname(path), 0o777)
  // Short, since the name must not be longer than that of the file.
  const part = join(dirname(path), `.holdfast-${process.pid}-${partCount++}`)
  try {
    await pipeline(
      stream,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          options.onBytes(chunk.byteLength)
          yield chunk
        }
      },
      createWriteStream(part, { flags: 'wx' }),
      { signal: options.signal },
    )
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

let partCount = 0

/** The error for an existing file that must not be overwritten. */
export function existing(path: string): CommandError {
  return new CommandError(`there is a file ${path} already`)
}

/** The local path for a key, or the reason why there is none. */
export type Place = { readonly path: string } | { readonly why: string }

/** The longest file name in bytes on common file systems. */
const nameBytes = 255

/** The path for `name` below a local folder, never outside it. */
export function placeOf(folder: string, name: string): Place {
  const parts = name.split('/')
  if (parts.includes('')) return { why: 'a path has no empty names in it' }
  if (parts.some((part) => part === '.' || part === '..')) {
    return { why: 'on this machine . and .. are no names of files' }
  }
  const forbidden = process.platform === 'win32' ? /[\0\\:]/ : /\0/
  if (forbidden.test(name)) return { why: 'it has a character that no path can have' }
  if (parts.some((part) => Buffer.byteLength(part) > nameBytes)) return { why: tooLong }
  return { path: join(folder, ...parts) }
}

const tooLong = 'its name is too long for the file system'

const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['EACCES', 'this user has no right to it'],
  ['EPERM', 'this user has no right to it'],
  ['ENAMETOOLONG', tooLong],
  ['EISDIR', 'there is a folder of this name'],
  ['ENOTDIR', 'there is a file in the place of one of its folders'],
  ['EEXIST', 'there is a file in the place of one of its folders, or a link that leads nowhere'],
  ['ENOTEMPTY', 'there is a folder of this name'],
  ['ELOOP', 'the links in its path lead in a circle'],
  ['EINVAL', 'the file system takes no such name'],
  ['EILSEQ', 'the file system takes no such name'],
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the disk quota is used up'],
  ['EROFS', 'the file system is read-only'],
  ['EIO', 'the disk fails'],
])

/** Explains an error of the file system. */
export function localReason(error: unknown): string {
  const code = systemCode(error)
  return (code === undefined ? undefined : reasons.get(code)) ?? code ?? String(error)
}

/** The sentence for an error of the file system. */
export function localFailure(error: Error): string {
  const reason = reasons.get(systemCode(error) ?? '')
  const path = 'dest' in error ? error.dest : 'path' in error ? error.path : undefined
  if (reason === undefined || typeof path !== 'string') return error.message
  return `${isOwn(path) ? dirname(path) : path}: ${reason}`
}

/** True for the path of a temporary file of this program, which messages must not show. */
function isOwn(path: string): boolean {
  return basename(path).startsWith('.holdfast-')
}

/** True for an error of the file system, such as `EACCES` for a file, rather than of a connection. */
export function isLocal(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && reasons.has(systemCode(error) ?? '')
}

/** True for an error of the file system that concerns a single file. */
export function isOfOneFile(error: unknown): boolean {
  return isLocal(error) && !ofAll.has(systemCode(error) ?? '')
}

const ofAll: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'])

/** True if the path exists. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function statPath(path: string): Promise<Stats> {
  try {
    return await stat(path)
  } catch (cause) {
    const why = localReason(cause)
    const hint = path.startsWith('.') || path.startsWith('/') ? '' : `; in a bucket: s3://${path}`
    throw new CommandError(`${path}: ${why}${hint}`, { cause })
  }
}
