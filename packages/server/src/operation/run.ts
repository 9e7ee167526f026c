// The only runner of operations: it authorizes, checks leases, runs the steps, and undoes the effects of a
// failure.

import type { StoreError } from '../base/errors.ts'
import { leaseLimits } from '../base/limits.ts'
import { checkAdmission } from './admission.ts'
import { commitPortion, commitUnderLeases } from './commit.ts'
import { checkNamedLease } from './lease-check.ts'
import type { Need } from './need.ts'
import type {
  Batch,
  Caller,
  Change,
  Download,
  Operation,
  Outcome,
  Query,
  Services,
  TransferStep,
  Upload,
  Writing,
} from './operation.ts'
import { type Buckets, makeStep, onStep, type Run, refusalOf } from './step.ts'

/**
 * Runs `operation` for `caller`.
 * @throws StoreError for every refusal; any other error is a fault of the server.
 */
export async function run<Input, Checked, Moved, Output>(
  services: Services,
  caller: Caller,
  operation: Operation<Input, Checked, Moved, Output>,
  input: Input,
): Promise<Output> {
  const of = { services, caller }
  switch (operation.kind) {
    case 'query':
      return runQuery(of, operation, input)
    case 'download':
      return runDownload(of, operation, input)
    case 'change':
      return runChange(of, operation, input)
    case 'upload':
      return runUpload(of, operation, input)
    case 'batch':
      return runBatch(of, operation, input)
  }
}

async function runQuery<Input, Output>(
  of: Run,
  operation: Query<Input, Output>,
  input: Input,
): Promise<Output> {
  const needs = operation.needs(input)
  return of.services.engine.read((tx) =>
    onStep(tx, of, needs, (step) => operation.check({ ...step, tx }, input)),
  )
}

async function runDownload<Input, Found, Output>(
  of: Run,
  operation: Download<Input, Found, Output>,
  input: Input,
): Promise<Output> {
  const needs = operation.needs(input)
  return transferring(of, true, async (step) => {
    const found = await of.services.engine.read((tx) =>
      onStep(tx, of, needs, (checking) => operation.check({ ...checking, tx }, input)),
    )
    return operation.open(step, input, found)
  })
}

async function runChange<Input, Output>(
  of: Run,
  operation: Change<Input, Output>,
  input: Input,
): Promise<Output> {
  const needs = operation.needs(input)
  await authorizeWriter(of, needs)
  checkWritable(of, operation)
  of.caller.signal.throwIfAborted()
  const waitMs = waitMsOf(operation, input)
  try {
    return await commitUnderLeases(of, {
      ...{ operation, input, needs, waitMs },
      commit: (step) => operation.commit(step, input),
    })
  } catch (error) {
    await attemptUndo(of, async () => operation.abandon?.(makeStep(of, new Map()), input))
    throw error
  }
}

async function runUpload<Input, Checked, Moved, Output>(
  of: Run,
  operation: Upload<Input, Checked, Moved, Output>,
  input: Input,
): Promise<Output> {
  const { engine, clock } = of.services
  const { lease, signal } = of.caller
  const needs = operation.needs(input)
  return transferring(of, operation.readsBlobs === true, async (transferStep, undo) => {
    const checked = await engine.read((tx) =>
      onStep(tx, of, needs, async (checking) => {
        const step = { ...checking, tx }
        if (lease !== undefined && operation.writes !== undefined) {
          const named = { tx, step, lease, now: clock.now() }
          await checkNamedLease(named, await operation.writes(step, input))
        }
        return operation.check(step, input)
      }),
    )
    checkWritable(of, operation)
    const moved = await operation.transfer(transferStep, input, checked)
    signal.throwIfAborted()
    checkWritable(of, operation)
    const waitMs = waitMsOf(operation, input)
    // A transfer's only undo is the removal of a blob to which the commit is about to refer.
    const hasNewBlob = undo.length > 0
    return commitUnderLeases(of, {
      ...{ operation, input, needs, waitMs, hasNewBlob },
      commit: (step) => operation.commit(step, input, moved),
    })
  })
}

/** Commits portion by portion; all portions together wait no longer than one change may. */
async function runBatch<Input, Item, Output>(
  of: Run,
  operation: Batch<Input, Item, Output>,
  input: Input,
): Promise<Output> {
  const items = operation.items(input)
  await refuseAllDenied(of, operation, items)
  checkWritable(of, operation.change)
  const { clock } = of.services
  const deadline = clock.monotonicMs() + leaseLimits.writeWaitMs
  const outcomes: Outcome<Item>[] = []
  for (const portion of operation.portions(items)) {
    of.caller.signal.throwIfAborted()
    const leftMs = deadline - clock.monotonicMs()
    outcomes.push(...(await commitPortion(of, operation, portion, leftMs)))
  }
  return operation.output(outcomes)
}

/** Refuses a batch as a whole if none of its items is allowed. @throws StoreError */
async function refuseAllDenied<Input, Item, Output>(
  of: Run,
  { change }: Batch<Input, Item, Output>,
  items: readonly Item[],
): Promise<void> {
  await of.services.engine.read(async (tx) => {
    const buckets: Buckets = new Map()
    let refusal: StoreError | undefined
    for (const item of items) {
      refusal = await refusalOf(tx, of, buckets, change.needs(item))
      if (refusal === undefined) return
    }
    if (refusal !== undefined) throw refusal
  })
}

function waitMsOf<Input>(operation: Writing<Input>, input: Input): number {
  return operation.waitMs?.(input) ?? leaseLimits.writeWaitMs
}

/**
 * Refuses writes of a process that was declared dead. On a nearly full disk, refuses operations that add
 * data, so that those that remove data can proceed. @throws StoreError
 */
function checkWritable<Input>({ services }: Run, operation: Writing<Input>): void {
  services.presence.check()
  if (operation.usesReserve !== true) services.engine.checkRoom(0)
}

/** Authorizes anonymous writers in a snapshot first, so that refused ones never load the writer. */
async function authorizeWriter(of: Run, needs: readonly Need[]): Promise<void> {
  const { services, caller } = of
  if (caller.principal !== undefined) return
  await services.engine.read((tx) => onStep(tx, of, needs, async () => undefined))
  for (const { isDeferred, resource } of needs) {
    if (isDeferred !== true || resource.kind === 'account') continue
    await checkAdmission(services, caller, resource.bucket)
  }
}

/**
 * Runs `body` with the transfer step of an operation. Protects the blobs that the operation reads while
 * `body` runs, or longer if the protection is handed over. Undoes the transfer if it fails.
 */
async function transferring<T>(
  of: Run,
  readsBlobs: boolean,
  body: (step: TransferStep, undo: readonly unknown[]) => Promise<T>,
): Promise<T> {
  const undo: (() => Promise<void>)[] = []
  const reading = readsBlobs ? of.services.readers.begin() : undefined
  const onFailure = (action: () => Promise<void>): void => {
    undo.push(action)
  }
  try {
    return await body({ ...makeStep(of, new Map()), reading, onFailure }, undo)
  } catch (error) {
    for (const action of undo) await attemptUndo(of, action)
    throw error
  } finally {
    if (reading?.handedOver === false) reading.end()
  }
}

async function attemptUndo({ services }: Run, action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    // After the end of this process, the sweep removes the remains.
    services.log.warn('could not undo a failed transfer', { error })
  }
}
