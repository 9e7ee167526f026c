// An operation is a record of its name, the rights it needs, and its steps. There are five kinds. A query
// reads rows; a change writes them. An upload moves bytes in before it writes; a download moves bytes out
// after it has read. A batch is a change for each of many items. Only `run.ts` runs operations.

import type { BucketDefaults } from '../access/bucket-defaults.ts'
import type { RequestContext } from '../access/context.ts'
import type { CompiledCors } from '../access/cors.ts'
import type { BucketFacts } from '../access/decide.ts'
import type { CompiledPolicy } from '../access/policy/policy.ts'
import type { Owner } from '../access/principal.ts'
import type { PublicAccessBlock } from '../access/public-access-block.ts'
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
import type { SettingCache } from './setting-cache.ts'
import type { TokenSealer } from './token.ts'
import type { Waiting } from './waiting.ts'
import type { Website } from './website.ts'

/** The services that operations use; created once per process in `compose.ts`. */
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
  /** The server's own region, such as `us-east-1`. */
  readonly region: string
  /** True if all buckets are in that region; else each is in the region that its creator chose. */
  readonly isRegionFixed: boolean
  readonly bucketDefaults: BucketDefaults
  /** Blocks public access to all buckets, in addition to each one's own block. */
  readonly accountBlock: PublicAccessBlock | undefined
  /** The compiled policies of buckets. */
  readonly policies: SettingCache<CompiledPolicy>
  readonly cors: SettingCache<CompiledCors>
  readonly websites: SettingCache<Website>
  readonly simpleDb: SimpleDbSettings
}

/** The settings of domains. */
export interface SimpleDbSettings {
  readonly limits: SimpleDbLimits
  /** Milliseconds by which the state seen by a read without ConsistentRead may lag. */
  readonly eventualLagMs: number
}

/** The request for which an operation runs. */
export interface Caller extends RequestContext {
  readonly requestId: string
  /** Aborted when the client has disconnected or the server gives up on the request. */
  readonly signal: AbortSignal
  /** Aborted when the server begins to stop: operations that only wait should end. */
  readonly stopping?: AbortSignal | undefined
  /** The ticket of the lease under which the caller writes. */
  readonly lease?: LeaseTicket | undefined
  /** The owners that the request expects its bucket, and the source's bucket, to have. */
  readonly expected?: ExpectedOwners | undefined
}

/** Ids of owners; undefined where any owner will do. */
export interface ExpectedOwners {
  readonly ownerId: string | undefined
  readonly sourceOwnerId: string | undefined
}

/** The part common to all steps. */
export interface Step {
  readonly services: Services
  /** The owner of anything the operation creates; also the account of its domains. */
  readonly owner: Owner
  readonly requestId: string
  readonly signal: AbortSignal
  readonly caller: Caller
  /** The bucket `name` among the operation's needs: it exists, and the caller may use it. */
  bucket(name: string): BucketRecord
  /** The facts about that bucket on which access depends. */
  facts(name: string): BucketFacts
  /** Checks rights that follow from rows, in the transaction of a check or commit. @throws StoreError `AccessDenied` */
  require(needs: readonly Need[]): Promise<void>
  /** True if the caller has these rights, by the same transaction. */
  may(needs: readonly Need[]): Promise<boolean>
}

/** Refuses early and reads, in one snapshot. */
export interface CheckStep extends Step {
  readonly tx: ReadTransaction
}

/** Moves bytes, without a lock or a transaction. */
export interface TransferStep extends Step {
  /**
   * Protects the blobs seen by the check from collection, for a download or an upload that `readsBlobs`.
   * The runner ends it, unless it is handed over.
   */
  readonly reading: Reading | undefined
  /** Runs `undo` if the operation fails later, for example to remove a blob without a reference. */
  onFailure(undo: () => Promise<void>): void
}

/** The authoritative step: one transaction, which may run several times. */
export interface CommitStep extends Step {
  readonly tx: WriteTransaction
  /** The time of the change, in milliseconds since the epoch. */
  readonly now: number
  /** True when the wait has timed out: the commit can't return a blocker any more. */
  readonly isFinal: boolean
}

/** A path that an operation writes, and its bucket. */
export type BucketPath = WrittenPath & { readonly bucket: string }

interface Declared<Input> {
  /** As in the protocol's documentation: `PutObject`. */
  readonly name: string
  needs(input: Input): readonly Need[]
}

/** The behaviour of a writing operation towards leases and a nearly full disk. */
export interface Writing<Input> {
  /**
   * The locked paths: those under which readers find changes afterwards. In the commit's transaction, and
   * before the commit, the runner waits until no lease of others covers them. It also checks the lease that
   * the caller names.
   */
  writes?(
    step: Step & { readonly tx: ReadTransaction },
    input: Input,
  ): readonly BucketPath[] | Promise<readonly BucketPath[]>
  /** True if readers see nothing of it yet: a named lease must cover it, but leases of others don't matter. */
  readonly isPreparation?: true
  /** True if it frees space or takes hardly any, so that it may run on a nearly full disk. */
  readonly usesReserve?: true
  /** Milliseconds that its commit may wait for leases; a short time by default. */
  waitMs?(input: Input): number
  /**
   * A bound of the lease nodes that it changes. Attempts of one owner's operations that have it take turns:
   * many at once would only cause reruns, and delay the commits of others.
   */
  leaseNodes?(services: Services, input: Input): number | Promise<number>
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
  /** After the request has failed, undoes the commits of attempts that met a blocker. */
  abandon?(step: Step, input: Input): Promise<void>
}

/** Receives or reads bytes, and then writes rows that refer to them. */
export interface Upload<Input, Checked, Moved, Output> extends Declared<Input>, Writing<Input> {
  readonly kind: 'upload'
  /** True if the transfer reads blobs. For others, slow clients never delay the collection. */
  readonly readsBlobs?: true
  check(step: CheckStep, input: Input): Promise<Checked>
  transfer(step: TransferStep, input: Input, checked: Checked): Promise<Moved>
  commit(step: CommitStep, input: Input, moved: Moved): Promise<Output | Blocker>
}

/** Makes the same change of many items, each of which succeeds or fails by itself. */
export interface Batch<Input, Item, Output> {
  readonly kind: 'batch'
  readonly name: string
  /** The change of one item. It refuses before its first write, so that the other items can proceed. */
  readonly change: Change<Item, void>
  /** The items in order, at least one. All have the same bucket. */
  items(input: Input): readonly Item[]
  /** Divides the items into portions small enough for one transaction each. */
  portions(items: readonly Item[]): readonly (readonly Item[])[]
  /** True if a failure of {@link change} concerns only its item; any other fails the request. */
  isRefusal(error: StoreError): boolean
  /** The response, from the outcome of each item, in order. */
  output(outcomes: readonly Outcome<Item>[]): Output
}

/** The outcome for an item of a batch. */
export interface Outcome<Item> {
  readonly item: Item
  /** Undefined if the item was changed. */
  readonly refusal: StoreError | undefined
}

/** Any operation. The check's result is `Checked`, and the transfer's is `Moved`. */
export type Operation<Input, Checked, Moved, Output> =
  | Query<Input, Output>
  | Download<Input, Checked, Output>
  | Change<Input, Output>
  | Upload<Input, Checked, Moved, Output>
  | Batch<Input, Checked, Output>

/** True if an operation is subject to leases, so that it may name one. */
export function isLeased<Input, Checked, Moved, Output>(
  operation: Operation<Input, Checked, Moved, Output>,
): boolean {
  if (operation.kind === 'batch') return operation.change.writes !== undefined
  return 'writes' in operation && operation.writes !== undefined
}
