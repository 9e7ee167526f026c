// How much address space a store may map at once. It has to be known beforehand: where a map can't be
// had, the LMDB binding crashes.

import { readFileSync } from 'node:fs'

/**
 * The usual map: beyond it LMDB maps anew, twice as large as the file, and keeps the old map until it
 * is closed. The file is only as long as its data, so a wide map costs nothing; but a process has 128
 * TiB at most, and may open several stores.
 */
const usualMapBytes = 2 ** 40

/** The share of what there is that one store takes where that is little: room to map anew, too. */
const share = 1 / 8

/** Bytes that a store maps when it is opened on this machine, in this process. */
export function mapBytes(): number {
  if (process.platform !== 'linux') return usualMapBytes
  return mapBytesWithin(readOwn('limits'), readOwn('maps'))
}

/**
 * The same, from what Linux tells in `/proc/self/limits` (`ulimit -v`) and `/proc/self/maps`: where
 * the stack lies tells how wide addresses are, as narrow as 39 bits on some ARM machines.
 */
export function mapBytesWithin(limits: string, maps: string): number {
  const limit = /^Max address space +(\d+)/m.exec(limits)?.[1]
  const stack = /^[\da-f]+-([\da-f]+) .*\[stack\]$/m.exec(maps)?.[1]
  const available = Math.min(
    limit === undefined ? Number.POSITIVE_INFINITY : Number(limit),
    stack === undefined ? Number.POSITIVE_INFINITY : Number.parseInt(stack, 16),
  )
  const pages = Math.floor((available * share) / pageBytes)
  return Math.min(usualMapBytes, pages * pageBytes)
}

/** The widest page that machines have; maps begin and end at pages. */
const pageBytes = 65_536

function readOwn(file: string): string {
  try {
    return readFileSync(`/proc/self/${file}`, 'utf8')
  } catch {
    // No /proc: nothing is known to be narrow.
    return ''
  }
}
