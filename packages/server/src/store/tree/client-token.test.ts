import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isStoreError } from '../../base/errors.ts'
import { storeIn } from '../../base/store-location.ts'
import { asBucketId } from '../../base/terms.ts'
import { openEngine } from '../../engine/open.ts'
import { forgetClientTokens, takeClientToken } from './client-token.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-token-'))
const engine = await openEngine(storeIn(folder).engine)
after(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

const day = 86_400_000
const take = (token: string, parameters: string[], now: number): Promise<number | undefined> =>
  engine.write((tx) => takeClientToken(tx, { bucketId: asBucketId(1), token, parameters }, now))

test('a token stands for one request for a day, and then for another', async () => {
  assert.equal(await take('a', ['x', 'y'], 7), undefined)
  assert.equal(await take('a', ['x', 'y'], day - 1), 7)
  await assert.rejects(take('a', ['x', 'z'], day - 1), (error) =>
    isStoreError(error, 'IdempotencyParameterMismatch'),
  )
  await assert.rejects(take('a', ['xy'], day - 1), (error) =>
    isStoreError(error, 'IdempotencyParameterMismatch'),
  )
  assert.equal(await take('a', ['x', 'z'], day + 7), undefined)
})

test('expired tokens are forgotten, a bounded number at a time', async () => {
  for (const token of ['b', 'c', 'd']) await take(token, [], 3 * day)
  const forget = (now: number): Promise<number> =>
    engine.write((tx) => forgetClientTokens(tx, now, 2))
  assert.equal(await forget(4 * day), 1)
  assert.equal(await forget(4 * day + 1), 2)
  assert.equal(await forget(4 * day + 1), 1)
  const rows: unknown[] = []
  await engine.read(async (tx) => {
    for await (const row of tx.range({ start: new Uint8Array([0x60]) })) rows.push(row)
  })
  assert.deepEqual(rows, [])
})
