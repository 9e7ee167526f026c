// `holdfast import s3://…`: imports buckets of another S3 server. Later runs copy only changes, so that a stopped run
// continues, and the last run before the switch is short.

import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { forEachConcurrently } from 'holdfast-client'
import { CommandError, exitCodes } from '../../base/exit.ts'
import { readAuthorities } from './authority.ts'
import { isSame, type Pairing, pair } from './compare.ts'
import { explainFailure, type Peer } from './failure.ts'
import { formatCount, formatSize, printable } from './format.ts'
import type { BucketImportConfig, SourceServer } from './import-config.ts'
import { type RemoteName, show } from './name.ts'
import { Progress } from './progress.ts'
import { type Session, withServer } from './session.ts'
import type { Place, Reading, SideEntry } from './side.ts'
import { Skipped } from './skipping.ts'
import { hasComparableEtag, transfer } from './transfer.ts'

/** The counts of an import. */
interface Counts {
  /** Objects that the target already had. */
  same: number
  copied: number
  bytes: number
  removed: number
  /** With `--check`: objects that are missing, different, or surplus. */
  missing: number
  different: number
  surplus: number
}

/** Imports, and prints a line for each bucket. Succeeds only if the targets are complete. */
export async function importBuckets(config: BucketImportConfig): Promise<number> {
  const failed = await withServer(config.server, async (session) => {
    const failures = new WeakSet<object>()
    const source = await openSource(config.source, failures)
    try {
      let incomplete = 0
      for (const from of config.names ?? (await bucketsOf(source, session))) {
        const importing = new Importing({ session, source, config, from, to: config.to ?? from })
        if (!(await importing.run())) incomplete += 1
      }
      return incomplete
    } catch (error) {
      const isOfSource = typeof error === 'object' && error !== null && failures.has(error)
      if (!isOfSource) throw error
      throw (await explainFailure(error, peerOf(config.source))) ?? error
    } finally {
      source.destroy()
    }
  })
  if (failed === 0) return exitCodes.ok
  if (config.isCheck) return exitCodes.failure
  throw new CommandError('not everything was copied: see above, and run the same command again')
}

/** A client of the source, whose failures are added to `failures`. */
async function openSource(
  { endpoint, region, key, profile, ca }: SourceServer,
  failures: WeakSet<object>,
): Promise<S3Client> {
  const trust = ca === undefined ? {} : { httpsAgent: { ca: await readAuthorities(ca) } }
  const s3 = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    requestHandler: { connectionTimeout: 10_000, socketTimeout: 120_000, ...trust },
    ...(key === undefined ? {} : { credentials: key }),
    ...(profile === undefined ? {} : { profile }),
  })
  s3.middlewareStack.add(
    (next) => (args) =>
      next(args).catch((error: unknown) => {
        if (typeof error === 'object' && error !== null) failures.add(error)
        throw error
      }),
    { step: 'initialize', priority: 'high' },
  )
  return s3
}

/** The source, for messages about failures. */
function peerOf({ endpoint, key, profile }: SourceServer): Peer {
  const keySource = key === undefined ? `of the profile ${profile}` : key.accessKeyId
  return { endpoint, keySource, proxy: undefined }
}

async function bucketsOf(source: S3Client, { signal }: Session): Promise<readonly RemoteName[]> {
  const names: RemoteName[] = []
  let token: string | undefined
  do {
    const command = new ListBucketsCommand({ ContinuationToken: token })
    const page = await source.send(command, { abortSignal: signal })
    for (const { Name = '' } of page.Buckets ?? []) names.push({ bucket: Name, key: '' })
    token = page.ContinuationToken
  } while (token !== undefined && token !== '')
  return names
}

interface Task {
  readonly session: Session
  readonly source: S3Client
  readonly config: BucketImportConfig
  readonly from: RemoteName
  readonly to: RemoteName
}

