import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ByteSource } from '../blob/blob.ts'
import { type Content, contentSource } from './content.ts'

function streamed(source: ByteSource): Content {
  return { kind: 'stream', source, close: async () => {} }
}

test('a copy ends after the current chunk and closes its source when its client disconnects', async () => {
  let read = 0
  let isClosed = false
  async function* chunks(): ByteSource {
    try {
      for (; read < 100; read++) yield Buffer.alloc(10)
    } finally {
      isClosed = true
    }
  }
  const leaving = new AbortController()
  const source = contentSource(streamed(chunks()), leaving.signal)
  await assert.rejects(async () => {
    for await (const _ of source) leaving.abort(new Error('the client has gone'))
  }, /the client has gone/)
  assert.deepEqual([read, isClosed], [1, true])
})

test('bytes in memory make a stream of one chunk or none', async () => {
  const { signal } = new AbortController()
  for (const bytes of [Buffer.from('abc'), Buffer.alloc(0)]) {
    const chunks: Uint8Array[] = []
    for await (const chunk of contentSource({ kind: 'bytes', bytes }, signal)) chunks.push(chunk)
    assert.deepEqual(chunks, bytes.length === 0 ? [] : [bytes])
  }
})
