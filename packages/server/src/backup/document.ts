// The two documents of a backup: its head, written first, and its end, written when everything else is
// there. Both are a line of JSON; the end's second line is the SHA-256 of its first.

import { createHash } from 'node:crypto'
import {
  anyText,
  count,
  DocumentError,
  type Form,
  fields,
  list,
  matching,
  optional,
  parseDocument,
  text,
} from '../base/document.ts'
import { BackupError } from './error.ts'

/** The format of backups; a greater number is refused. */
const backupFormat = 1

/** The backup on which an incremental one builds. */
export interface Base {
  readonly id: string
  /** Where it was: absolute, or relative to the folder of the backup that builds on it. */
  readonly folder: string
}

/** The description of a backup. */
export interface Head {
  /** The number of the format of rows. */
  readonly rowFormat: number
  /** The version of Holdfast that made the backup. */
  readonly version: string
  /** Random. */
  readonly id: string
  /** The identity of the store. */
  readonly store: string
  readonly base?: Base | undefined
}

/** A body that was damaged or missing when the backup was made. */
export interface DamagedEntry {
  /** As in messages: `blob 3-17`, `body 12`. */
  readonly body: string
  readonly fault: string
  /** Up to ten objects that have it, as `bucket/key`. */
  readonly objects: readonly string[]
}

/** The contents of a complete backup. */
export interface End {
  /** The SHA-256 of the head's file. */
  readonly head: string
  /** The moment that the backup shows, ISO 8601. */
  readonly moment: string
  readonly chunks: number
  readonly rows: number
  /** Blobs in the backup itself. */
  readonly blobs: number
  readonly blobBytes: number
  /** Blobs in the backups on which it builds. */
  readonly inheritedBlobs: number
  /** The SHA-256 of each file in `sums/` and `inherited/`, in order. */
  readonly sums: readonly string[]
  readonly inherited: readonly string[]
  readonly damaged: readonly DamagedEntry[]
  /** Ids of blobs whose loss an operator had accepted before. */
  readonly lost: readonly string[]
}

const sha256 = matching(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')

const formatForm = fields({ holdfastBackup: count, rowFormat: count, version: text })

const headForm = fields({
  rowFormat: count,
  version: text,
  id: text,
  store: text,
  base: optional(fields({ id: text, folder: anyText })),
})

const endForm = fields({
  head: sha256,
  moment: text,
  chunks: count,
  rows: count,
  blobs: count,
  blobBytes: count,
  inheritedBlobs: count,
  sums: list(sha256),
  inherited: list(sha256),
  damaged: list(fields({ body: anyText, fault: anyText, objects: list(anyText) })),
  lost: list(anyText),
})

export function hashOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function encodeHead(head: Head): Buffer {
  return Buffer.from(`${JSON.stringify({ holdfastBackup: backupFormat, ...head })}\n`)
}

/** @throws BackupError for a newer format, and for anything but a head */
export function decodeHead(bytes: Uint8Array, rowFormat: number): Head {
  const what = 'backup.json'
  const content = Buffer.from(bytes).toString()
  const formats = parse(formatForm, content, what)
  if (formats.holdfastBackup > backupFormat || formats.rowFormat > rowFormat) {
    throw new BackupError(
      `the backup was made by a newer version, Holdfast ${formats.version}: restore it with that version or a newer one`,
    )
  }
  return parse(headForm, content, what)
}

export function encodeEnd(end: End): Buffer {
  const line = JSON.stringify(end)
  return Buffer.from(`${line}\n${hashOf(line)}\n`)
}

/** @throws BackupError if it is damaged */
export function decodeEnd(bytes: Uint8Array): End {
  const [line = '', sum, ...rest] = Buffer.from(bytes).toString().split('\n')
  if (rest.join('') !== '' || hashOf(line) !== sum) {
    throw new BackupError('the backup is damaged: complete.json differs from its checksum')
  }
  return parse(endForm, line, 'complete.json')
}

function parse<T>(form: Form<T>, content: string, name: string): T {
  try {
    return parseDocument(form, content)
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    throw new BackupError(`the backup is damaged: ${name} can't be understood: ${error.message}`, {
      cause: error,
    })
  }
}
