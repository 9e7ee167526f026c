// The lock on a data folder, held by one server, and shared by any number of embedding programs. It is a kernel lock on
// a file in the folder, taken through SQLite, since Node has no call for it. The kernel releases it at the end of the
// process, and enforces it between containers. The server also writes a description of itself beside the lock. The
// description alone is never trusted, since the folder may be a copy.

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

/** The description of the server that holds the lock. */
export interface Holder {
  readonly pid: number
  /** The liveness token; absent if an earlier version wrote the description. */
  readonly token?: string | undefined
  /** The endpoint, once the server is ready. */
  readonly endpoint?: string | undefined
  /** ISO 8601 */
  readonly startedAt: string
  /** The liveness tokens of the workers. */
  readonly workers: readonly string[]
}

/** The stored description, with the {@link folderId} of its folder. */
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
 * The mode of the lock, by its SQLite lock: `server` excludes other servers, and `program` only servers of earlier
 * versions, which didn't share the folder.
 */
type Claim = 'server' | 'program'

const claims: Readonly<Record<Claim, string>> = {
  server: 'BEGIN IMMEDIATE',
  // A read transaction holds its lock until its end.
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

  /** Takes the lock on `folder`, which exists. @throws CommandError `refused` while another server holds it */
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
   * Shares `folder`, which exists, with a server and other programs.
   * @throws CommandError `refused` while a server that doesn't share holds the lock
   */
  static share(folder: string): FolderLock {
    const database = tryLock(folder, 'program')
    if (database !== undefined) return new FolderLock(folder, database)
    throw new CommandError(
      `a server of an earlier version has the data folder ${folder} for itself; stop it first`,
      { exitCode: exitCodes.refused },
    )
  }

  /** Writes the holder's description. Errors, as on a full disk, are ignored, since the file only informs. */
  describe(holder: Holder): void {
    const file = holderFile(this.#folder)
    const note: Note = { ...holder, folder: folderId(this.#folder) }
    try {
      writeFileSync(`${file}.part`, `${JSON.stringify(note)}\n`, { mode: 0o600 })
      renameSync(`${file}.part`, file)
    } catch {
      // A missing description is better than that of an earlier server.
      for (const left of [file, `${file}.part`]) rmSync(left, { force: true, recursive: true })
    }
  }

  /** Releases the lock of a server. */
  release(): void {
    rmSync(holderFile(this.#folder), { force: true })
    this.leave()
  }

  /** Releases the lock of a program that shares the folder. */
  leave(): void {
    this.#database.close()
  }
}

/** True while a server holds the lock on `folder`, which exists. */
export function isLocked(folder: string): boolean {
  const database = tryLock(folder, 'server')
  database?.close()
  return database === undefined
}

/** The description of the server that holds `folder`; undefined if there is none, or the server is dead. */
export function readHolder(folder: string): Holder | undefined {
  const note = readNote(folder)
  return note?.token !== undefined && verdictOn(note.token) === 'dead' ? undefined : note
}

/** The description of the last server of this folder, dead or alive. */
function readNote(folder: string): Holder | undefined {
  try {
    const note: Note = parseDocument(noteForm, readFileSync(holderFile(folder), 'utf8'))
    return note.folder === undefined || note.folder === folderId(folder) ? note : undefined
  } catch {
    return undefined
  }
}

/**
 * Kills workers that survived the previous server. Workers end by themselves when they notice the loss of their
 * primary, but a stopped one doesn't notice, and might be in the middle of a commit. Kills only processes that have the
 * rows of this folder open. Returns their number.
 */
export function killSurvivors(folder: string): number {
  const tokens = readNote(folder)?.workers ?? []
  const survivors = tokens.filter((token) => isSurvivor(token, folder))
  for (const token of survivors) {
    try {
      process.kill(Number.parseInt(token, 10), 'SIGKILL')
    } catch {
      // The process has ended by itself.
    }
  }
  return survivors.length
}

/** True if the process of `token` runs in this PID namespace, and has `folder` open. */
function isSurvivor(token: string, folder: string): boolean {
  const pid = Number.parseInt(token, 10)
  const found = livenessOf(pid)
  // Earlier versions wrote only the first part of the token.
  const isSame = token.includes(':') && `${found}:`.startsWith(`${token}:`)
  return (
    found !== undefined && isSame && hasOpen(pid, sharedFileOf(storeIn(folder).engine)) === true
  )
}

/** Identifies a folder, unlike its copies. */
function folderId(folder: string): string {
  const { dev, ino } = statSync(folder, { bigint: true })
  return `${dev}:${ino}`
}

/** Takes the lock; undefined while another process holds an excluding one. */
function tryLock(folder: string, claim: Claim): DatabaseSync | undefined {
  const file = join(folder, 'lock')
  const database = open(file)
  try {
    // Nothing is written, so a full disk is no obstacle.
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

/** Creates the lock file, readable by its owner only. Any user who can open the file could hold the lock forever. */
function prepare(file: string): void {
  try {
    // Only if missing: closing a locked file would release this process's own locks.
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
