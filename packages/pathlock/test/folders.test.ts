// The example against a real server: each operation does what it says, and no reader sees one half
// done.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { PathLock } from 'pathlock'
import { startServer } from '../../server/test/harness.ts'
import {
  type Bucket,
  copyFolder,
  deleteFolder,
  readFolder,
  renameFolder,
  writeFolder,
} from '../example/folders.ts'

const names = ['1', '2 +&', 'deep/1', 'deep/ü', '']

function files(body: string): Map<string, string> {
  return new Map(names.map((name) => [name, body]))
}

async function contents(bucket: Bucket, folder: string): Promise<Record<string, string>> {
  const read = await readFolder(bucket, folder)
  const texts = [...read].map(([name, bytes]) => [name, Buffer.from(bytes).toString()])
  return Object.fromEntries(texts)
}

test('the example works on folders of a server, alone and in a crowd', async (t) => {
  await using server = await startServer()
  const bucket: Bucket = { s3: server.client(), lock: new PathLock(), name: 'folders' }
  await bucket.s3.send(new CreateBucketCommand({ Bucket: bucket.name }))

  await t.test('each operation does what it says, and nothing beside the folder', async () => {
    const named = new Map(names.map((name) => [name, `the first ${name}`]))
    await writeFolder(bucket, 'a', named)
    await writeFolder(bucket, 'ab', files('beside'))
    await copyFolder(bucket, 'a', 'c/d')
    assert.deepEqual(await contents(bucket, 'c/d'), Object.fromEntries(named))
    // What was in `a/deep` has gone to `a/deep/deep`, and is overwritten where `a` had the same
    // name.
    await copyFolder(bucket, 'a', 'a/deep')
    const inner = { ...Object.fromEntries(named), ü: 'the first deep/ü' }
    assert.deepEqual(await contents(bucket, 'a/deep'), inner)
    await renameFolder(bucket, 'a/deep', 'e')
    assert.deepEqual(await contents(bucket, 'a/deep'), {})
    assert.deepEqual(await contents(bucket, 'e'), inner)
    await deleteFolder(bucket, 'c')
    assert.deepEqual(await contents(bucket, 'c/d'), {})
    assert.deepEqual(await contents(bucket, 'ab'), Object.fromEntries(files('beside')))
    await assert.rejects(renameFolder(bucket, 'ab', 'ab/x'), RangeError)
  })

  await t.test('readers in a crowd see each folder whole or not at all', async () => {
    await writeFolder(bucket, 'x', files('0'))
    const seen = new Set<string>()
    const look = async (folder: string): Promise<void> => {
      const bodies = Object.values(await contents(bucket, folder))
      assert.equal(new Set(bodies).size, Math.min(bodies.length, 1), 'of two generations')
      assert.ok(bodies.length === 0 || bodies.length === names.length, `${bodies.length} objects`)
      seen.add(`${folder} ${bodies[0] ?? 'absent'}`)
    }
    const crowd: Promise<void>[] = []
    for (let round = 1; round <= 4; round += 1) {
      crowd.push(look('x'), look('y'), renameFolder(bucket, 'x', 'y'), look('x'), look('y'))
      crowd.push(
        copyFolder(bucket, 'y', 'z'),
        look('z'),
        writeFolder(bucket, 'y', files(`${round}`)),
      )
      crowd.push(look('y'), renameFolder(bucket, 'y', 'x'), deleteFolder(bucket, 'z'), look('z'))
    }
    await Promise.all(crowd)
    const bodies = ['0', '1', '2', '3', '4']
    const present = [
      ...bodies.map((body) => `x ${body}`).slice(0, 4),
      ...bodies.map((body) => `y ${body}`),
      ...bodies.map((body) => `z ${body}`).slice(0, 4),
    ]
    assert.deepEqual([...seen].sort(), [...present, 'x absent', 'y absent', 'z absent'].sort())
    assert.deepEqual(bucket.lock.query(), { held: [], pending: [] })
  })
})
