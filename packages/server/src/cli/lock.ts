// One server per data folder. The lock is the kernel's, on a file in the folder, taken through SQLite
// since Node has no call for it: it ends with its process, however that ends, and holds between
// containers that share the folder. Beside it the holder describes itself, for people and for its successor.

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isAlive } from '../base/liveness.ts'
import { CommandError, exitCodes } from './exit.ts'

/** The server that has a folder, as it described itself. */
export interface Holder {
  readonly pid: number
  /** Where it serves, once it does. */
  readonly endpoint?: string | undefined
  /** ISO 8601 */
  readonly startedAt: string
  /** Liveness tokens of its workers. */
  readonly workers: readonly string[]
}

/** The lock on a data folder, held until it is released or this process ends. */
export class FolderLock {
  readonly #folder: string
  readonly #database: DatabaseSync

  private constructor(folder: string, database: DatabaseSync) {
    this.#folder = folder
    this.#database = database
  }

  /** Takes the lock on `folder`, which exists. @throws CommandError `refused` while another has it */
  static take(folder: string): FolderLock {
    const database = tryLock(folder)
    if (database !== undefined) return new FolderLock(folder, database)
    const holder = readHolder(folder)
    const who = holder === undefined ? '' : ` (process ${holder.pid}${at(holder.endpoint)})`
    throw new CommandError(
      `another server has the data folder ${folder}${who}; stop it, or choose another folder with --data`,
      { exitCode: exitCodes.refused },
    )
  }

  /** Writes down who holds the lock. It only informs, so a full disk is no reason to fail. */
  describe(holder: Holder): void {
    const file = holderFile(this.#folder)
    try {
      writeFileSync(`${file}.part`, `${JSON.stringify(holder)}\n`, { mode: 0o600 })
      renameSync(`${file}.part`, file)
    } catch {
      rmSync(`${file}.part`, { force: true })
    }
  }

  release(): void {
    rmSync(holderFile(this.#folder), { force: true })
    this.#database.close()
  }
}

/** True while a server has `folder`, which exists. */
export function isLocked(folder: string): boolean {
  const database = tryLock(folder)
  database?.close()
  return database === undefined
}

/** What the last holder of the lock said of itself. */
export function readHolder(folder: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(holderFile(folder), 'utf8'))
    return isHolder(holder) ? holder : undefined
  } catch {
    return undefined
  }
}

/**
 * Kills workers that outlived the server before this one: they end by themselves as soon as they
 * notice, but one that is stopped would notice nothing, and might be in the middle of a commit.
 */
export function killSurvivors(folder: string): number {
  const survivors = readHolder(folder)?.workers.filter((token) => isAlive(token)) ?? []
  for (const token of survivors) {
    try {
      process.kill(Number.parseInt(token, 10), 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
  return survivors.length
}

/** The lock, or undefined while another process has it. */
function tryLock(folder: string): DatabaseSync | undefined {
  const file = join(folder, 'lock')
  const database = open(file)
  try {
    // Nothing is ever written, and so not even a full disk is in the way.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    const isBusy = error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
    if (isBusy) return undefined
    throw unusable(file, error)
  }
}

function open(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: 0 })
  } catch (error) {
    throw unusable(file, error)
  }
}

function unusable(file: string, error: unknown): CommandError {
  const reason = error instanceof Error ? error.message : String(error)
  return new CommandError(`can't lock ${file}: ${reason}`, { cause: error })
}

/** https://sqlite.org/rescode.html#busy */
const sqliteBusy = 5

function holderFile(folder: string): string {
  return join(folder, 'server.json')
}

function at(endpoint: string | undefined): string {
  return endpoint === undefined ? '' : ` at ${endpoint}`
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null) return false
  if (!('pid' in value && 'startedAt' in value && 'workers' in value)) return false
  const { pid, startedAt, workers } = value
  const hasWorkers = Array.isArray(workers) && workers.every((token) => typeof token === 'string')
  return Number.isSafeInteger(pid) && typeof startedAt === 'string' && hasWorkers
}
