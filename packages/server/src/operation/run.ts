// The one place that runs operations: it authorizes, asks the leases, runs the steps, and undoes what
// a failure left.

import { authorize } from '../access/decide.ts'
import type { Principal } from '../access/principal.ts'
import { StoreError } from '../base/errors.ts'
import { leaseLimits } from '../base/limits.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import { type BucketRecord, findBucket } from '../store/bucket.ts'
import { Obstacle } from '../store/obstacle.ts'
import { regionOf } from './bucket.ts'
import { checkNamedLease, guardWrites, pathName } from './guard.ts'
import type { Caller, CommitStep, Need, Operation, Services, Step } from './operation.ts'
import { untilClear } from './patience.ts'

/**
 * Runs `operation` for `caller`; its result is that of the last step it has.
 * @throws StoreError for every refusal; any other error is a fault of the server.
 */
export async function run<Input, Checked, Moved, Output>(
  services: Services,
  caller: Caller,
  operation: Operation<Input, Checked, Moved, Output>,
  input: Input,
): Promise<Output> {
  const needs = operation.needs(input)
  const { principal, signal } = caller
  if (principal === undefined) throw await refusalOfStranger(services, needs)
  for (const need of needs) authorize(principal, need.action, {})
  const reading = operation.readsBlobs === true ? services.readers.begin() : undefined
  const undo: (() => Promise<void>)[] = []
  // The steps of one operation agree on their types by the operation's own declaration: where a step
  // is missing, the next one takes what the one before it gave.
  let result: unknown
  try {
    if (operation.commit === undefined || operation.check !== undefined) {
      result = await services.engine.read(async (tx) => {
        const step = { ...(await stepOn(tx, services, principal, signal, needs)), tx }
        if (caller.lease !== undefined && operation.writes !== undefined) {
          const named = { tx, step, lease: caller.lease, now: services.clock.now() }
          await checkNamedLease(named, operation, await operation.writes(step, input))
        }
        return operation.check?.(step, input)
      })
    }
    if (operation.commit !== undefined) checkRoom(services, operation)
    if (operation.transfer !== undefined) {
      const buckets = new Map<string, BucketRecord>()
      const step = makeStep(services, principal, signal, buckets)
      const onFailure = (action: () => Promise<void>): void => {
        undo.push(action)
      }
      result = await operation.transfer({ ...step, reading, onFailure }, input, result as Checked)
    }
    if (operation.commit !== undefined) {
      signal.throwIfAborted()
      if (operation.transfer !== undefined) checkRoom(services, operation)
      const moved = result as Moved
      result = await commit(services, { ...caller, principal }, operation, { input, moved, needs })
    }
    return result as Output
  } catch (error) {
    await undoAll(services, undo)
    throw error
  } finally {
    if (reading?.handedOver === false) reading.end()
  }
}

/** What someone without a key is told, who has no rights: that much of the bucket as S3 tells everybody. */
async function refusalOfStranger(services: Services, needs: readonly Need[]): Promise<unknown> {
  try {
    await services.engine.read((tx) => loadBuckets(tx, services, undefined, needs))
  } catch (error) {
    return error
  }
  return new StoreError('AccessDenied', 'Access Denied')
}

/** Commits all of the input, or portion by portion, which together wait no longer than one may. */
async function commit<Input, Checked, Moved, Output>(
  services: Services,
  caller: Caller & { readonly principal: Principal },
  operation: Operation<Input, Checked, Moved, Output>,
  facts: { readonly input: Input; readonly moved: Moved; readonly needs: readonly Need[] },
): Promise<Output | undefined> {
  const { clock } = services
  const ownerId = caller.principal.owner.id
  const { takesTurns } = operation
  const waitMs = operation.waitMs?.(facts.input) ?? leaseLimits.writeWaitMs
  const deadline = clock.monotonicMs() + waitMs
  const commitPortion = (input: Input, leftMs: number): Promise<Output | undefined> =>
    untilClear({ ...services, ...caller, takesTurns, ownerId, waitMs: leftMs }, (isFinal) =>
      commitOnce(services, caller, operation, { ...facts, input, isFinal }),
    )
  const { portions } = operation
  if (portions === undefined) return commitPortion(facts.input, waitMs)
  const outputs: Output[] = []
  for (const portion of portions.of(facts.input)) {
    caller.signal.throwIfAborted()
    const output = await commitPortion(portion, deadline - clock.monotonicMs())
    if (output !== undefined) outputs.push(output)
  }
  return portions.joined(outputs)
}

