// What an operation is: a record of its name, the rights it needs, and up to three steps. Only
// `run.ts` runs it.

import type { Action } from '../access/decide.ts'
import type { Principal } from '../access/principal.ts'
import type { Clock } from '../base/clock.ts'
import type { StoreError } from '../base/errors.ts'
import type { SimpleDbLimits } from '../base/limits.ts'
import type { BlobStore } from '../blob/blob.ts'
import type { Engine, ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { BucketRecord } from '../store/bucket.ts'
import type { Readers, Reading } from '../store/epoch.ts'
import type { IdSource } from '../store/id.ts'
import type { WrittenPath } from '../store/lease-node.ts'
import type { Obstacle } from '../store/obstacle.ts'
import type { Snapshots } from '../store/snapshot.ts'
import type { TokenSealer } from './token.ts'
import type { Waiting } from './waiting.ts'

/** What operations work with; made once per process in `compose.ts`. */
export interface Services {
  readonly engine: Engine
  readonly blobs: BlobStore
  readonly ids: IdSource
  readonly readers: Readers
  readonly snapshots: Snapshots
  readonly tokens: TokenSealer
  readonly waiting: Waiting
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** The region that this server says it is, such as `us-east-1`. */
  readonly region: string
  /** True when all buckets are in that region; else each is where its creator said. */
  readonly isRegionFixed: boolean
  readonly simpleDb: SimpleDbSettings
}

/** What a server may be told about domains. */
export interface SimpleDbSettings {
  readonly limits: SimpleDbLimits
  /** How old, in milliseconds, the state may be that a read without ConsistentRead sees. */
  readonly eventualLagMs: number
}

/** Who calls, in which request. */
export interface Caller {
  /** Undefined for a request without credentials. */
  readonly principal: Principal | undefined
  readonly requestId: string
  /** Aborted when the client has gone or the server gives the request up. */
  readonly signal: AbortSignal
  /** Aborted when the server is told to stop: what only waits should end. */
  readonly stopping?: AbortSignal | undefined
  /** The ticket of the lease under which the caller writes. */
  readonly lease?: number | undefined
}

/** One right that an operation needs; without a bucket it concerns the caller's own account. */
export interface Need {
  readonly action: Action
  readonly bucket?: string
  readonly key?: string
}

/** What every step is given. */
export interface Step {
  readonly services: Services
  readonly principal: Principal
  readonly signal: AbortSignal
  /** The bucket of that name among the operation's needs: it exists, and the caller may use it. */
  bucket(name: string): BucketRecord
}

/** Refuse early; read. One snapshot. */
export interface CheckStep extends Step {
  readonly tx: ReadTransaction
}

/** Move bytes; no lock and no transaction is held. */
export interface TransferStep extends Step {
  /**
   * Keeps blobs that the check saw from being collected, for an operation that `readsBlobs`; ended by
   * the runner unless handed over.
   */
  readonly reading: Reading | undefined
  /** Runs `undo` if the operation fails from here on: a blob that nothing will refer to is removed. */
  onFailure(undo: () => Promise<void>): void
}

/** The authoritative step: one transaction, which may run several times. */
export interface CommitStep extends Step {
  readonly tx: WriteTransaction
  /** Milliseconds since the epoch: the time of the change. */
  readonly now: number
  /** True when the time to wait is over: the commit can't answer with an obstacle any more. */
  readonly isFinal: boolean
  /** Why a path that the operation writes can't be written; only if it `writesEach`. */
  refusalOf(path: WrittenPath): StoreError | undefined
}

/** A path that an operation writes, and its bucket. */
export type BucketPath = WrittenPath & { readonly bucket: string }

/** How an input is cut whose parts each stand for themselves. */
export interface Portions<Input, Output> {
  /** In order, each small enough for one transaction. */
  of(input: Input): readonly Input[]
  joined(outputs: readonly Output[]): Output
}

/** An operation. Its result is that of the last step it has. */
export interface Operation<Input, Checked, Moved, Output> {
  /** As the protocol documents it: `PutObject`. */
  readonly name: string
  /** True when the transfer reads blobs; uploads don't, so that slow ones never hold up the collection. */
  readonly readsBlobs?: true
  needs(input: Input): readonly Need[]
  /**
   * The paths that it locks: what readers find changed afterwards. Before the commit, in its transaction,
   * the runner waits for the leases of others to end that cover them, and checks the lease that the
   * caller names.
   */
  writes?(
    step: Step & { readonly tx: ReadTransaction },
    input: Input,
  ): readonly BucketPath[] | Promise<readonly BucketPath[]>
  /** True when the commit treats the refusal of each path by itself. */
  readonly writesEach?: true
  /** True when readers see nothing of it yet: a lease that is named must cover it, others' don't matter. */
  readonly isPreparation?: true
  /** True when it gives room back, or hardly takes any: it goes on when the disk is nearly full. */
  readonly usesReserve?: true
  /** Milliseconds that its commit may wait for leases; a short time if left out. */
  waitMs?(input: Input): number
  /**
   * True when commits of one owner change the same row, and would only be run over and over if too many
   * were tried at once.
   */
  readonly takesTurns?: true
  /**
   * Left out, the commit is one transaction for all of the input. Else it is one for each portion, and
   * where one fails, the request fails, but what those before it did stays done.
   */
  readonly portions?: Portions<Input, Output>
  check?(step: CheckStep, input: Input): Promise<Checked>
  transfer?(step: TransferStep, input: Input, checked: Checked): Promise<Moved>
  commit?(step: CommitStep, input: Input, moved: Moved): Promise<Output | Obstacle>
}

/** An operation that only reads rows. */
export interface ReadOperation<Input, Output> extends Operation<Input, Output, never, Output> {
  check(step: CheckStep, input: Input): Promise<Output>
}
