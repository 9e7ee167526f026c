// Mounts a `Disk` with a real file system: NBD over a Unix socket → nbdfuse → loop device → ext4.
// Needs root, /dev/fuse, and Debian's libnbd-bin, fuse3 and e2fsprogs. The process that serves the
// disk must not access the mounted folder synchronously: it would deadlock.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Disk } from './disk.ts'

const run = promisify(execFile)
const attachMs = 10_000
const busyTries = 50

/** Whether to create a file system first. */
export interface MountOptions {
  readonly format: boolean
}

/** Throws a readable error if this machine can't mount such a disk. */
export async function assertMountable(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('the power-loss test needs root')
  await stat('/dev/fuse')
  for (const command of ['nbdfuse', 'fusermount3', 'losetup', 'mkfs.ext4']) {
    await run('sh', ['-c', `command -v ${command}`]).catch((cause: unknown) => {
      throw new Error(`${command} is missing: apt-get install libnbd-bin fuse3 e2fsprogs mount`, {
        cause,
      })
    })
  }
}

/** Serves and mounts a disk; undoes the first steps if a later one fails. */
export async function mountDisk(disk: Disk, { format }: MountOptions): Promise<MountedDisk> {
  const mounted = new MountedDisk(disk, await mkdtemp(join(tmpdir(), 'holdfast-disk-')))
  try {
    await mounted.attach(format)
  } catch (cause) {
    await mounted.unmount()
    throw cause
  }
  return mounted
}

/** A mounted disk. `unmount` writes back the kernel's cache, so note the log's length before. */
export class MountedDisk implements AsyncDisposable {
  /** The root of the file system. */
  readonly folder: string
  readonly #disk: Disk
  readonly #scratch: string
  #fuse: ChildProcess | undefined
  #loop: string | undefined
  #isMounted = false

  constructor(disk: Disk, scratch: string) {
    this.#disk = disk
    this.#scratch = scratch
    this.folder = join(scratch, 'root')
  }

  /** Called once, by `mountDisk`. */
  async attach(format: boolean): Promise<void> {
    const socket = join(this.#scratch, 'nbd.sock')
    const exposed = join(this.#scratch, 'device')
    await mkdir(this.folder)
    await mkdir(exposed)
    await this.#disk.listen(socket)
    const file = join(exposed, 'nbd')
    this.#fuse = spawn('nbdfuse', [file, `nbd+unix:///?socket=${socket}`], { stdio: 'inherit' })
    const deadline = performance.now() + attachMs
    while (!(await stat(file).catch(() => undefined))) {
      if (performance.now() > deadline) throw new Error('nbdfuse did not show the device')
      await delay(10)
    }
    this.#loop = (await run('losetup', ['--find', '--show', file])).stdout.trim()
    if (format) await run('mkfs.ext4', ['-q', '-E', 'nodiscard', this.#loop])
    await run('mount', [this.#loop, this.folder])
    this.#isMounted = true
  }

  /** Unmounts and stops serving; no process may use the folder any more. */
  async unmount(): Promise<void> {
    if (this.#isMounted) await untilNotBusy(() => run('umount', [this.folder]))
    this.#isMounted = false
    if (this.#loop !== undefined) await run('losetup', ['--detach', this.#loop])
    this.#loop = undefined
    const fuse = this.#fuse
    if (fuse !== undefined && fuse.exitCode === null) {
      const exited = new Promise<void>((resolve) => fuse.once('exit', () => resolve()))
      await untilNotBusy(() => run('fusermount3', ['-u', join(this.#scratch, 'device')]))
      await exited
    }
    this.#fuse = undefined
    this.#disk.close()
    await rm(this.#scratch, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount()
  }
}

/** A process that was just killed may hold the folder for a moment. */
async function untilNotBusy(action: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await action()
      return
    } catch (cause) {
      if (tries === busyTries) throw cause
      await delay(100)
    }
  }
}