/** Refuses what adds on a disk that is nearly full, so that what removes can go on. @throws StoreError */
function checkRoom<Input, Checked, Moved, Output>(
  services: Services,
  operation: Operation<Input, Checked, Moved, Output>,
): void {
  if (operation.usesReserve !== true) services.engine.checkRoom(0)
}

/** One attempt to commit: the rights, the leases and the change are of one transaction. */
async function commitOnce<Input, Checked, Moved, Output>(
  services: Services,
  { principal, signal, lease }: Caller & { readonly principal: Principal },
  operation: Operation<Input, Checked, Moved, Output>,
  facts: {
    readonly input: Input
    readonly moved: Moved
    readonly needs: readonly Need[]
    readonly isFinal: boolean
  },
): Promise<Output | Obstacle | undefined> {
  const { input, moved, needs, isFinal } = facts
  return services.engine.write(async (tx) => {
    const step = { ...(await stepOn(tx, services, principal, signal, needs)), tx }
    const now = services.clock.now()
    const paths = (await operation.writes?.(step, input)) ?? []
    const refusals = await guardWrites({ tx, step, now, lease, isFinal }, operation, paths)
    if (refusals instanceof Obstacle) return refusals
    const refusalOf: CommitStep['refusalOf'] = (path) => refusals.get(pathName(path))
    return operation.commit?.({ ...step, now, isFinal, refusalOf }, input, moved)
  })
}

async function stepOn(
  tx: ReadTransaction,
  services: Services,
  principal: Principal,
  signal: AbortSignal,
  needs: readonly Need[],
): Promise<Step> {
  const buckets = await loadBuckets(tx, services, principal, needs)
  return makeStep(services, principal, signal, buckets)
}

/** Loads and authorizes every bucket of `needs` in `tx`, so that a commit decides on what it changes. */
async function loadBuckets(
  tx: ReadTransaction,
  services: Services,
  principal: Principal | undefined,
  needs: readonly Need[],
): Promise<ReadonlyMap<string, BucketRecord>> {
  const buckets = new Map<string, BucketRecord>()
  for (const need of needs) {
    if (need.bucket === undefined) continue
    const bucket = buckets.get(need.bucket) ?? (await findBucket(tx, need.bucket))
    if (bucket === undefined) {
      throw new StoreError('NoSuchBucket', 'The specified bucket does not exist', {
        fields: { BucketName: need.bucket },
      })
    }
    const region = regionOf(services, bucket)
    const resource = { bucket: { name: need.bucket, ownerId: bucket.ownerId, region } }
    authorize(
      principal,
      need.action,
      need.key === undefined ? resource : { ...resource, key: need.key },
    )
    buckets.set(need.bucket, bucket)
  }
  return buckets
}

function makeStep(
  services: Services,
  principal: Principal,
  signal: AbortSignal,
  buckets: ReadonlyMap<string, BucketRecord>,
): Step {
  return {
    services,
    principal,
    signal,
    bucket(name) {
      const bucket = buckets.get(name)
      if (bucket === undefined) throw new Error(`the operation did not declare bucket ${name}`)
      return bucket
    },
  }
}

async function undoAll(services: Services, undo: readonly (() => Promise<void>)[]): Promise<void> {
  for (const action of undo) {
    try {
      await action()
    } catch (error) {
      // What stays behind is found by the sweep when this process has ended.
      services.log.warn('could not undo a failed transfer', { error })
    }
  }
}
