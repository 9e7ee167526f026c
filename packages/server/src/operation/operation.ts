// What an operation is: a record of its name, the rights it needs, and its steps. There are five kinds:
// a query reads rows, a change writes them, an upload moves bytes in before it writes, a download moves
// bytes out after it read, and a batch is a change for each of many items. Only `run.ts` runs them.

import type { RequestContext } from '../access/context.ts'
import type { Owner } from '../access/principal.ts'
import type { Clock } from '../base/clock.ts'
import type { StoreError } from '../base/errors.ts'
import type { SimpleDbLimits } from '../base/limits.ts'
import type { LeaseTicket } from '../base/terms.ts'
import type { BlobStore } from '../blob/blob.ts'
import type { Engine, ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { QueryPool } from '../select-content/pool.ts'
import type { Readers, Reading } from '../store/body/epoch.ts'
import type { Presence } from '../store/body/presence.ts'
import type { Blocker } from '../store/lease/blocker.ts'
import type { WrittenPath } from '../store/lease/node.ts'
import type { IdSource } from '../store/row/id.ts'
import type { BucketRecord } from '../store/tree/bucket.ts'
import type { Snapshots } from '../store/tree/snapshot.ts'
import type { Need } from './need.ts'
import type { TokenSealer } from './token.ts'
import type { Waiting } from './waiting.ts'

/** What operations work with; made once per process in `compose.ts`. */
export interface Services {
  readonly engine: Engine
  readonly blobs: BlobStore
  readonly ids: IdSource
  readonly readers: Readers
  readonly snapshots: Snapshots
  readonly presence: Presence
  readonly tokens: TokenSealer
  readonly waiting: Waiting
  /** Runs the queries of SelectObjectContent. */
  readonly contentQueries: QueryPool
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

/** The request for which an operation runs. */
export interface Caller extends RequestContext {
  readonly requestId: string
  /** Aborted when the client has gone or the server gives the request up. */
  readonly signal: AbortSignal
  /** Aborted when the server is told to stop: what only waits should end. */
  readonly stopping?: AbortSignal | undefined
  /** The ticket of the lease under which the caller writes. */
  readonly lease?: LeaseTicket | undefined
}

/** What every step is given. */
export interface Step {
  readonly services: Services
  /** The owner of what the operation creates; also the account whose domains it works on. */
  readonly owner: Owner
  readonly requestId: string
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
   * Protects the blobs that the check saw from collection, for a download or an upload that `readsBlobs`;
   * ended by the runner unless handed over.
   */
  readonly reading: Reading | undefined
  /** Runs `undo` if the operation fails from here on, such as to remove a blob without a reference. */
  onFailure(undo: () => Promise<void>): void
}

/** The authoritative step: one transaction, which may run several times. */
export interface CommitStep extends Step {
  readonly tx: WriteTransaction
  /** Milliseconds since the epoch: the time of the change. */
  readonly now: number
  /** True when the time to wait is over: the commit can't answer with a blocker any more. */
  readonly isFinal: boolean
}

/** A path that an operation writes, and its bucket. */
export type BucketPath = WrittenPath & { readonly bucket: string }

interface Declared<Input> {
  /** As the protocol documents it: `PutObject`. */
  readonly name: string
  needs(input: Input): readonly Need[]
}

/** How an operation that writes meets leases and a disk that is nearly full. */
export interface Writing<Input> {
  /**
   * The paths that it locks: what readers find changed afterwards. Before the commit, in its transaction,
   * the runner waits for the leases of others to end that cover them, and checks the lease that the
   * caller names.
   */
  writes?(
    step: Step & { readonly tx: ReadTransaction },
    input: Input,
  ): readonly BucketPath[] | Promise<readonly BucketPath[]>
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
}

/** Reads rows, in one snapshot. */
export interface Query<Input, Output> extends Declared<Input> {
  readonly kind: 'query'
  check(step: CheckStep, input: Input): Promise<Output>
}

/** Reads rows in one snapshot, and then the bytes that they refer to. */
export interface Download<Input, Found, Output> extends Declared<Input> {
  readonly kind: 'download'
  check(step: CheckStep, input: Input): Promise<Found>
  open(step: TransferStep, input: Input, found: Found): Promise<Output>
}

/** Writes rows, in one transaction. */
export interface Change<Input, Output> extends Declared<Input>, Writing<Input> {
  readonly kind: 'change'
  commit(step: CommitStep, input: Input): Promise<Output | Blocker>
  /** Takes back what attempts that met a blocker have committed, when the request has failed. */
  abandon?(step: Step, input: Input): Promise<void>
}

/** Receives or reads bytes, and then writes rows that refer to them. */
export interface Upload<Input, Checked, Moved, Output> extends Declared<Input>, Writing<Input> {
  readonly kind: 'upload'
  /** True when the transfer reads blobs; others don't, so that slow clients never hold up the collection. */
  readonly readsBlobs?: true
  check(step: CheckStep, input: Input): Promise<Checked>
  transfer(step: TransferStep, input: Input, checked: Checked): Promise<Moved>
  commit(step: CommitStep, input: Input, moved: Moved): Promise<Output | Blocker>
}

/** Makes the same change of many items, each of which succeeds or fails for itself. */
export interface Batch<Input, Item, Output> {
  readonly kind: 'batch'
  readonly name: string
  /** The change of one item. It refuses before it writes, so that the others can go on. */
  readonly change: Change<Item, void>
  /** The items in order, at least one. All have the same bucket. */
  items(input: Input): readonly Item[]
  /** Cuts the items so that each portion is small enough for one transaction. */
  portions(items: readonly Item[]): readonly (readonly Item[])[]
  /** True if a failure of {@link change} concerns its item only; any other fails the request. */
  isRefusal(error: StoreError): boolean
  /** The answer, of what became of each item, in order. */
  output(outcomes: readonly Outcome<Item>[]): Output
}

/** What became of an item of a batch. */
export interface Outcome<Item> {
  readonly item: Item
  /** Undefined if it was changed. */
  readonly refusal: StoreError | undefined
}

/** Any operation. `Checked` is what its first step hands to the next, `Moved` what the second does. */
export type Operation<Input, Checked, Moved, Output> =
  | Query<Input, Output>
  | Download<Input, Checked, Output>
  | Change<Input, Output>
  | Upload<Input, Checked, Moved, Output>
  | Batch<Input, Checked, Output>

/** True if leases matter to an operation, so that it may be done under one. */
export function isLeased<Input, Checked, Moved, Output>(
  operation: Operation<Input, Checked, Moved, Output>,
): boolean {
  if (operation.kind === 'batch') return operation.change.writes !== undefined
  return 'writes' in operation && operation.writes !== undefined
}
