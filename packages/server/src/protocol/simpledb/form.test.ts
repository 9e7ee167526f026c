import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Clock, systemClock } from '../../base/clock.ts'
import { isStoreError } from '../../base/errors.ts'
import { ownLimits } from '../../base/limits.ts'
import { RequestBody } from '../http/body.ts'
import { SimpleDbError } from './error.ts'
import { type FormOrigin, Forms, type ReceivedForm } from './form.ts'

interface Sent {
  readonly request: IncomingMessage
  readonly form: Promise<ReceivedForm>
}

/** Sends `bytes` of a form that goes on. */
function begin(t: TestContext, forms: Forms, origin: FormOrigin, bytes: number): Sent {
  const request = new IncomingMessage(new Socket())
  request.headers = { 'transfer-encoding': 'chunked' }
  const form = forms.receive(new RequestBody(request), origin, ownLimits.formBytes)
  form.catch(() => undefined)
  request.push(Buffer.alloc(bytes, 'a'))
  t.after(() => request.destroy())
  return { request, form }
}

async function end({ request, form }: Sent): Promise<ReceivedForm> {
  request.complete = true
  request.push(null)
  return form
}

const isSlowDown = (error: unknown): boolean => isStoreError(error, 'SlowDown')

test('forms that name a key leave room for its owner at another address', async (t) => {
  const forms = new Forms({ isKnown: () => true, clock: systemClock })
  const bytes = ownLimits.formBytes - 1
  const origin = { address: '10.0.0.1', accessKeyId: 'AKID' }
  const held = Array.from({ length: 5 }, () => begin(t, forms, origin, bytes))
  const results = await Promise.allSettled(held.slice(4).map(({ form }) => form))
  for (const result of results) {
    assert.ok(result.status === 'rejected' && isSlowDown(result.reason))
  }
  const owner = begin(t, forms, { ...origin, address: '10.0.0.2' }, bytes)
  assert.equal((await end(owner)).bytes.byteLength, bytes)
})

test('a form that names a key has no more time than others', async (t) => {
  let nowMs = 0
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs }
  const forms = new Forms({ isKnown: () => true, clock })
  const sent = begin(t, forms, { address: '10.0.0.1', accessKeyId: 'AKID' }, 10)
  nowMs = ownLimits.keylessMs + 1
  sent.request.push(Buffer.from('a'))
  await assert.rejects(sent.form, (error) => error instanceof SimpleDbError)
})
