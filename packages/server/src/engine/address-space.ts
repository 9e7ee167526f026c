// Decides how much address space to reserve for the LMDB map. The size must be known before
// opening: if the map can't be reserved, the LMDB binding crashes.

import { readFileSync } from 'node:fs'

/**
 * The usual map size. When the data outgrows its map, LMDB maps the file again at twice its size
 * and keeps the old map until the store closes. The file is only as long as its data, so a large
 * map costs nothing. A process has at most 128 TiB of address space, and it may open several
 * stores.
 */
const usualMapBytes = 2 ** 40

/** The share of a small address space that one store maps. The rest is left for remapping. */
const share = 1 / 8

/** The number of bytes to map when a store is opened in this process. */
export function mapBytes(): number {
  if (process.platform !== 'linux') return usualMapBytes
  return mapBytesWithin(readOwn('limits'), readOwn('maps'))
}

/**
 * Computes the map size from `/proc/self/limits` (`ulimit -v`) and `/proc/self/maps`. The position
 * of the stack shows the width of addresses, which is only 39 bits on some ARM machines.
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

/** The largest page size in use; maps begin and end at page boundaries. */
const pageBytes = 65_536

function readOwn(file: string): string {
  try {
    return readFileSync(`/proc/self/${file}`, 'utf8')
  } catch {
    // Without /proc, assume that address space is not limited.
    return ''
  }
}
