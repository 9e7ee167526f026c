// `holdfast doctor`: examines a data folder and a port, and explains problems with their remedies. The only change is a
// temporary file.

import { existsSync } from 'node:fs'
import { access, constants, open, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { exitCodes } from '../../base/exit.ts'
import { storeIn } from '../../base/store-location.ts'
import type { DoctorConfig } from '../../config.ts'
import { reserveOf } from '../../engine/disk-space.ts'
import { DamageError, FormatError } from '../../engine/engine.ts'
import { lookAtEngine } from '../../engine/location.ts'
import { openEngine } from '../../engine/open.ts'
import { describeMisfit, examineFit, examineWithoutRows, type Fit } from '../../operation/fit.ts'
import { examineDataFolder } from '../data-folder.ts'
import { bad, type Diagnosis, ok, warn } from '../diagnosis.ts'
import { type Holder, isLocked, readHolder } from '../lock.ts'
import { examinePort } from '../port.ts'

/** Prints the diagnoses. The exit code is 1 if a server could not work. */
export async function doctor({ dataFolder, host, port }: DoctorConfig): Promise<number> {
  const found: Diagnosis[] = []
  const report = (diagnosis: Diagnosis): void => {
    found.push(diagnosis)
    console.log(`${diagnosis.verdict.padEnd(5)}${diagnosis.text}`)
  }
  report(examineNode())
  for await (const diagnosis of examineFolder(dataFolder)) report(diagnosis)
  report(await examinePort({ host, port, holder: holderOf(dataFolder) }))
  return found.some(({ verdict }) => verdict === 'bad') ? exitCodes.failure : exitCodes.ok
}

function examineNode(): Diagnosis {
  const { version } = process
  const major = Number.parseInt(version.slice(1), 10)
  return major >= 24
    ? ok(`Node ${version}`)
    : bad(`Node ${version} is too old: install 24 or newer`)
}

function holderOf(folder: string): Holder | undefined {
  return existsSync(join(folder, 'lock')) && isLocked(folder) ? readHolder(folder) : undefined
}

async function* examineFolder(folder: string): AsyncGenerator<Diagnosis> {
  const found = await stat(folder).catch(() => undefined)
  const refusal = await examineDataFolder(folder).catch((error: unknown) => error)
  if (found === undefined && refusal instanceof Error) {
    yield bad(refusal.message)
    return
  }
  if (found === undefined) {
    yield warn(`there is no folder ${folder} yet: the first start makes it`)
    return
  }
  if (!found.isDirectory()) {
    yield bad(`${folder} is no folder: choose another with --data`)
    return
  }
  if (!(await isWritable(folder))) {
    yield bad(`this user may not write to ${folder}: give it to the user that runs the server`)
    return
  }
  if (refusal instanceof Error) {
    yield bad(refusal.message)
    return
  }
  yield ok(`${folder} can be written to`)
  if ((found.mode & 0o077) !== 0) {
    yield warn(`other users may look into ${folder}; if that is not meant: chmod 700 ${folder}`)
  }
  yield* examineDisk(folder)
  yield* examineStore(folder)
}

async function isWritable(folder: string): Promise<boolean> {
  const { R_OK, W_OK, X_OK } = constants
  return access(folder, R_OK | W_OK | X_OK).then(
    () => true,
    () => false,
  )
}

/** File systems on which a store is unsafe or not durable, by magic number (statfs(2)). */
const fileSystems: ReadonlyMap<number, Diagnosis> = new Map([
  [0x6969, bad('NFS: the store needs a local disk, since it shares memory through the file')],
  [0x517b, bad('SMB: the store needs a local disk')],
  [0xff534d42, bad('CIFS: the store needs a local disk')],
  [0xfe534d42, bad('SMB2: the store needs a local disk')],
  [0x01021997, bad('9p: the store needs a local disk')],
  [0x00c36400, bad('CephFS: the store needs a local disk')],
  [
    0x65735546,
    warn('FUSE: only safe if it keeps what is synced, and shares memory between processes'),
  ],
  [0x01021994, warn('tmpfs: all is lost when the machine stops')],
  [0x858458f6, warn('ramfs: all is lost when the machine stops')],
  [0x794c7630, warn("overlay: all is lost with the container, unless the folder is a volume's")],
])

const gibibyte = 1_073_741_824

async function* examineDisk(folder: string): AsyncGenerator<Diagnosis> {
  const { type, bavail, bsize, blocks } = await statfs(folder)
  const fileSystem = fileSystems.get(type)
  if (fileSystem !== undefined) yield { ...fileSystem, text: `the disk is ${fileSystem.text}` }
  const free = bavail * bsize
  const text = `${(free / gibibyte).toFixed(1)} GiB free`
  if (free < reserveOf(blocks * bsize)) yield bad(`${text}: only removals go on; make room`)
  else if (free < gibibyte) yield warn(`${text}: make room soon`)
  else yield ok(text)
  yield await examineSync(folder)
}

const syncs = 20

async function examineSync(folder: string): Promise<Diagnosis> {
  const path = join(folder, `doctor-${process.pid}`)
  const times: number[] = []
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      for (let round = 0; round < syncs; round++) {
        const started = performance.now()
        await file.write(Buffer.alloc(4096, round), 0, 4096, 0)
        await file.sync()
        times.push(performance.now() - started)
      }
    } finally {
      await file.close()
      await rm(path)
    }
  } catch (error) {
    return bad(`a file in ${folder} can't be written and synced: ${error}`)
  }
  const median = times.toSorted((a, b) => a - b)[syncs / 2] ?? 0
  const text = `a synced write takes ${median.toFixed(2)} ms`
  if (median > 50) return warn(`${text}: every PUT waits for one; a faster disk helps`)
  if (median < 0.02) return warn(`${text}: too fast to be true; does the disk ignore syncs?`)
  return ok(text)
}

/** A mismatch of rows and blobs; undefined if they fit. */
function misfitOf(fit: Fit | undefined): Diagnosis | undefined {
  return fit === undefined || fit === 'fits' || fit === 'new' ? undefined : bad(describeMisfit(fit))
}

async function* examineStore(folder: string): AsyncGenerator<Diagnosis> {
  const holder = holderOf(folder)
  if (holder !== undefined) {
    yield ok(`process ${holder.pid} serves it at ${holder.endpoint ?? '… (it is starting)'}`)
  } else if (existsSync(join(folder, 'lock')) && isLocked(folder)) {
    yield warn('a server has it, but did not say which')
  } else {
    yield ok('no server has it')
  }
  const lost = misfitOf(await examineWithoutRows(folder))
  if (lost !== undefined) {
    yield lost
    return
  }
  const { engine: url } = storeIn(folder)
  const found = await lookAtEngine(url).catch(() => undefined)
  if (found === undefined) {
    yield ok('there is no store in it yet')
    return
  }
  if (found.changedAt > Date.now() + 60_000) {
    yield bad('the clock is behind the last change of the store: set it, or signatures will fail')
  }
  try {
    const engine = await openEngine(url)
    const misfit = misfitOf(await examineFit(engine, folder).finally(() => engine.close()))
    if (misfit !== undefined) yield misfit
    yield ok(
      `the store can be opened; it has ${found.sizeBytes} bytes of rows, which \`holdfast fsck\` checks`,
    )
  } catch (error) {
    if (error instanceof FormatError || error instanceof DamageError) yield bad(error.message)
    else yield bad(`the store can't be opened: ${error}; try \`holdfast fsck\``)
  }
}
