// The doctor's diagnoses of folders and ports.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { freePort, runHoldfast, startServer } from '../harness.ts'

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-doctor-'))
after(() => rm(scratch, { recursive: true, force: true }))

async function examine(
  data: string,
  port: number,
): Promise<{ exitCode: number | null; output: string }> {
  return runHoldfast(['doctor', '--data', data, '--port', String(port)])
}

test('a folder and a port that nobody uses are all right', async () => {
  await chmod(scratch, 0o755)
  const { exitCode, output } = await examine(scratch, await freePort())
  assert.equal(exitCode, 0, output)
  assert.match(output, /^ok +no server has it$/m)
  assert.match(output, /^ok +port 127\.0\.0\.1:\d+ is free$/m)
  assert.match(output, /^warn other users may look into .*: chmod 700 /m)
})

test('a server is recognized, in its own folder and out of it', async () => {
  await using server = await startServer({ workers: 1 })
  const own = await examine(server.dataFolder, server.port)
  assert.equal(own.exitCode, 0, own.output)
  assert.match(
    own.output,
    new RegExp(`^ok +process ${server.pid} serves it at ${server.endpoint}$`, 'm'),
  )
  assert.match(own.output, /^ok +the server of this folder answers at port/m)
  const foreign = await examine(scratch, server.port)
  assert.equal(foreign.exitCode, 1)
  assert.match(foreign.output, /^bad +the Holdfast server of another folder answers at port/m)
})

test('a file in place of the folder, and another program at the port, are in the way', async () => {
  const file = join(scratch, 'file')
  await writeFile(file, '')
  const other = createServer((socket) => socket.end('SSH-2.0-x\r\n')).listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  assert.ok(typeof address === 'object' && address !== null)
  const { exitCode, output } = await examine(file, address.port)
  other.close()
  assert.equal(exitCode, 1)
  assert.match(output, /^bad .*file is no folder/m)
  assert.match(output, /^bad +a program is at port .*, but gives no answer/m)
})
