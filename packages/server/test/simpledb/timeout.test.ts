// A query that exceeds its time limit without a partial result.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { StoreError } from '../../src/base/errors.ts'
import { replaceMethods } from '../../src/engine/engine.fixture.ts'
import type { Engine, ReadTransaction } from '../../src/engine/engine.ts'
import type { Caller, Services } from '../../src/operation/operation.ts'
import { run } from '../../src/operation/run.ts'
import { select } from '../../src/operation/select.ts'
import { reportError } from '../../src/protocol/simpledb/error.ts'
import { InProcessServer } from '../s3/in-process.ts'
import { QueryClient } from './query.ts'

const server = await InProcessServer.start()
const sdb = new QueryClient(server.port, server.credential())
const { services } = server.store

after(async () => {
  sdb.close()
  await server.closeWithoutFaults()
})

/** The services, with a read of items that is cancelled after `lateMs`. */
function givenUpAfter(lateMs: number): Services {
  const { engine, clock } = services
  // A whole number, so that adding `lateMs` and subtracting the start is exact.
  let nowMs = Math.floor(clock.monotonicMs())
  const giveUp = (): never => {
    nowMs += lateMs
    throw new StoreError({ code: 'ReadTooLong', limitMs: 5000 })
  }
  const read: Engine['read'] = (body, options) =>
    engine.read((tx) => {
      const late: ReadTransaction = {
        get: (key) => tx.get(key),
        getMany: (keys) => tx.getMany(keys),
        peek: (key) => tx.peek(key),
        range: giveUp,
        batches: giveUp,
      }
      return body(late)
    }, options)
  return {
    ...services,
    clock: { now: () => clock.now(), monotonicMs: () => nowMs },
    engine: replaceMethods(engine, { read }),
  }
}

test('a query that has used up its time without an answer is told so; a closed store is another matter', async () => {
  await sdb.ok('CreateDomain', { DomainName: 'slow' })
  const pair = { 'Attribute.1.Name': 'a', 'Attribute.1.Value': '1' }
  await sdb.ok('PutAttributes', { DomainName: 'slow', ItemName: 'i', ...pair })
  const { accessKeyId, owner } = server.credential()
  const { signal } = new AbortController()
  const caller: Caller = { principal: { accessKeyId, owner }, requestId: 'r', signal }
  const expression = "select * from slow where a = '1'"
  const reported = async (lateMs: number): Promise<unknown[]> => {
    const input = { expression, consistentRead: true }
    const outcome = run(givenUpAfter(lateMs), caller, select, input)
    const error: unknown = await outcome.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    const { status, code, message } = reportError(error)
    return [status, code, message]
  }
  assert.deepEqual(await reported(services.simpleDb.limits.selectMs), [
    408,
    'QueryTimeout',
    `A timeout occurred when attempting to query domain slow with query expression ${expression}. BoxUsage [0.0000137200].`,
  ])
  const [status, code] = await reported(0)
  assert.deepEqual([status, code], [503, 'ServiceUnavailable'])
})
