// Files of this machine: what is below a folder, and writing one so that it is there whole or not at all.

import { createWriteStream, type Stats } from 'node:fs'
import { lstat, mkdir, opendir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CommandError, systemCode } from '../exit.ts'

/** A file below a folder. */
export interface LocalFile {
  readonly path: string
  /** Below the folder, with slashes between. */
  readonly name: string
  readonly sizeBytes: number
}

/** A file's size. @throws CommandError for a folder, or what isn't there */
export async function statFile(path: string): Promise<{ readonly sizeBytes: number }> {
  const found = await statPath(path)
  if (found.isDirectory()) {
    throw new CommandError(`${path} is a folder: write it, and the target, with a / at the end`)
  }
  return { sizeBytes: found.size }
}

/**
 * The regular files below a folder. Links, sockets and the like are told to `onSkipped`.
 * @throws CommandError if there is no such folder
 */
export async function* walkFiles(
  folder: string,
  onSkipped: (path: string) => void,
): AsyncGenerator<LocalFile> {
  if (!(await statPath(folder)).isDirectory()) {
    throw new CommandError(`${folder} is no folder: write it without the / at the end`)
  }
  const pending = ['']
  for (let below = pending.pop(); below !== undefined; below = pending.pop()) {
    for await (const entry of await opendir(join(folder, below))) {
      const name = `${below}${entry.name}`
      const path = join(folder, name)
      if (entry.isDirectory()) pending.push(`${name}/`)
      else if (entry.isFile()) yield { path, name, sizeBytes: (await lstat(path)).size }
      else onSkipped(path)
    }
  }
}

/**
 * Writes a stream to a file, which appears when all is there; its folders are made.
 * @throws CommandError if there is a file and it is not to be overwritten
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
  if (options.isCareful && (await exists(path))) {
    throw new CommandError(`there is a file ${path} already`)
  }
  await mkdir(dirname(path), { recursive: true })
  const part = `${path}.part-${process.pid}`
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

/**
 * Where a key of a folder belongs below a folder of this machine; undefined for one that no path can
 * stand for, or that would lie outside.
 */
export function pathOf(folder: string, name: string): string | undefined {
  const parts = name.split('/')
  const isPath = parts.every((part) => part !== '' && part !== '.' && part !== '..')
  const forbidden = process.platform === 'win32' ? /[\0\\:]/ : /\0/
  return isPath && !forbidden.test(name) ? join(folder, ...parts) : undefined
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function statPath(path: string): Promise<Stats> {
  try {
    return await stat(path)
  } catch (cause) {
    const why = systemCode(cause) === 'ENOENT' ? 'there is no such file' : systemCode(cause)
    const hint = path.startsWith('.') || path.startsWith('/') ? '' : `; in a bucket: s3://${path}`
    throw new CommandError(`${path}: ${why}${hint}`, { cause })
  }
}
