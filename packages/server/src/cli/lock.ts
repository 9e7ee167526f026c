// The lock on a data folder: one server has it, and beside it any number of programs that embed Holdfast. The lock
// is the kernel's, on a file in the folder, taken through SQLite since Node has no call for it: it ends
// with its process, however that ends, and holds between containers that share the folder. Beside it the
// server describes itself, for people and for its successor. That description alone is never trusted:
// the folder may be a copy of another server's.

import {
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { anyText, count, fields, list, optional, parseDocument } from '../base/document.ts'
import { CommandError, exitCodes, systemCode } from '../base/exit.ts'
import { hasOpen, livenessOf, verdictOn } from '../base/liveness.ts'
import { storeIn } from '../base/store-location.ts'
import { sharedFileOf } from '../engine/location.ts'

/** The server that has a folder, as it described itself. */
export interface Holder {
  readonly pid: number
  /** Its liveness token; absent if an earlier version wrote it. */
  readonly token?: string | undefined
  /** Where it serves, once it does. */
  readonly endpoint?: string | undefined
  /** ISO 8601 */
  readonly startedAt: string
  /** Liveness tokens of its workers. */
  readonly workers: readonly string[]
}

/** The description as it is written: the folder is the one that it was written for, as {@link folderId} says. */
type Note = Holder & { readonly folder?: string | undefined }

const noteForm = fields({
  pid: count,
  token: optional(anyText),
  endpoint: optional(anyText),
  startedAt: anyText,
  workers: list(anyText),
  folder: optional(anyText),
})

/**
 * How a folder is held, in SQLite's terms: `server` excludes other servers, and `program` excludes
 * nobody but servers of versions that had the folder for themselves.
 */
type Claim = 'server' | 'program'

const claims: Readonly<Record<Claim, string>> = {
  server: 'BEGIN IMMEDIATE',
  // A read holds its lock as long as its transaction lasts.
  program: 'BEGIN; SELECT count(*) FROM sqlite_schema',
}

/** The lock on a data folder, held until it is released or this process ends. */
export class FolderLock {
  readonly #folder: string
  readonly #database: DatabaseSync

  private constructor(folder: string, database: DatabaseSync) {
    this.#folder = folder
    this.#database = database
    restrict(folder, 0o700)
  }

  /** Takes the lock on `folder`, which exists. @throws CommandError `refused` while another has it */
  static take(folder: string): FolderLock {
    const database = tryLock(folder, 'server')
    if (database !== undefined) return new FolderLock(folder, database)
    const holder = readHolder(folder)
    const who = holder === undefined ? '' : ` (process ${holder.pid}${at(holder.endpoint)})`
    throw new CommandError(
      `another server has the data folder ${folder}${who}; stop it, or choose another folder with --data`,
      { exitCode: exitCodes.refused },
    )
  }

  /**
   * Takes part in `folder`, which exists, beside a server and other programs.
   * @throws CommandError `refused` while a server has it that doesn't share
   */
  static share(folder: string): FolderLock {
    const database = tryLock(folder, 'program')
    if (database !== undefined) return new FolderLock(folder, database)
    throw new CommandError(
      `a server of an earlier version has the data folder ${folder} for itself; stop it first`,
      { exitCode: exitCodes.refused },
    )
  }

  /** Writes the holder's description. It only informs, so a full disk is no reason to fail. */
  describe(holder: Holder): void {
    const file = holderFile(this.#folder)
    const note: Note = { ...holder, folder: folderId(this.#folder) }
    try {
      writeFileSync(`${file}.part`, `${JSON.stringify(note)}\n`, { mode: 0o600 })
      renameSync(`${file}.part`, file)
    } catch {
      // No description is better than an earlier server's.
      for (const left of [file, `${file}.part`]) rmSync(left, { force: true, recursive: true })
    }
  }

  /** Lets go of the folder, as the server that has it. */
  release(): void {
    rmSync(holderFile(this.#folder), { force: true })
    this.leave()
  }

  /** Lets go of the folder, as one of those that share it. */
  leave(): void {
    this.#database.close()
  }
}

/** True while a server has `folder`, which exists. */
export function isLocked(folder: string): boolean {
  const database = tryLock(folder, 'server')
  database?.close()
  return database === undefined
}

/** The server that has `folder`, by its description; undefined if it isn't known to be alive. */
export function readHolder(folder: string): Holder | undefined {
  const note = readNote(folder)
  return note?.token !== undefined && verdictOn(note.token) === 'dead' ? undefined : note
}

/** The description by the last server of this very folder, dead or alive. */
function readNote(folder: string): Holder | undefined {
  try {
    const note: Note = parseDocument(noteForm, readFileSync(holderFile(folder), 'utf8'))
    return note.folder === undefined || note.folder === folderId(folder) ? note : undefined
  } catch {
    return undefined
  }
}

/**
 * Kills workers that outlived the server before this one: they end by themselves as soon as they
 * notice, but one that is stopped would notice nothing, and might be in the middle of a commit. Only a
 * process is killed that has the rows of this very folder open.
 */
export function killSurvivors(folder: string): number {
  const tokens = readNote(folder)?.workers ?? []
  const survivors = tokens.filter((token) => isSurvivor(token, folder))
  for (const token of survivors) {
    try {
      process.kill(Number.parseInt(token, 10), 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
  return survivors.length
}

/** True if the process that made `token` runs, in this PID namespace, and works on `folder`. */
function isSurvivor(token: string, folder: string): boolean {
  const pid = Number.parseInt(token, 10)
  const found = livenessOf(pid)
  // Earlier versions wrote only the first part of the token.
  const isSame = token.includes(':') && `${found}:`.startsWith(`${token}:`)
  return (
    found !== undefined && isSame && hasOpen(pid, sharedFileOf(storeIn(folder).engine)) === true
  )
}

/** Tells a folder from its copies. */
function folderId(folder: string): string {
  const { dev, ino } = statSync(folder, { bigint: true })
  return `${dev}:${ino}`
}

/** The lock, or undefined while another process has one that excludes it. */
function tryLock(folder: string, claim: Claim): DatabaseSync | undefined {
  const file = join(folder, 'lock')
  const database = open(file)
  try {
    // Nothing is ever written, so a full disk can't prevent it.
    database.exec(`PRAGMA journal_mode = MEMORY; ${claims[claim]}`)
    return database
  } catch (error) {
    database.close()
    if (hasErrcode(error, sqliteBusy)) return undefined
    throw unusable(file, error)
  }
}

function open(file: string): DatabaseSync {
  try {
    prepare(file)
    return new DatabaseSync(file, { timeout: 0 })
  } catch (error) {
    throw unusable(file, error)
  }
}

/** Any user who can open the lock can hold it for ever, so only the owner may. */
function prepare(file: string): void {
  try {
    // Only where there is none: to close a file that is locked would release this process's own locks.
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    restrict(file, 0o600)
  }
}

/** Removes other users' rights to `path`, if this user may. */
function restrict(path: string, mode: number): void {
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, mode)
  } catch (error) {
    if (systemCode(error) !== 'EPERM' && systemCode(error) !== 'EROFS') throw error
  }
}

function unusable(file: string, error: unknown): CommandError {
  const reason = hasErrcode(error, sqliteNotADatabase)
    ? 'it has bytes that are not a lock; remove it once no program has the data folder open'
    : error instanceof Error
      ? error.message
      : String(error)
  return new CommandError(`can't lock ${file}: ${reason}`, { cause: error })
}

/** https://sqlite.org/rescode.html */
const [sqliteBusy, sqliteNotADatabase] = [5, 26]

function hasErrcode(error: unknown, errcode: number): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === errcode
}

function holderFile(folder: string): string {
  return join(folder, 'server.json')
}

function at(endpoint: string | undefined): string {
  return endpoint === undefined ? '' : ` at ${endpoint}`
}