/** The import of one bucket, or of a folder in it. */
class Importing {
  readonly #task: Task
  readonly #progress = new Progress()
  readonly #skipped = new Skipped(this.#progress)
  readonly #places: { readonly from: Place; readonly to: Place }
  readonly #counts: Counts = {
    ...{ same: 0, copied: 0, bytes: 0, removed: 0 },
    ...{ missing: 0, different: 0, surplus: 0 },
  }

  constructor(task: Task) {
    this.#task = task
    this.#places = {
      from: { kind: 'remote', folder: task.from },
      to: { kind: 'remote', folder: task.to },
    }
  }

  /** Runs the import. True if the target is complete afterwards. */
  async run(): Promise<boolean> {
    const { config, session } = this.#task
    await this.#warnOfVersions()
    const isThere = await this.#hasTarget()
    if (!isThere && config.isCheck) {
      throw new CommandError(`there is no bucket s3://${this.#task.to.bucket} yet`)
    }
    if (!isThere && !config.isDryRun) await this.#createTarget()
    const atOnce = { limit: config.atOnce, signal: session.signal }
    const pairs = this.#pairs(isThere || !config.isDryRun)
    await forEachConcurrently(pairs, atOnce, (pairing, signal) =>
      this.#treat(pairing, signal),
    ).finally(() => this.#progress.clear())
    if (config.isDeleting && !config.isCheck) await this.#removeSurplus()
    this.#print()
    const { missing, different } = this.#counts
    return this.#skipped.count + missing + different === 0
  }

  async #warnOfVersions(): Promise<void> {
    const { source, from, session } = this.#task
    const command = new GetBucketVersioningCommand({ Bucket: from.bucket })
    const { Status } = await source.send(command, { abortSignal: session.signal })
    if (Status === undefined) return
    console.error(
      `holdfast: ${show(from)} has versions; only the current one of each object is copied`,
    )
  }

  async #hasTarget(): Promise<boolean> {
    const { session, to } = this.#task
    try {
      const command = new HeadBucketCommand({ Bucket: to.bucket })
      await session.s3.send(command, { abortSignal: session.signal })
      return true
    } catch (error) {
      if (error instanceof Error && error.name === 'NotFound') return false
      throw error
    }
  }

  async #createTarget(): Promise<void> {
    const { session, to } = this.#task
    const command = new CreateBucketCommand({ Bucket: to.bucket })
    await session.s3.send(command, { abortSignal: session.signal })
  }

  #pairs(hasTarget: boolean): AsyncGenerator<Pairing> {
    const { session, source } = this.#task
    const reading: Reading = {
      asking: { s3: source, signal: session.signal },
      excluded: [],
      hasMarks: true,
      onSkipped: (name, why) => this.#skipped.skip(name, why),
      onOther: (name, why) => this.#skipped.note(name, why),
    }
    const target = { ...reading, asking: session, isAbsent: !hasTarget }
    return pair(this.#places, { from: reading, to: target })
  }

  async #treat(pairing: Pairing, signal: AbortSignal): Promise<void> {
    const { config } = this.#task
    if (pairing.kind === 'target') {
      this.#counts.surplus += 1
      if (config.isCheck) this.#tell('surplus', pairing.to.name)
      return
    }
    if (await this.#isCurrent(pairing, signal)) this.#counts.same += 1
    else if (config.isCheck) this.#note(pairing)
    else await this.#copy(pairing.from, signal)
    this.#show()
  }

  async #isCurrent(
    pairing: Exclude<Pairing, { kind: 'target' }>,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (pairing.kind === 'source') return false
    const { source } = this.#task
    const asking = { s3: source, signal }
    if (await isSame(asking, this.#places, pairing, 'time')) return true
    if (pairing.from.sizeBytes !== pairing.to.sizeBytes) return false
    const { bucket, key } = this.#name('from', pairing.from.name)
    const command = new HeadObjectCommand({ Bucket: bucket, Key: key })
    const head = await source.send(command, { abortSignal: signal })
    return !hasComparableEtag(head) && pairing.from.modified <= pairing.to.modified
  }

  #note(pairing: Exclude<Pairing, { kind: 'target' }>): void {
    const difference = pairing.kind === 'source' ? 'missing' : 'different'
    this.#counts[difference] += 1
    this.#tell(difference, pairing.from.name)
  }

  async #copy({ name, sizeBytes }: SideEntry, signal: AbortSignal): Promise<void> {
    const { source, session, config } = this.#task
    const [from, to] = [this.#name('from', name), this.#name('to', name)]
    let passed = 0
    const onBytes = (bytes: number): void => {
      passed += bytes
      this.#counts.bytes += bytes
      this.#show()
    }
    const route = { source, target: session.s3, signal }
    const isCopied =
      config.isDryRun ||
      (await this.#skipped.orSkip(show(from), signal, async () => {
        await transfer(route, { from, to, onBytes })
      }))
    if (!isCopied) this.#counts.bytes -= passed
    else {
      this.#counts.copied += 1
      if (config.isDryRun) {
        this.#counts.bytes += sizeBytes
        this.#tell('would be copied', name)
      }
    }
  }

  /** Removes names that the source doesn't have after all copies are done. */
  async #removeSurplus(): Promise<void> {
    const { session, config } = this.#task
    const { same, copied } = this.#counts
    if (this.#skipped.count > 0 || this.#counts.surplus === 0) return
    if (same + copied === 0) {
      throw new CommandError(`${show(this.#task.from)} is empty: nothing was removed`)
    }
    const atOnce = { limit: config.atOnce, signal: session.signal }
    await forEachConcurrently(this.#pairs(true), atOnce, async (pairing, signal) => {
      if (pairing.kind !== 'target') return
      const { bucket, key } = this.#name('to', pairing.to.name)
      if (config.isDryRun) this.#tell('would be removed', pairing.to.name)
      else {
        const command = new DeleteObjectCommand({ Bucket: bucket, Key: key })
        await session.s3.send(command, { abortSignal: signal })
      }
      this.#counts.removed += 1
      this.#counts.surplus -= 1
    })
  }

  #name(side: 'from' | 'to', name: string): RemoteName {
    const { bucket, key } = this.#task[side]
    return { bucket, key: key + name }
  }

  #show(): void {
    const { same, copied, bytes } = this.#counts
    this.#progress.show({ what: show(this.#task.from), bytes, objects: same + copied })
  }

  #tell(state: string, name: string): void {
    this.#progress.clear()
    const to = this.#name('to', name)
    if (this.#task.config.isJson) console.log(JSON.stringify({ state, name: show(to) }))
    else console.log(`${state}: ${printable(show(to))}`)
  }

  #print(): void {
    const { config, from, to } = this.#task
    const counts = this.#counts
    const failed = this.#skipped.count
    if (config.isJson) {
      const names = { from: show(from), to: show(to) }
      console.log(JSON.stringify({ summary: { ...names, ...counts, failed } }))
      return
    }
    const { same, copied, bytes, removed, missing, different, surplus } = counts
    const parts = config.isCheck
      ? [`${missing} missing`, `${different} different`, `${surplus} without a source`]
      : [
          `${formatCount(copied, 'object')} copied (${formatSize(bytes)})`,
          ...(config.isDeleting ? [`${removed} removed`] : []),
          `${failed} failed`,
        ]
    const would = config.isDryRun ? ' (nothing was changed)' : ''
    console.log(`${show(from)} to ${show(to)}: ${same} the same, ${parts.join(', ')}${would}`)
  }
}
