// `holdfast zip`: downloads a snapshot of a folder as one archive.

import { pipeline } from 'node:stream/promises'
import { FolderNotFoundError } from 'holdfast-client'
import { CommandError, exitCodes } from '../../base/exit.ts'
import type { ZipConfig } from './config.ts'
import { formatSize } from './format.ts'
import { exists, writeFileWhole } from './local.ts'
import { lastName, show } from './name.ts'
import { Progress } from './progress.ts'
import { type Session, withServer } from './session.ts'

/** Writes the archive, and prints its size. */
export async function zip(config: ZipConfig): Promise<number> {
  const { name, format, isJson } = config
  const file = config.file ?? `${lastName(name.key).slice(0, -1)}.${format}`
  const bytes = await withServer(config.server, (session) => write(session, config, file))
  const written = { from: show(name), to: file, bytes }
  // Standard output has the archive itself.
  const print = file === '-' ? console.error : console.log
  if (isJson) print(JSON.stringify({ written }))
  else if (file !== '-') print(`wrote ${show(name)} to ${file} (${formatSize(bytes)})`)
  return exitCodes.ok
}

async function write(session: Session, config: ZipConfig, file: string): Promise<number> {
  const { signal, folders } = session
  const { name, format, isReplacing } = config
  if (file !== '-' && !isReplacing && (await exists(file))) {
    throw new CommandError(`there is a file ${file} already; --replace overwrites it`)
  }
  const { stream } = await folders
    .archive({ bucket: name.bucket, folder: name.key }, { format, signal })
    .catch((cause: unknown) => {
      if (!(cause instanceof FolderNotFoundError)) throw cause
      throw new CommandError(`there is nothing under ${show(name)}`, { cause })
    })
  const progress = new Progress()
  let bytes = 0
  const onBytes = (more: number): void => {
    bytes += more
    progress.show({ what: file, bytes })
  }
  try {
    if (file === '-') await writeOut(stream, signal, onBytes)
    else await writeFileWhole(file, stream, { isCareful: !isReplacing, signal, onBytes })
  } finally {
    progress.clear()
  }
  return bytes
}

async function writeOut(
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  onBytes: (more: number) => void,
): Promise<void> {
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      onBytes(chunk.byteLength)
      yield chunk
    }
  }
  await pipeline(counted(), process.stdout, { signal, end: false })
}
