// `holdfast du`: counts the objects and bytes below a name.

import { CommandError, exitCodes } from '../../base/exit.ts'
import { formatCount, formatSize, printable } from './format.ts'
import { bareHint } from './hint.ts'
import type { UsageConfig } from './inspect-config.ts'
import { listObjects } from './listing.ts'
import { type RemoteName, show } from './name.ts'
import { Progress } from './progress.ts'
import { type Session, withServer } from './session.ts'

interface Usage {
  readonly key: string
  objects: number
  bytes: number
}

/** Prints the usage of each folder down to a depth, contents first. The name itself is last. */
export async function du(config: UsageConfig): Promise<number> {
  await withServer(config.server, (session) => measure(session, config))
  return exitCodes.ok
}

async function measure(session: Session, config: UsageConfig): Promise<void> {
  const { name, depth } = config
  const progress = new Progress()
  const print = (usage: Usage): void => {
    progress.clear()
    console.log(config.isJson ? lineOfJson(name, usage) : line(name, usage))
  }
  // The folders that contain the current key, the outermost first. Keys are in order, so a folder that was left
  // doesn't recur.
  const total: Usage = { key: name.key, objects: 0, bytes: 0 }
  const open: Usage[] = [total]
  try {
    for await (const { key, sizeBytes } of listObjects(session, name)) {
      while (open.length > 1 && !key.startsWith(open.at(-1)?.key ?? '')) leave(open, print)
      for (const folder of foldersOf(key, open.at(-1)?.key ?? '', depth - open.length + 1)) {
        open.push({ key: folder, objects: 0, bytes: 0 })
      }
      const inner = open.at(-1) ?? total
      inner.objects += 1
      inner.bytes += sizeBytes
      progress.show({ what: 'counting', ...sumOf(open) })
    }
    while (open.length > 1) leave(open, print)
  } finally {
    progress.clear()
  }
  if (total.objects === 0 && name.key !== '') {
    throw new CommandError(`there is nothing at ${show(name)}${await bareHint(session, name)}`)
  }
  print(total)
}

/** Prints the innermost folder, and adds its usage to its parent. */
function leave(open: Usage[], print: (usage: Usage) => void): void {
  const left = open.pop()
  const around = open.at(-1)
  if (left === undefined || around === undefined) return
  print(left)
  around.objects += left.objects
  around.bytes += left.bytes
}

/** The folders between `from` and `key`, at most `count` of them. */
function foldersOf(key: string, from: string, count: number): string[] {
  const folders: string[] = []
  for (let at = key.indexOf('/', from.length); at !== -1 && folders.length < count; ) {
    folders.push(key.slice(0, at + 1))
    at = key.indexOf('/', at + 1)
  }
  return folders
}

function sumOf(open: readonly Usage[]): { readonly objects: number; readonly bytes: number } {
  const sum = { objects: 0, bytes: 0 }
  for (const { objects, bytes } of open) {
    sum.objects += objects
    sum.bytes += bytes
  }
  return sum
}

function line({ bucket }: RemoteName, { key, objects, bytes }: Usage): string {
  const name = printable(show({ bucket, key }))
  return `${formatSize(bytes).padStart(9)}  ${formatCount(objects, 'object').padStart(16)}  ${name}`
}

function lineOfJson({ bucket }: RemoteName, { key, objects, bytes }: Usage): string {
  return JSON.stringify({ bucket, key, objects, bytes })
}
