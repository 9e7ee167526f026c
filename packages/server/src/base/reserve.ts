// Room that is kept back on the disk of a data folder: a server whose disk is full gives it up to
// write the few rows without which it can't start, so that at least what is stored can be read.

import { randomBytes } from 'node:crypto'
import { constants, open, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'

const reserveBytes = 4_194_304
/** Bytes that must be free beside it, so that the reserve is never what fills the disk. */
const roomBytes = 64 * 1_048_576

/** Puts the reserve aside if it isn't there and the disk has ample room. */
export async function keepReserve(dataFolder: string): Promise<void> {
  const path = join(dataFolder, 'reserve')
  const isThere = await open(path, constants.O_RDONLY).then(
    (handle) => handle.close().then(() => true),
    () => false,
  )
  if (isThere) return
  const { bavail, bsize } = await statfs(dataFolder)
  if (bavail * bsize < roomBytes) return
  const unfinished = `${path}.part`
  // Random, since a file system that compresses would keep no room for zeros.
  const handle = await open(unfinished, 'w', 0o600)
  try {
    await handle.writeFile(randomBytes(reserveBytes))
  } finally {
    await handle.close()
  }
  await rename(unfinished, path)
}

/** Gives the reserve up; false if there is none. */
export async function releaseReserve(dataFolder: string): Promise<boolean> {
  const files = [join(dataFolder, 'reserve'), join(dataFolder, 'reserve.part')]
  const released = await Promise.all(
    files.map((file) =>
      rm(file).then(
        () => true,
        () => false,
      ),
    ),
  )
  return released.includes(true)
}
