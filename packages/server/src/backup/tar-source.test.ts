import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Bytes } from '../base/bytes.ts'
import { TarSink } from './tar-sink.ts'
import { filesOfTar } from './tar-source.ts'

type Files = readonly { readonly name: string; readonly content: Uint8Array }[]

async function archiveOf(files: Files): Promise<Buffer> {
  const pieces: Buffer[] = []
  const sink = new TarSink(async (bytes) => void pieces.push(Buffer.from(bytes)), 0)
  for (const { name, content } of files.slice(0, -1)) {
    await sink.put(name, content.byteLength, [content])
  }
  const last = files.at(-1)
  await sink.finish(last?.name ?? '', last?.content ?? new Uint8Array())
  return Buffer.concat(pieces)
}

/** The bytes in pieces of a size that fits no block. */
async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Bytes> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

const file = fc.record({
  name: fc.stringMatching(/^[a-z]{1,9}\/\d{1,9}$/),
  content: fc.uint8Array({ maxLength: 2000 }),
})
const files = fc.array(file, { minLength: 1, maxLength: 6 })

test('the files of an archive are those that were written, whatever pieces it comes in', async () => {
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 1500 }), async (all, size) => {
      const found: { name: string; content: number[] }[] = []
      for await (const { name, content } of filesOfTar(inPieces(await archiveOf(all), size))) {
        const bytes: number[] = []
        for await (const piece of content) bytes.push(...piece)
        found.push({ name, content: bytes })
      }
      const expected = all.map(({ name, content }) => ({ name, content: [...content] }))
      assert.deepEqual(found, expected)
    }),
  )
})

test('what is left unread of a file is skipped', async () => {
  const all = ['a/1', 'a/2'].map((name) => ({ name, content: new Uint8Array(700) }))
  const names: string[] = []
  for await (const { name } of filesOfTar(inPieces(await archiveOf(all), 512))) names.push(name)
  assert.deepEqual(names, ['a/1', 'a/2'])
})

test('a source that fails ends its file with zeros, so that the rest of the archive can be read', async () => {
  const pieces: Buffer[] = []
  const sink = new TarSink(async (bytes) => void pieces.push(Buffer.from(bytes)), 0)
  const failing = (async function* () {
    yield Buffer.from('begun')
    throw new Error('damaged')
  })()
  await assert.rejects(sink.put('a/1', 600, failing), /damaged/)
  await sink.finish('a/2', Buffer.from('end'))
  const found: string[] = []
  for await (const { content } of filesOfTar(inPieces(Buffer.concat(pieces), 100))) {
    let text = ''
    for await (const piece of content) text += Buffer.from(piece).toString()
    found.push(text)
  }
  assert.deepEqual(found, [`begun${'\0'.repeat(595)}`, 'end'])
})
