// The progress note, an object under the target during folder work. It tells readers that the
// folder is incomplete, and stores the task and its state for a later continuation.

import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { UnfinishedFolderError } from './errors.ts'
import { type Context, isAbsence, type Place } from './plain-s3-object.ts'
import { sendOptions } from './request.ts'

/** The name of the note, below the folder. */
export const noteName = '.holdfast-unfinished'

/** A task and its state. */
export interface Note {
  readonly action: 'rename' | 'copy'
  readonly source: Place
  /**
   * `clearing`: the old contents of the target are being removed. `filling`: objects are being
   * copied. `emptying`: all are copied, and the source is being removed.
   */
  readonly state: 'clearing' | 'filling' | 'emptying'
}

/**
 * Reads the note under a folder; undefined if the folder is complete. @throws UnfinishedFolderError
 * if it is malformed
 */
export async function readNote({ s3, signal }: Context, folder: Place): Promise<Note | undefined> {
  let text: string
  try {
    const { Body } = await s3.send(new GetObjectCommand(addressOf(folder)), sendOptions(signal))
    text = (await Body?.transformToString()) ?? ''
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
  const note = parseNote(text)
  if (note !== undefined) return note
  throw new UnfinishedFolderError(`${folder.key}${noteName} is malformed`)
}

/** Writes the note, replacing an earlier one. */
export async function writeNote({ s3, signal }: Context, folder: Place, note: Note): Promise<void> {
  const body = { Body: JSON.stringify(note), ContentType: 'application/json' }
  await s3.send(new PutObjectCommand({ ...addressOf(folder), ...body }), sendOptions(signal))
}

/** Marks the folder as complete. */
export async function removeNote({ s3, signal }: Context, folder: Place): Promise<void> {
  await s3.send(new DeleteObjectCommand(addressOf(folder)), sendOptions(signal))
}

function addressOf({ bucket, key }: Place): { readonly Bucket: string; readonly Key: string } {
  return { Bucket: bucket, Key: `${key}${noteName}` }
}

function parseNote(text: string): Note | undefined {
  const note = objectOf(parseJson(text))
  const source = objectOf(note['source'])
  const { action, state } = note
  const { bucket, key } = source
  if (action !== 'rename' && action !== 'copy') return undefined
  if (state !== 'clearing' && state !== 'filling' && state !== 'emptying') return undefined
  if (typeof bucket !== 'string' || typeof key !== 'string') return undefined
  return { action, state, source: { bucket, key } }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The caller reports the malformed note.
    return undefined
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
