// Queries in threads: what they yield, how many run at once, and what becomes of those that go wrong.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { QueryError } from './error.ts'
import type { QueryRequest } from './format.ts'
import { type QueryEvent, QueryPool, type SelectedObject } from './pool.ts'
import { csvInput, csvOutput, now } from './query.fixture.ts'

const pools: QueryPool[] = []

after(() => Promise.all(pools.map((pool) => pool.close())))

function poolOf(...args: ConstructorParameters<typeof QueryPool>): QueryPool {
  const pool = new QueryPool(...args)
  pools.push(pool)
  return pool
}

const request = (expression: string): QueryRequest => ({
  expression,
  input: csvInput,
  output: csvOutput,
  compression: 'NONE',
  scanRange: undefined,
})

async function* objects(...texts: readonly string[]): AsyncGenerator<SelectedObject> {
  for (const [index, text] of texts.entries()) {
    const bytes = Buffer.from(text)
    yield {
      key: `object ${index}`,
      sizeBytes: bytes.length,
      async *read({ start, end }) {
        yield bytes.subarray(start, end + 1)
      },
    }
  }
}

/** An object that never ends, and counts the streams of it that are open. */
class Endless implements SelectedObject {
  readonly sizeBytes = Number.MAX_SAFE_INTEGER
  readonly chunk: Buffer
  open = 0
  readonly begun = Promise.withResolvers<void>()

  constructor(chunk: string) {
    this.chunk = Buffer.from(chunk)
  }

