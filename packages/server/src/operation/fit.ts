// Checks, before a store is opened, that its rows and blobs are of the same store and time. If they don't match, nothing
// proves that a blob without a row is garbage, so the store isn't opened unless the operator accepts the mismatch. In
// that case, blobs of process starts that are missing from the rows are kept forever.

import { isDeepStrictEqual } from 'node:util'
import { storeIn } from '../base/store-location.ts'
import { asStartId, type StartId } from '../base/terms.ts'
import { type BlobFacts, lookAtBlobs, readMark, writeMark } from '../blob/mark.ts'
import type { Engine, ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import { lookAtEngine } from '../engine/location.ts'
import type { Log } from '../observe/log.ts'
import {
  type Identity,
  putIdentity,
  putUnknownStarts,
  readIdentity,
} from '../store/body/identity.ts'
import { listStarts, type NumberedStart, settleMarks } from '../store/body/process.ts'
import * as bodySchema from '../store/body/schema.ts'
import { lastOfSequence, raiseSequence } from '../store/row/sequence.ts'
import type { Acceptance } from './acceptance.ts'
import { recordLosses } from './loss.ts'

/** The kind of misfit. */
export type Misfit =
  | 'lost-rows'
  | 'older-rows'
  | 'lost-blobs'
  | 'older-blobs'
  | 'other-store'
  | 'damaged-mark'

/** The facts in the rows. */
export interface RowFacts {
  readonly identity: Identity | undefined
  /** The number of the last process start; 0 if there was none. */
  readonly lastStart: number
  /** The starts whose blobs were not swept yet. */
  readonly starts: readonly NumberedStart[]
  /** True if a row refers to a blob. */
  readonly hasBlobs: boolean
}

/** The facts if there are no rows. */
export const noRows: RowFacts = { identity: undefined, lastStart: 0, starts: [], hasBlobs: false }

/** `new`: the blobs have no identity yet, or are being given one. */
export type Fit = 'fits' | 'new' | Misfit

/** Compares the facts in the rows with those beside the blobs. */
export function judgeFit(rows: RowFacts, blobs: BlobFacts): Fit {
  const { identity, lastStart, hasBlobs } = rows
  const { mark, hasFiles } = blobs
  if (blobs.isMarkDamaged) return 'damaged-mark'
  if (identity?.adopts !== undefined) {
    const isUnderWay = mark?.id === identity.id || (mark?.id ?? null) === identity.adopts
    if (isUnderWay) return 'new'
  }
  if (identity === undefined && lastStart === 0) {
    return mark !== undefined || hasFiles ? 'lost-rows' : 'new'
  }
  // Rows are durable before the mark: the mark can lag behind the rows, but not the reverse.
  if (mark !== undefined && mark.id !== identity?.id) {
    const isOlder = identity === undefined || mark.former.includes(identity.id)
    return isOlder ? 'older-rows' : 'other-store'
  }
  if (greatestStartOf(blobs) > lastStart) return 'older-rows'
  if (isBehind(rows, blobs)) return 'older-rows'
  if (mark !== undefined) return lackMarks(rows, blobs) ? 'older-blobs' : 'fits'
  return identity !== undefined || (hasBlobs && !hasFiles) ? 'lost-blobs' : 'new'
}

function greatestStartOf({ mark, greatestStart, marks }: BlobFacts): number {
  return Math.max(greatestStart, mark?.starts ?? 0, ...marks.keys())
}

/** True if a mark beside the blobs is later than in the rows, which are written first. */
function isBehind({ starts }: RowFacts, { marks }: BlobFacts): boolean {
  return starts.some(({ number, record: { mark } }) => {
    return mark !== undefined && (marks.get(number) ?? 0) > mark
  })
}

/** True if a mark beside the blobs is missing, or older than one confirmed in the rows. */
function lackMarks({ starts }: RowFacts, { marks }: BlobFacts): boolean {
  return starts.some(({ number, record }) => (marks.get(number) ?? 0) < record.marked)
}

/** The error for rows and blobs of different stores or times. The message includes the remedy. */
export class MisfitError extends Error {
  override readonly name = 'MisfitError'
  readonly misfit: Misfit

  constructor(misfit: Misfit, dataFolder: string) {
    super(`can't use the data folder ${dataFolder}: ${describeMisfit(misfit)}`)
    this.misfit = misfit
  }
}

/** The sentence for a misfit, with the remedy. */
export function describeMisfit(misfit: Misfit): string {
  switch (misfit) {
    case 'lost-rows':
      return (
        'engine/ has no rows, but blobs/ is of a store that had some: is a disk not mounted, or a backup ' +
        'half restored? Restore engine/, or start once with --accept-lost-rows: that begins an empty ' +
        'store, and keeps the files in blobs/.'
      )
    case 'older-rows':
      return (
        'engine/ is older than blobs/, which has later changes. Restore both from one backup, or start once ' +
        'with --accept-lost-rows: that continues with the older engine/, and keeps the unknown files in blobs/.'
      )
    case 'lost-blobs':
      return (
        'blobs/ is missing or empty, or has lost its store.json, but engine/ is of a store that had it: is ' +
        'a disk not mounted, or a backup half restored? Restore blobs/, or start once with ' +
        '--accept-lost-blobs: then objects whose files are gone can be listed and deleted, not read.'
      )
    case 'older-blobs':
      return (
        'blobs/ is older than engine/, which refers to files that were written later. Restore both from one ' +
        'backup, or start once with --accept-lost-blobs: then objects whose files are gone can be listed ' +
        'and deleted, not read.'
      )
    case 'damaged-mark':
      return (
        'blobs/store.json, or a store-….json beside it, which identify the store of the files, are malformed. ' +
        'Restore it from a backup, or remove it and start once with --accept-lost-blobs.'
      )
    case 'other-store':
      return (
        'engine/ and blobs/ are of two different stores, so objects would get foreign bodies. Put the ' +
        'matching folders together again.'
      )
  }
}

/** The location of rows and blobs, and the accepted mismatches. */
export interface FitOptions {
  readonly dataFolder: string
  readonly accepts: readonly Acceptance[]
  /** The identity for a store that has none. */
  readonly newId: string
  readonly log: Log
}

/** Examines whether rows and blobs match, without changing anything. */
export async function examineFit(engine: Engine, dataFolder: string): Promise<Fit> {
  // In this order: the blobs lag behind the rows.
  const url = storeIn(dataFolder).blobs
  let blobs = await lookAtBlobs(url)
  for (let attempt = 1; ; attempt++) {
    const fit = judgeFit(await engine.read(readFacts), blobs)
    if (fit === 'fits' || fit === 'new' || attempt === attempts) return fit
    // A running server may change them meanwhile.
    const later = await lookAtBlobs(url)
    if (isDeepStrictEqual(later, blobs)) return fit
    blobs = later
  }
}

/**
 * The same before an engine is opened, which would create missing rows. A missing or empty file has no rows. Undefined if
 * there are rows.
 */
export async function examineWithoutRows(dataFolder: string): Promise<Fit | undefined> {
  // In this order, since another process may be creating the store.
  const blobs = await lookAtBlobs(storeIn(dataFolder).blobs)
  const rows = await lookAtEngine(storeIn(dataFolder).engine)
  return rows !== undefined && rows.sizeBytes > 0 ? undefined : judgeFit(noRows, blobs)
}

/** Refuses blobs without rows before an engine is created. @throws MisfitError */
export async function refuseLostRows({
  dataFolder,
  accepts,
}: Pick<FitOptions, 'dataFolder' | 'accepts'>): Promise<void> {
  const fit = await examineWithoutRows(dataFolder)
  if (fit === 'lost-rows' && !isAccepted(fit, accepts)) throw new MisfitError(fit, dataFolder)
}

/** Examines the blobs again if another process has changed them meanwhile. */
const attempts = 4

/**
 * Ensures that rows and blobs are of the same store. Gives both an identity if they have none, and refuses a mismatch
 * that isn't accepted. May be interrupted anywhere, and run by several processes concurrently.
 * @throws MisfitError
 */
export async function ensureFit(engine: Engine, options: FitOptions): Promise<void> {
  const url = storeIn(options.dataFolder).blobs
  for (let attempt = 1; ; attempt++) {
    const blobs = await lookAtBlobs(url)
    try {
      return await settle(engine, blobs, options)
    } catch (error) {
      const isSame = isDeepStrictEqual(await lookAtBlobs(url), blobs)
      if (!(error instanceof MisfitError) || isSame || attempt === attempts) throw error
    }
  }
}

async function settle(engine: Engine, blobs: BlobFacts, options: FitOptions): Promise<void> {
  const fit = judgeFit(await engine.read(readFacts), blobs)
  if (fit !== 'fits' && fit !== 'new' && isAccepted(fit, options.accepts)) {
    // Before the rest, so that an interrupted start repeats it.
    const lost = await recordLosses(engine, storeIn(options.dataFolder).blobs)
    options.log.warn('rows and bodies that do not match were accepted', { misfit: fit, lost })
  }
  // The rows decide, so that all processes write the same mark.
  const { id, adopts } = await engine.write((tx) => adopt(tx, blobs, options))
  if (adopts === undefined) return
  const former = [...(blobs.mark?.former ?? []), ...(adopts === null ? [] : [adopts])]
  const url = storeIn(options.dataFolder).blobs
  if (blobs.mark?.id !== id) await writeMark(url, { id, starts: 0, former })
  await engine.write(async (tx) => {
    const known = await readIdentity(tx)
    if (known?.id === id && known.adopts !== undefined) putIdentity(tx, { id })
  })
}

/** Gives the blobs the identity of the rows, if they match or the mismatch is accepted. Returns the identity. */
async function adopt(
  tx: WriteTransaction,
  blobs: BlobFacts,
  { accepts, newId, dataFolder }: FitOptions,
): Promise<Identity> {
  const rows = await readFacts(tx)
  const { identity } = rows
  const fit = judgeFit(rows, blobs)
  const adopts = blobs.mark?.id ?? null
  const greatest = greatestStartOf(blobs)
  if (fit === 'fits' || fit === 'new') {
    if (identity !== undefined) return identity
  } else if (isAccepted(fit, accepts)) {
    if (fit !== 'older-blobs') disownStarts(tx, rows, { fit, greatest, adopts })
    await settleMarks(tx, blobs.marks)
    if (fit === 'older-blobs' && identity !== undefined) return identity
  } else {
    throw new MisfitError(fit, dataFolder)
  }
  await raiseSequence(tx, 'process-start', greatest)
  if (fit === 'older-rows' && identity?.id === adopts) return identity
  const id = fit === 'lost-blobs' ? (identity?.id ?? newId) : newId
  putIdentity(tx, { id, adopts })
  return { id, adopts }
}

function isAccepted(fit: Misfit, accepts: readonly Acceptance[]): boolean {
  switch (fit) {
    case 'lost-rows':
    case 'older-rows':
      return accepts.includes('lost-rows')
    case 'lost-blobs':
    case 'older-blobs':
      return accepts.includes('lost-blobs')
    case 'other-store':
    case 'damaged-mark':
      return false
  }
}

/** Records the starts whose blobs must not be removed. */
function disownStarts(
  tx: WriteTransaction,
  { identity, lastStart, starts }: RowFacts,
  facts: { readonly fit: Misfit; readonly greatest: number; readonly adopts: string | null },
): void {
  const { fit, greatest, adopts } = facts
  // Older rows have their own starts. Otherwise, the blobs may belong to any store, regardless of their numbers.
  const knowsItsOwn = fit === 'older-rows' && (identity !== undefined || adopts === null)
  const first = asStartId(knowsItsOwn ? lastStart + 1 : 1)
  if (greatest >= first) putUnknownStarts(tx, { first, last: asStartId(greatest) })
  if (!knowsItsOwn) return
  // Starts that were live when the rows were copied have continued to write.
  for (const { number, record } of starts) {
    if (record.liveness !== '') putUnknownStarts(tx, { first: number, last: number })
  }
}

async function readFacts(tx: ReadTransaction): Promise<RowFacts> {
  const identity = await readIdentity(tx)
  const lastStart = await lastOfSequence(tx, 'process-start')
  let hasBlobs = false
  for await (const _ of tx.range(bodySchema.blobCounts())) {
    hasBlobs = true
    break
  }
  return { identity, lastStart, starts: await listStarts(tx), hasBlobs }
}

/**
 * Records beside the blobs that the number of process start `start` is used. Call this once the start's row is durable.
 * Rows that are restored later, without that start, are thus detected.
 */
export async function noteStart(dataFolder: string, start: StartId): Promise<void> {
  const url = storeIn(dataFolder).blobs
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const mark = await readMark(url)
    if (mark === undefined || mark === 'damaged' || mark.starts >= start) return
    // Another process may overwrite the mark with its own, lower number, so the mark is read again.
    await writeMark(url, { ...mark, starts: start })
  }
}
