// `holdfast tree`: draws a folder with everything below it. The output is written during the listing, with one page of
// each level in memory, so that trees of any size work.

import { CommandError, exitCodes } from '../../base/exit.ts'
import type { TreeConfig } from './config.ts'
import { formatCount, formatSize, printable } from './format.ts'
import { type Entry, listEntries } from './listing.ts'
import { lastName, type RemoteName, show } from './name.ts'
import { type Session, withServer } from './session.ts'

interface Sum {
  folders: number
  objects: number
  bytes: number
}

/** Prints the tree. */
export async function tree(config: TreeConfig): Promise<number> {
  const sum: Sum = { folders: 0, objects: 0, bytes: 0 }
  await withServer(config.server, async (session) => {
    if (!config.isJson) console.log(show(config.name))
    await draw({ session, config, sum }, config.name.key, '', 1)
    if (sum.folders + sum.objects === 0 && config.name.key !== '') {
      throw new CommandError(`there is nothing under ${show(config.name)}`)
    }
  })
  if (config.isJson) console.log(JSON.stringify({ summary: sum }))
  else {
    const objects = `${formatCount(sum.objects, 'object')}, ${formatSize(sum.bytes)}`
    console.log(`\n${formatCount(sum.folders, 'folder')}, ${objects}`)
  }
  return exitCodes.ok
}

interface Drawing {
  readonly session: Session
  readonly config: TreeConfig
  readonly sum: Sum
}

async function draw(
  drawing: Drawing,
  folder: string,
  indent: string,
  level: number,
): Promise<void> {
  const { session, config, sum } = drawing
  const name: RemoteName = { bucket: config.name.bucket, key: folder }
  const entries = listEntries(session, name, { isRecursive: false })
  for await (const { entry, isLast } of withLast(entries)) {
    session.signal.throwIfAborted()
    // The marker object of the folder is drawn as the folder.
    if (entry.key === folder) continue
    if (config.isJson) console.log(entryJson(name.bucket, level, entry))
    else console.log(`${indent}${isLast ? '└── ' : '├── '}${label(entry)}`)
    if (entry.kind === 'object') {
      sum.objects += 1
      sum.bytes += entry.sizeBytes
      continue
    }
    sum.folders += 1
    if (level < config.depth) {
      await draw(drawing, entry.key, `${indent}${isLast ? '    ' : '│   '}`, level + 1)
    }
  }
}

/** Reads one entry ahead, to mark the last one. */
async function* withLast(
  entries: AsyncIterable<Entry>,
): AsyncGenerator<{ readonly entry: Entry; readonly isLast: boolean }> {
  let previous: Entry | undefined
  for await (const entry of entries) {
    if (previous !== undefined) yield { entry: previous, isLast: false }
    previous = entry
  }
  if (previous !== undefined) yield { entry: previous, isLast: true }
}

function label(entry: Entry): string {
  const name = printable(lastName(entry.key))
  return entry.kind === 'folder' ? name : `${name}  (${formatSize(entry.sizeBytes)})`
}

function entryJson(bucket: string, level: number, entry: Entry): string {
  const { kind, key } = entry
  const size = kind === 'object' ? { sizeBytes: entry.sizeBytes } : {}
  return JSON.stringify({ type: kind, bucket, key, level, ...size })
}