  async *read(): AsyncGenerator<Buffer> {
    this.open++
    this.begun.resolve()
    try {
      for (;;) {
        yield this.chunk
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      this.open--
    }
  }
}

async function* only(object: SelectedObject): AsyncGenerator<SelectedObject> {
  yield object
}

const signal = new AbortController().signal

async function resultOf(events: AsyncGenerator<QueryEvent>): Promise<string> {
  let text = ''
  for await (const event of events) {
    if (event.kind === 'records') text += Buffer.from(event.bytes).toString()
  }
  return text
}

const codeOf = (code: string) => (error: unknown) =>
  error instanceof QueryError && error.code === code

test('a thread is used for one query after the other', async () => {
  const pool = poolOf()
  for (const count of [1, 2, 3]) {
    const events = pool.run(
      request('SELECT COUNT(*) FROM S3Object'),
      objects(`a\n${'1\n'.repeat(count)}`),
      { now, signal },
    )
    assert.equal(await resultOf(events), `${count}\n`)
  }
})

test('one query reads many objects, each with its header and key', async () => {
  const pool = poolOf()
  const all = pool.run(
    request('SELECT _key, b FROM S3Object'),
    objects('a,b\n1,2\n', 'b,a\n3,4\n'),
    { now, signal },
  )
  assert.equal(await resultOf(all), 'object 0,2\nobject 1,3\n')
  const sum = pool.run(
    request('SELECT SUM(b), COUNT(*) FROM S3Object'),
    objects('a,b\n1,2\n', 'b,a\n3,4\n'),
    { now, signal },
  )
  assert.equal(await resultOf(sum), '5,2\n')
  const some = pool.run(
    request('SELECT b FROM S3Object LIMIT 1'),
    objects('a,b\n1,2\n', 'none\n'),
    { now, signal },
  )
  assert.equal(await resultOf(some), '2\n')
})

test('an error keeps its code, and the next query is not touched', async () => {
  const pool = poolOf()
  const bad = pool.run(request('SELECT nothing FROM S3Object'), objects('a\n1\n'), { now, signal })
  await assert.rejects(resultOf(bad), codeOf('MissingHeaders'))
  const good = pool.run(request('SELECT a FROM S3Object'), objects('a\n1\n'), { now, signal })
  assert.equal(await resultOf(good), '1\n')
})

test('a failure to read an object fails its query', async () => {
  const pool = poolOf()
  const broken: SelectedObject = {
    sizeBytes: 10,
    async *read() {
      yield Buffer.from('a\n')
      throw new Error('the disk is gone')
    },
  }
  const events = pool.run(request('SELECT * FROM S3Object'), only(broken), { now, signal })
  await assert.rejects(resultOf(events), /the disk is gone/)
})

test('a query whose reader goes is ended, with its stream', async () => {
  const pool = poolOf()
  const endless = new Endless('1\n'.repeat(1000))
  const events = pool.run(request('SELECT * FROM S3Object'), only(endless), { now, signal })
  await events.next()
  assert.equal(endless.open, 1)
  await events.return(undefined)
  assert.equal(endless.open, 0)
})

test('a query without results is ended by its signal', async () => {
  const pool = poolOf()
  const endless = new Endless('1\n'.repeat(1000))
  const controller = new AbortController()
  const none = request('SELECT * FROM S3Object WHERE FALSE')
  const result = resultOf(pool.run(none, only(endless), { now, signal: controller.signal }))
  await endless.begun.promise
  controller.abort(new Error('the client has gone'))
  await assert.rejects(result, /the client has gone/)
  assert.equal(endless.open, 0)
})

test('a client that takes nothing holds the query up', async () => {
  const pool = poolOf()
  const endless = new Endless('1\n'.repeat(1000))
  let taken = 0
  const counted: SelectedObject = {
    sizeBytes: endless.sizeBytes,
    async *read() {
      for await (const chunk of endless.read()) {
        taken += chunk.length
        yield chunk
      }
    },
  }
  const events = pool.run(request('SELECT * FROM S3Object'), only(counted), { now, signal })
  await events.next()
  let before = -1
  while (before !== taken) {
    before = taken
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  await events.return(undefined)
  assert.ok(taken < 16_777_216, `${taken} bytes were read ahead`)
})

test('while nothing comes, the query says that it goes on', async () => {
  const pool = poolOf({ keepAliveMs: 1 })
  const gate = Promise.withResolvers<void>()
  const slow: SelectedObject = {
    sizeBytes: 4,
    async *read() {
      await gate.promise
      yield Buffer.from('a\n1\n')
    },
  }
  const events = pool.run(request('SELECT * FROM S3Object'), only(slow), { now, signal })
  assert.deepEqual(await events.next(), { done: false, value: { kind: 'continuation' } })
  gate.resolve()
  assert.equal(await resultOf(events), '1\n')
})

test('more queries than may run wait, and then are told to slow down', async () => {
  const pool = poolOf({ queries: 1, waitMs: 1 })
  const endless = new Endless('1\n'.repeat(1000))
  const first = pool.run(request('SELECT * FROM S3Object'), only(endless), { now, signal })
  await first.next()
  const second = pool.run(request('SELECT * FROM S3Object'), objects('a\n1\n'), { now, signal })
  await assert.rejects(resultOf(second), { code: 'SlowDown' })
  await first.return(undefined)
  const third = pool.run(request('SELECT * FROM S3Object'), objects('a\n1\n'), { now, signal })
  assert.equal(await resultOf(third), '1\n')
})

test('a query that takes too much memory fails alone', async () => {
  const pool = poolOf({ heapMegabytes: 16 })
  const input = { kind: 'json', type: 'LINES' } as const
  const hungry = `SELECT ${Array.from({ length: 400 }, (_, index) => `MAX(s.t || '${index}')`).join(',')} FROM S3Object s`
  const rows = `{"t":"${'x'.repeat(900_000)}"}\n`.repeat(3)
  const events = pool.run({ ...request(hungry), input }, objects(rows), { now, signal })
  await assert.rejects(resultOf(events), codeOf('OverMaxRecordSize'))
  const next = pool.run(request('SELECT * FROM S3Object'), objects('a\n1\n'), { now, signal })
  assert.equal(await resultOf(next), '1\n')
})
