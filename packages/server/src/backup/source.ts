// Where a backup is read from: its files in the order in which a stream has them, the head first and the
// end last, each list after the files that it names.

import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bytes } from '../base/bytes.ts'
import { systemCode } from '../base/exit.ts'
import { openBackup } from './base.ts'
import { BackupError } from './error.ts'
import { readPieces } from './file.ts'
import { endName, headName, type NumberedKind, numberedName } from './layout.ts'
import { parseList } from './listing.ts'

/** A file of a backup. Its content is read before the next file is asked for. */
export interface BackupFile {
  readonly name: string
  readonly content: AsyncIterable<Bytes>
}

export type BackupFiles = AsyncIterable<BackupFile>

/** The files of the backup in `folder`. @throws BackupError if it isn't complete, or files are missing */
export async function* filesOfFolder(folder: string): AsyncGenerator<BackupFile> {
  const { end } = await openBackup(folder)
  yield { name: headName, content: readPieces(join(folder, headName)) }
  for (const index of end.sums.keys()) {
    const list = await readList(folder, 'sums', index + 1)
    for (const { name } of parseList(list.bytes, list.name)) {
      yield { name, content: await openOwn(folder, name) }
    }
    yield { name: list.name, content: iterate(list.bytes) }
  }
  for (const index of end.inherited.keys()) {
    const { name, bytes } = await readList(folder, 'inherited', index + 1)
    yield { name, content: iterate(bytes) }
  }
  yield { name: endName, content: readPieces(join(folder, endName)) }
}

async function readList(
  folder: string,
  kind: NumberedKind,
  number: number,
): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  const name = numberedName(kind, number)
  try {
    return { name, bytes: await readFile(join(folder, name)) }
  } catch (error) {
    throw unreadable(name, error)
  }
}

async function openOwn(folder: string, name: string): Promise<AsyncIterable<Bytes>> {
  // A damaged list must not lead out of the folder.
  if (name.split('/').includes('..'))
    throw new BackupError(`the backup is damaged: it lists ${name}`)
  const path = join(folder, name)
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(name, error)
  })
  if (!found.isFile()) throw new BackupError(`the backup is damaged: ${name} is no file`)
  return readPieces(path)
}

async function* iterate(bytes: Bytes): AsyncGenerator<Bytes> {
  yield bytes
}

function unreadable(name: string, error: unknown): BackupError {
  const reason = systemCode(error) === 'ENOENT' ? 'is missing' : `can't be read: ${error}`
  return new BackupError(`the backup is damaged: ${name} ${reason}`, { cause: error })
}
