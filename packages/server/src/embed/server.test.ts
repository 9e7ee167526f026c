// Servers whose store ends with them: in memory, and in a temporary folder.

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { PassingEmbedOptions } from './options.ts'
import { open } from './server.ts'

const places: Readonly<Record<string, PassingEmbedOptions>> = {
  memory: { memory: true },
  'a temporary folder': { temporary: true },
}

async function bodyOf(client: S3Client, Bucket: string, Key: string): Promise<string | undefined> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  return Body?.transformToString()
}

async function bucketsOf(client: S3Client): Promise<string[]> {
  const { Buckets = [] } = await client.send(new ListBucketsCommand())
  return Buckets.map(({ Name }) => Name ?? '')
}

for (const [name, place] of Object.entries(places)) {
  test(`a server in ${name} serves small and large objects, and its seeds`, async () => {
    await using server = await open({
      ...place,
      buckets: { seeded: { 'a/b.txt': 'text', empty: '', bytes: new Uint8Array([1, 2, 3]) } },
    })
    const client = new S3Client(server.clientConfig)
    assert.equal(await bodyOf(client, 'seeded', 'a/b.txt'), 'text')
    assert.equal(await bodyOf(client, 'seeded', 'empty'), '')
    assert.equal(await bodyOf(client, 'seeded', 'bytes'), '\u0001\u0002\u0003')
    const large = 'large '.repeat(500_000)
    for (const [Key, Body] of Object.entries({ small: 'small', large })) {
      await client.send(new PutObjectCommand({ Bucket: 'seeded', Key, Body }))
      assert.equal(await bodyOf(client, 'seeded', Key), Body)
    }
    client.destroy()
  })

  test(`a server in ${name} is reset to its seeds, on the same connection`, async () => {
    await using server = await open({ ...place, buckets: { first: { kept: '1' } } })
    const client = new S3Client({ ...server.clientConfig, maxAttempts: 1 })
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(await bucketsOf(client), ['first'])
      await client.send(new CreateBucketCommand({ Bucket: 'second' }))
      for (const Key of ['kept', 'added']) {
        await client.send(new PutObjectCommand({ Bucket: 'first', Key, Body: 'changed' }))
      }
      await server.reset()
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'first' }))
      assert.deepEqual(
        Contents.map(({ Key }) => Key),
        ['kept'],
      )
      assert.equal(await bodyOf(client, 'first', 'kept'), '1')
    }
    client.destroy()
  })
}

test('a server in a temporary folder leaves nothing behind, reset or not', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-embed-'))
  const { TMPDIR } = process.env
  process.env['TMPDIR'] = scratch
  try {
    const server = await open({ temporary: true })
    assert.equal((await readdir(scratch)).length, 1)
    await server.reset()
    await server.close()
    assert.deepEqual(await readdir(scratch), [])
    await assert.rejects(open({ temporary: true, buckets: ['NOT A NAME'] }))
    assert.deepEqual(await readdir(scratch), [])
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = TMPDIR
    await rm(scratch, { recursive: true })
  }
})

test('keys may be chosen, and those without an owner share one', async () => {
  const keys = [
    { accessKeyId: 'one', secretAccessKey: 'secret-one' },
    { accessKeyId: 'two', secretAccessKey: 'secret-two' },
    { accessKeyId: 'other', secretAccessKey: 's', owner: { id: 'o', displayName: 'other' } },
  ]
  await using server = await open({ memory: true, keys, buckets: ['shared'] })
  assert.deepEqual(server.credentials, { accessKeyId: 'one', secretAccessKey: 'secret-one' })
  const seen = keys.map(async (credentials) => {
    const client = new S3Client({ ...server.clientConfig, credentials })
    const buckets = await bucketsOf(client)
    client.destroy()
    return buckets
  })
  assert.deepEqual(await Promise.all(seen), [['shared'], ['shared'], []])
})

test('two servers in one process have nothing in common', async () => {
  await using one = await open({ memory: true, buckets: ['first'] })
  await using two = await open({ memory: true, buckets: ['second'] })
  assert.notEqual(one.port, two.port)
  assert.notEqual(one.credentials.accessKeyId, two.credentials.accessKeyId)
  const client = new S3Client(two.clientConfig)
  assert.deepEqual(await bucketsOf(client), ['second'])
  client.destroy()
})

test('a handler serves behind a server of the program’s own', async () => {
  await using server = await open({ memory: true, listen: false })
  assert.throws(() => server.endpoint, /listens at nothing/)
  const own = createServer(server.handler)
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve))
  const address = own.address()
  assert.ok(typeof address === 'object' && address !== null)
  const health = await fetch(`http://127.0.0.1:${address.port}/_/health`)
  assert.equal(await health.text(), 'ok\n')
  own.closeAllConnections()
  own.close()
})

test('a server listens once: again gives its port, elsewhere is refused', async () => {
  await using server = await open({ memory: true })
  assert.equal(await server.listen(), server.port)
  assert.equal(await server.listen({ port: server.port }), server.port)
  await assert.rejects(server.listen({ port: 1 }), /listens at port \d+ already/)
  await assert.rejects(open({ memory: true, port: server.port }), { code: 'EADDRINUSE' })
})

test('options that name no place, or several, or no key, are refused', async () => {
  const refused = async (options: object, message: RegExp): Promise<void> => {
    await assert.rejects(
      // As a program without types would call it.
      Reflect.apply(open, undefined, [options]),
      (error) => error instanceof TypeError && message.test(error.message),
    )
  }
  await refused({}, /memory: true/)
  await refused({ memory: true, temporary: true }, /needs one of/)
  await refused({ dataFolder: '/tmp/never-made' }, /at least one access key/)
  await refused({ memory: true, keys: [] }, /at least one access key/)
  const key = { accessKeyId: 'a', secretAccessKey: 'b' }
  await refused({ memory: true, keys: [key, key] }, /two keys/)
})

test('a reset after close is refused, and so is one of a server with the wrong buckets', async () => {
  await assert.rejects(open({ memory: true, buckets: ['NOT A NAME'] }), {
    code: 'InvalidBucketName',
  })
  const server = await open({ memory: true })
  await server.close()
  await assert.rejects(server.reset(), /closed/)
  await server.close()
})

test('the memory allowed bounds what is stored', async () => {
  await using server = await open({
    memory: true,
    memoryLimitBytes: 16 * 1_048_576,
    buckets: ['bucket'],
  })
  const client = new S3Client({ ...server.clientConfig, maxAttempts: 1 })
  const put = (Key: string, bytes: number): Promise<unknown> =>
    client.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: Buffer.alloc(bytes) }))
  await put('a', 8 * 1_048_576)
  await assert.rejects(put('b', 8 * 1_048_576), { name: 'InsufficientStorage' })
  await put('c', 1000)
  client.destroy()
})

test('a region that is required is the one of the seeds and the clients', async () => {
  await using server = await open({ memory: true, region: 'eu-west-3', buckets: ['bucket'] })
  const client = new S3Client(server.clientConfig)
  assert.deepEqual(await bucketsOf(client), ['bucket'])
  client.destroy()
})
