// `holdfast sync`: makes a folder equal to another. One of them may be on this machine.

import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { copyObject, forEachConcurrently } from 'holdfast-client'
import { CommandError, exitCodes } from '../../base/exit.ts'
import { isSame, type Pairing, pair } from './compare.ts'
import { fetch } from './download.ts'
import { formatCount, formatSize, printable } from './format.ts'
import { placeOf } from './local.ts'
import { Progress } from './progress.ts'
import { type Session, withServer } from './session.ts'
import { type Reading, type SideEntry, showEntry, showPlace } from './side.ts'
import { Skipped } from './skipping.ts'
import { Spellings } from './spelling.ts'
import type { SyncConfig } from './sync-config.ts'
import { send } from './upload.ts'

/** The number of concurrent files, and of concurrent parts of each. */
const filesAtOnce = 8
const partsAtOnce = 2

interface Counts {
  copied: number
  bytes: number
  removed: number
  same: number
}

/** Copies differences, then removes surplus names if requested, and prints a summary. */
export async function sync(config: SyncConfig): Promise<number> {
  const { counts, skipped } = await withServer(config.server, async (session) => {
    const syncing = new Syncing(session, config)
    await syncing.copy()
    if (config.isDeleting) await syncing.remove()
    return syncing
  })
  if (config.isJson) console.log(JSON.stringify({ summary: { ...counts, skipped: skipped.count } }))
  else console.log(summarize(config, counts))
  if (skipped.count === 0) return exitCodes.ok
  const kept = config.isDeleting ? ', and nothing was removed' : ''
  throw new CommandError(
    `${formatCount(skipped.count, 'name')} could not be copied${kept}: see above`,
  )
}

function summarize(
  { from, to, isDryRun, isDeleting }: SyncConfig,
  { copied, bytes, removed, same }: Counts,
): string {
  const would = isDryRun ? 'would have ' : ''
  const gone = isDeleting ? `, removed ${removed}` : ''
  return (
    `${would}copied ${formatCount(copied, 'object')} (${formatSize(bytes)})${gone}, ` +
    `left ${same} as they are: ${showPlace(from)} to ${showPlace(to)}`
  )
}

/** One run of the command. */
class Syncing {
  readonly counts: Counts = { copied: 0, bytes: 0, removed: 0, same: 0 }
  readonly skipped: Skipped
  readonly #session: Session
  readonly #config: SyncConfig
  readonly #progress = new Progress()
  /** True once the source is known to have an entry. */
  #hasSource = false

