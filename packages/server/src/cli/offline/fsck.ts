// `holdfast fsck`: checks everything in a data folder, and prints the findings. A server may be running on the folder;
// the check uses a snapshot.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError, exitCodes, systemCode } from '../../base/exit.ts'
import { storeIn } from '../../base/store-location.ts'
import { asStartId } from '../../base/terms.ts'
import type { BlobStore } from '../../blob/blob.ts'
import { openBlobs } from '../../blob/open.ts'
import type { FsckConfig } from '../../config.ts'
import { DamageError, type Engine, FormatError } from '../../engine/engine.ts'
import { openEngine } from '../../engine/open.ts'
import { describeMisfit, examineFit, examineWithoutRows, type Fit } from '../../operation/fit.ts'
import { type CheckSummary, checkStore, type Finding } from '../../operation/fsck.ts'
import { refuseBrokenParts } from '../data-folder.ts'

/**
 * Checks the folder. Returns the exit code: 0 if it is clean, 4 if there are findings. Those that an
 * operator accepted are shown, and don't count.
 */
export async function fsck(config: FsckConfig): Promise<number> {
  const { dataFolder, isJson } = config
  await refuseBrokenParts(dataFolder)
  // Before the engine is opened, which would create missing rows.
  const lost = misfitOf(await examineWithoutRows(dataFolder))
  if (lost !== undefined) {
    print(lost, isJson)
    return exitCodes.findings
  }
  const { engine, blobs } = await openStore(dataFolder)
  try {
    return await check({ engine, blobs, config })
  } catch (error) {
    // A damaged page is read as rows, so any error is possible.
    const finding: Finding = {
      invariant: 'everything in the store can be read',
      where: 'the store',
      detail: `the check broke off: ${error instanceof Error ? error.message : error}`,
    }
    console.log(isJson ? JSON.stringify({ finding }) : `${describe(finding)}\n${advice}`)
    return exitCodes.findings
  } finally {
    await blobs.close()
    await engine.close()
  }
}

/** A mismatch of rows and blobs, as a finding; undefined if they fit. */
function misfitOf(fit: Fit | undefined): Finding | undefined {
  if (fit === undefined || fit === 'fits' || fit === 'new') return undefined
  const invariant = 'engine/ and blobs/ are of one store, and of one moment'
  return { invariant, where: 'the data folder', detail: describeMisfit(fit) }
}

function print(finding: Finding, isJson: boolean): void {
  console.log(isJson ? JSON.stringify({ finding }) : describe(finding))
}

async function check(store: {
  readonly engine: Engine
  readonly blobs: BlobStore
  readonly config: FsckConfig
}): Promise<number> {
  const { engine, blobs, config } = store
  const { isJson, dataFolder } = config
  const started = performance.now()
  const progress = new Progress(!isJson && process.stderr.isTTY === true)
  try {
    const misfit = misfitOf(await examineFit(engine, dataFolder))
    const onProgress = (phase: string): void => progress.show(phase)
    const onBytes = (bytes: number): void => progress.count(bytes)
    const content = config.checksContent === true ? { onBytes } : undefined
    const findings = checkStore({ engine, blobs, misfit, onProgress, content })
    let step = await findings.next()
    while (step.done !== true) {
      progress.clear()
      print(step.value, isJson)
      step = await findings.next()
    }
    progress.clear()
    const summary = step.value
    const seconds = Math.round(performance.now() - started) / 1000
    console.log(
      isJson ? JSON.stringify({ summary: { ...summary, seconds } }) : conclude(summary, seconds),
    )
    return summary.findings === 0 ? exitCodes.ok : exitCodes.findings
  } finally {
    progress.clear()
  }
}

async function openStore(
  dataFolder: string,
): Promise<{ readonly engine: Engine; readonly blobs: BlobStore }> {
  if (!existsSync(join(dataFolder, 'engine'))) {
    throw new CommandError(`there is no store in ${dataFolder}; name the data folder with --data`)
  }
  try {
    const location = storeIn(dataFolder)
    const engine = await openEngine(location.engine, { readMs: Number.POSITIVE_INFINITY })
    // fsck never writes, so any number of a start will do.
    const blobs = await openBlobs(location.blobs, { start: asStartId(0), isReadOnly: true })
    return { engine, blobs }
  } catch (error) {
    if (error instanceof DamageError) {
      throw new CommandError(error.message, { exitCode: exitCodes.findings, cause: error })
    }
    const exitCode = error instanceof FormatError ? exitCodes.refused : exitCodes.failure
    const reason = systemCode(error) ?? (error instanceof Error ? error.message : String(error))
    throw new CommandError(`can't open the store in ${dataFolder}: ${reason}`, {
      exitCode,
      cause: error,
    })
  }
}

function describe({ invariant, where, detail, objects = [], isAccepted }: Finding): string {
  const names = objects.map((name) => `\n  read as: ${JSON.stringify(name)}`)
  const accepted = isAccepted ? '\n  accepted: by --accept-lost-rows or --accept-lost-blobs' : ''
  return `${where}: ${detail}${names.join('')}\n  broken rule: ${invariant}${accepted}`
}

function conclude(summary: CheckSummary, seconds: number): string {
  const { buckets, objects, uploads, domains, items, blobs, blobBytes, garbage } = summary
  const { findings, accepted, contentBytes } = summary
  const content = contentBytes === undefined ? '' : `content of ${contentBytes} bytes compared, `
  const counts =
    `${buckets} buckets, ${objects} objects, ${uploads} uploads in progress, ` +
    `${domains} domains, ${items} items, ` +
    `${blobs} blobs of ${blobBytes} bytes, ${content}${garbage} blobs that wait for collection; ${seconds} s`
  const known = accepted === 0 ? '' : ` but for ${accepted} that were accepted`
  if (findings === 0) return `clean${known}: ${counts}`
  return `${findings} findings${known.replace('but for', 'beside')}: ${counts}\n${advice}`
}

const advice =
  'The store never does this to itself: suspect the disk, or files that were changed by hand.\n' +
  'Keep a copy of the folder as it is. Objects that are not named above can be read and copied\n' +
  'to a new folder; those that are named are to be restored from elsewhere.'

/** Milliseconds between two updates of the progress while bodies are read. */
const progressMs = 200

/** The progress of the check, as a line on the terminal. */
class Progress {
  readonly #isShown: boolean
  readonly #startedAt = performance.now()
  #phase = ''
  #readBytes = 0
  #writtenAt = 0

  constructor(isShown: boolean) {
    this.#isShown = isShown
  }

  show(phase: string): void {
    this.#phase = phase
    this.#write()
  }

  /** Counts bytes read of bodies. */
  count(bytes: number): void {
    this.#readBytes += bytes
    if (performance.now() - this.#writtenAt > progressMs) this.#write()
  }

  #write(): void {
    if (!this.#isShown) return
    this.#writtenAt = performance.now()
    const seconds = (this.#writtenAt - this.#startedAt) / 1000
    const mebibytes = this.#readBytes / 1_048_576
    const rate = `${Math.round(mebibytes)} MiB read, ${Math.round(mebibytes / seconds)} MiB/s`
    const read = this.#readBytes === 0 ? '' : `: ${rate}`
    process.stderr.write(`\r\x1b[Kchecking ${this.#phase}${read} …`)
  }

  clear(): void {
    if (this.#isShown) process.stderr.write('\r\x1b[K')
  }
}
