// The resources that a route holds while it runs, and their release in every outcome.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import type { Principal } from '../../src/access/principal.ts'
import { ByteBudget } from '../../src/base/budget.ts'
import { isStoreError } from '../../src/base/errors.ts'
import { FairQueue } from '../../src/base/fair-queue.ts'
import { type GetObjectOutput, getObject } from '../../src/operation/object.ts'
import { RequestBody } from '../../src/protocol/http/body.ts'
import { type Call, route } from '../../src/protocol/s3/answer.ts'
import { documentOf } from '../../src/protocol/s3/payload.ts'
import { noQuery, type S3Request } from '../../src/protocol/s3/request.ts'
import { startWithBucket } from './bucket.fixture.ts'

const bucket = 'routes'
const key = 'large'
const { server, put } = await startWithBucket(bucket)
await put(key, randomBytes(100_000))

function principal(): Principal {
  const { accessKeyId, owner } = server.credential()
  return { accessKeyId, owner }
}

/** A request with a body that has come in already. */
function requestWith(text: string, documents: ByteBudget): S3Request {
  const incoming = new IncomingMessage(new Socket())
  incoming.headers['content-length'] = String(text.length)
  if (text !== '') incoming.push(text)
  incoming.push(null)
  return {
    bucket,
    key,
    isVirtualHost: false,
    method: 'GET',
    query: noQuery,
    headers: { 'content-length': String(text.length) },
    principal: principal(),
    signature: undefined,
    findOwner: () => undefined,
    checkAdmission: async () => undefined,
    payload: { kind: 'unsigned' },
    body: new RequestBody(incoming),
    documents,
    parsing: new FairQueue(),
    origin: 'http://localhost',
  }
}

test('content that can not be answered is closed', { timeout: 60_000 }, async () => {
  const failing = route(
    getObject,
    () => ({ bucket, key, conditions: {} }),
    () => {
      throw new Error('no header can carry it')
    },
    async ({ content }: GetObjectOutput) => {
      if (content.kind === 'stream') await content.close()
    },
  )
  const { services } = server.store
  const caller = { principal: principal(), requestId: 'r', signal: new AbortController().signal }
  const call: Call = { services, caller }
  await assert.rejects(failing.answer(requestWith('', new ByteBudget(0)), call), /no header/)
  await services.readers.drain()
})

test('a document takes its room for as long as it is read, and no more than there is', async () => {
  const documents = new ByteBudget(100)
  const small = `<A>${'x'.repeat(90)}</A>`
  const rule = { isRequired: true }
  for (let round = 0; round < 3; round++) {
    assert.equal((await documentOf(requestWith(small, documents), rule))?.name, 'A')
    await assert.rejects(documentOf(requestWith('<A'.repeat(40), documents), rule))
    await assert.rejects(documentOf(requestWith(`${small}     `, documents), rule), (error) =>
      isStoreError(error, 'SlowDown'),
    )
  }
  const other = documents.hold()
  other.take(50)
  await assert.rejects(documentOf(requestWith(small, documents), rule), (error) =>
    isStoreError(error, 'SlowDown'),
  )
  other.release()
  assert.equal((await documentOf(requestWith(small, documents), rule))?.name, 'A')
})