  constructor(session: Session, config: SyncConfig) {
    this.#session = session
    this.#config = config
    this.skipped = new Skipped(this.#progress)
  }

  /** Copies the entries that are missing or different in the target. */
  async copy(): Promise<void> {
    const { to, isDryRun } = this.#config
    const spellings =
      to.kind === 'local' && !isDryRun ? await Spellings.of(to.folder) : new Spellings(false)
    const atOnce = { limit: filesAtOnce, signal: this.#session.signal }
    await forEachConcurrently(this.#pairs(), atOnce, async (pairing, signal) => {
      if (pairing.kind === 'target') return
      this.#hasSource = true
      if (await this.#isCurrent(pairing)) this.counts.same += 1
      else await this.#copyOne(pairing.from, spellings, signal)
    }).finally(() => this.#progress.clear())
  }

  /**
   * Removes the entries that the source lacks. Removes nothing if the source is empty, or an entry of it could not be
   * read or copied: then, the absence of a name proves nothing.
   */
  async remove(): Promise<void> {
    if (this.skipped.count > 0) return
    const { from, to, isDryRun } = this.#config
    const atOnce = { limit: filesAtOnce, signal: this.#session.signal }
    await forEachConcurrently(this.#pairs(), atOnce, async (pairing, signal) => {
      if (pairing.kind !== 'target') return
      if (!this.#hasSource) {
        throw new CommandError(
          `${showPlace(from)} is empty: nothing was removed. To empty ${showPlace(to)}, use holdfast rm`,
        )
      }
      if (this.skipped.count > 0) return
      if (!isDryRun) await this.#removeOne(pairing.to.name, signal)
      this.counts.removed += 1
      this.#tell('removed', showEntry(to, pairing.to.name))
    }).finally(() => this.#progress.clear())
  }

  #pairs(): AsyncGenerator<Pairing> {
    const { from, to, excluded } = this.#config
    const reading: Reading = {
      asking: this.#session,
      excluded,
      hasMarks: from.kind === to.kind,
      onSkipped: (name, why) => this.skipped.skip(name, why),
      onOther: (name, why) => this.skipped.note(name, why),
    }
    return pair(this.#config, { from: reading, to: reading })
  }

  async #isCurrent(pairing: Exclude<Pairing, { kind: 'target' }>): Promise<boolean> {
    if (pairing.kind === 'source') return false
    const comparison = this.#config.readsContent ? 'content' : 'time'
    return isSame(this.#session, this.#config, pairing, comparison)
  }

  async #copyOne(entry: SideEntry, spellings: Spellings, signal: AbortSignal): Promise<void> {
    const { from, isDryRun } = this.#config
    const shown = showEntry(from, entry.name)
    const isCopied =
      isDryRun ||
      (await this.skipped.orSkip(shown, signal, () => this.#transfer(entry, spellings, signal)))
    if (!isCopied) return
    this.counts.copied += 1
    this.counts.bytes += entry.sizeBytes
    this.#tell('copied', shown)
  }

  async #transfer(entry: SideEntry, spellings: Spellings, signal: AbortSignal): Promise<void> {
    const { from, to } = this.#config
    const session = { ...this.#session, signal }
    const onBytes = (): void => this.#show()
    if (from.kind === 'local' && to.kind === 'remote') {
      const body = createReadStream(join(from.folder, entry.name))
      const target = { bucket: to.folder.bucket, key: to.folder.key + entry.name }
      const { sizeBytes } = entry
      const options = { isCareful: false, contentType: undefined }
      await send(session, options, { body, sizeBytes, target, queueSize: partsAtOnce, onBytes })
      return
    }
    if (from.kind === 'local') throw new Error('two folders of this machine')
    const source = { bucket: from.folder.bucket, key: from.folder.key + entry.name }
    if (to.kind === 'remote') {
      const target = { bucket: to.folder.bucket, key: to.folder.key + entry.name }
      const listed = { etag: entry.etag ?? '', sizeBytes: entry.sizeBytes }
      await copyObject(session, { source, listed, target })
      return
    }
    const place = placeOf(to.folder, entry.name)
    if (!('path' in place)) throw new CommandError(place.why)
    if (!spellings.add(place.path)) {
      throw new CommandError('another name differs from it in upper and lower case only')
    }
    await fetch(session, { from: source, path: place.path, isCareful: false, onBytes })
  }

  async #removeOne(name: string, signal: AbortSignal): Promise<void> {
    const { to } = this.#config
    if (to.kind === 'local') {
      await rm(join(to.folder, name), { force: true })
      return
    }
    const command = new DeleteObjectCommand({ Bucket: to.folder.bucket, Key: to.folder.key + name })
    await this.#session.s3.send(command, { abortSignal: signal })
  }

  #show(): void {
    const { copied, bytes } = this.counts
    this.#progress.show({ what: 'synchronizing', bytes, objects: copied })
  }

  #tell(action: 'copied' | 'removed', name: string): void {
    const { isDryRun, isJson } = this.#config
    if (!isDryRun && !isJson) {
      this.#show()
      return
    }
    this.#progress.clear()
    if (isJson) console.log(JSON.stringify({ [isDryRun ? `would-be-${action}` : action]: name }))
    else console.log(`would have ${action} ${printable(name)}`)
  }
}
