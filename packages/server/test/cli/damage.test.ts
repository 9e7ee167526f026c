// The error messages of commands on a store whose file was overwritten.

import assert from 'node:assert/strict'
import { cp, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePort, runHoldfast, startServer } from '../harness.ts'
import { WireClient } from '../wire.ts'

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-damage-'))
after(() => rm(scratch, { recursive: true, force: true }))
const sound = join(scratch, 'sound')
const pageBytes = 4096

before(async () => {
  await using server = await startServer({ workers: 1 })
  const client = new WireClient(server)
  await client.send({ method: 'PUT', path: '/first' })
  for (let index = 0; index < 50; index++) {
    const path = `/first/folder/${index}`
    assert.equal((await client.send({ method: 'PUT', path, body: Buffer.alloc(500) })).status, 200)
  }
  client.close()
  await server.stop()
  await cp(server.dataFolder, sound, { recursive: true })
})

/** A copy of the sound folder whose store has `byte` in pages `from` to `to`; all from `from` on without `to`. */
async function damaged(name: string, byte: number, from: number, to?: number): Promise<string> {
  const folder = join(scratch, name)
  await cp(sound, folder, { recursive: true })
  const file = await open(join(folder, 'engine', 'data.mdb'), 'r+')
  const end = to === undefined ? (await file.stat()).size : (to + 1) * pageBytes
  const bytes = Buffer.alloc(end - from * pageBytes, byte)
  await file.write(bytes, 0, bytes.byteLength, from * pageBytes)
  await file.close()
  return folder
}

const stack = /^ {4}at |SIGSEGV.*SIGSEGV/m

test('a store without its heads is called damaged by every command, and not served', async () => {
  const data = await damaged('heads', 0, 0, 1)
  const fsck = await runHoldfast(['fsck', '--data', data])
  assert.equal(fsck.exitCode, 4, fsck.output)
  const doctor = await runHoldfast(['doctor', '--data', data, '--port', String(await freePort())])
  assert.equal(doctor.exitCode, 1)
  assert.match(doctor.output, /^bad +The store is damaged/m)
  const serve = await runHoldfast(['serve', '--data', data, '--port', '0', '--workers', '2'])
  assert.equal(serve.exitCode, 1)
  for (const { output } of [fsck, doctor, serve]) {
    assert.match(output, /The store is damaged: .*data\.mdb doesn't begin as it should/)
    assert.doesNotMatch(output, stack)
  }
})

for (const byte of [0, 0xff]) {
  test(`pages full of ${byte} are a finding of fsck, in plain words`, async () => {
    const data = await damaged(`pages-${byte}`, byte, 2)
    const fsck = await runHoldfast(['fsck', '--data', data])
    assert.equal(fsck.exitCode, 4, fsck.output)
    assert.doesNotMatch(fsck.output, stack)
    const doctor = await runHoldfast(['doctor', '--data', data, '--port', String(await freePort())])
    assert.equal(doctor.exitCode, 1, doctor.output)
    assert.match(doctor.output, /^bad +.*damaged/m)
    assert.doesNotMatch(doctor.output, stack)
    const serve = await runHoldfast(['serve', '--data', data, '--port', '0', '--workers', '2'])
    assert.equal(serve.exitCode, 1, serve.output)
    assert.match(serve.output, /damaged/)
    assert.doesNotMatch(serve.output, stack)
  })
}
