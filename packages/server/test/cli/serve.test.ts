// The life of a server, for a script or a service manager: start, refused start, stop.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { plainEnvironment } from '../environment.ts'
import { freePort, healthStatus, runHoldfast, startServer } from '../harness.ts'
import { WireClient } from '../wire.ts'
import { beginSlowPut, makeBucket } from './slow.ts'

const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const scratch = await mkdtemp(join(tmpdir(), 'holdfast-cli-'))
after(() => rm(scratch, { recursive: true, force: true }))

test('while it stops, health is 503, a new request too, and the one under way is finished', async () => {
  await using server = await startServer({ workers: 1 })
  await makeBucket(server, 'slow')
  const put = await beginSlowPut(server, 'slow', 'key')
  const exited = once(server.process, 'exit')
  // npm receives the signal of the process group, and forwards it. Both count as one request to stop.
  server.process.kill('SIGTERM')
  server.process.kill('SIGTERM')
  await delay(30)
  server.process.kill('SIGTERM')
  while ((await healthStatus(server.endpoint)) === 200) await delay(5)
  assert.equal(await healthStatus(server.endpoint), 503)
  const client = new WireClient(server)
  const refused = await client.send({ method: 'GET', path: '/slow/key' })
  assert.equal(refused.status, 503)
  assert.match(refused.body.toString(), /<Code>ServiceUnavailable<\/Code>/)
  assert.equal(refused.headers['connection'], 'close')
  const select = await client.send({ method: 'GET', path: '/', query: { Action: 'ListDomains' } })
  assert.equal(select.status, 503)
  assert.match(select.body.toString(), /^<\?xml version="1.0"\?>\n<Response>.*ServiceUnavailable/)
  assert.equal(await put.finish(), 200)
  assert.deepEqual(await exited, [0, null])
  await server.restart()
  const found = await client.send({ method: 'GET', path: '/slow/key' })
  assert.equal(found.body.toString(), 'firstlater')
  client.close()
})

test('a second SIGTERM ends a server at once that still waits for a request', async () => {
  await using server = await startServer({ workers: 1 })
  await makeBucket(server, 'slow')
  const put = await beginSlowPut(server, 'slow', 'key')
  put.request.on('error', () => undefined)
  const exited = once(server.process, 'exit')
  server.process.kill('SIGTERM')
  // From when it has heard the first one, a later one counts as the second.
  while ((await healthStatus(server.endpoint)) !== 503) await delay(5)
  await delay(600)
  assert.ok(server.isRunning)
  server.process.kill('SIGTERM')
  assert.deepEqual(await exited, [1, null])
})

test('an idle server stops with exit code 0, also for SIGINT to the whole group', async () => {
  await using server = await startServer({ workers: 2 })
  const exited = once(server.process, 'exit')
  process.kill(-server.pid, 'SIGINT')
  assert.deepEqual(await exited, [0, null])
  assert.equal(await healthStatus(server.endpoint), undefined)
})

test('a second server on a folder is refused with exit code 3 until the first is gone', async () => {
  await using server = await startServer({ workers: 1 })
  const args = ['serve', '--data', server.dataFolder, '--port', String(await freePort())]
  const { exitCode, output } = await runHoldfast(args)
  assert.equal(exitCode, 3)
  assert.match(output, new RegExp(`another server has the data folder .*process ${server.pid} at`))
  assert.equal(await healthStatus(server.endpoint), 200)
  // SIGKILL leaves no time to release the lock.
  await server.restart()
  assert.equal(await healthStatus(server.endpoint), 200)
})

test('a port in use is named, with exit code 1', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  assert.ok(typeof address === 'object' && address !== null)
  const data = join(scratch, 'port')
  const { exitCode, output } = await runHoldfast([
    'serve',
    ...['--data', data, '--port', String(address.port), '--workers', '2'],
  ])
  other.close()
  assert.equal(exitCode, 1)
  assert.match(output, /another program listens at 127\.0\.0\.1:\d+; stop it, or choose another/)
})

test('a command line that makes no sense has exit code 2, and says why', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /which command/],
    [['server'], /there is no command server/],
    [['help', 'nope'], /there is no command nope/],
    [['serve', '--prot', '1'], /Unknown option '--prot'/],
    [['serve', '--port', '70000'], /--port takes a number from 0 to 65535, not "70000"/],
    [['fsck', 'DIR'], /what is "DIR" for\?/],
  ]
  for (const [args, expected] of cases) {
    const { exitCode, output } = await runHoldfast(args)
    assert.equal(exitCode, 2, args.join(' '))
    assert.match(output, expected)
    assert.match(output, /Usage:|see holdfast help (serve|fsck)/)
  }
  const { exitCode, output } = await runHoldfast(['help', 'serve'])
  assert.equal(exitCode, 0)
  assert.match(output, /--tls-cert FILE/)
})

test('a credentials file that can not be used is explained, with exit code 1 and no secret', async () => {
  const file = join(scratch, 'bad.json')
  await writeFile(file, '[{"accessKeyId": "A", "secretAccessKey": "very-secret" "x"}]')
  const args = ['serve', '--port', '0', '--data', join(scratch, 'bad'), '--credentials', file]
  const { exitCode, output } = await runHoldfast(args)
  assert.equal(exitCode, 1)
  assert.match(output, /bad\.json: not JSON: .*line 1 column \d+/)
  assert.doesNotMatch(output, /very-secret/)
  const missing = await runHoldfast([...args.slice(0, -1), join(scratch, 'none.json')])
  assert.equal(missing.exitCode, 1)
  assert.match(missing.output, /none\.json: there is no such file/)
})

/** Starts a server without a credentials file, at a free port, and stops it as soon as it serves. */
async function startAlone(dataFolder: string): Promise<string> {
  const args = ['serve', '--port', '0', '--workers', '1', '--data', dataFolder]
  const child = spawn(process.execPath, [mainFile, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: plainEnvironment(),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('"ready"')) child.kill('SIGTERM')
    })
  }
  await once(child, 'close')
  assert.equal(child.exitCode, 0, output)
  return output
}

test('without a credentials file a root key is made once, shown once, and kept for its owner only', async () => {
  const dataFolder = join(scratch, 'root')
  const file = join(dataFolder, 'credentials.json')
  const first = await startAlone(dataFolder)
  const text = await readFile(file, 'utf8')
  const [key] = JSON.parse(text)
  assert.match(key.accessKeyId, /^[A-Z2-7]{20}$/)
  assert.match(key.secretAccessKey, /^[A-Za-z0-9]{40}$/)
  assert.ok(first.includes(`export AWS_ACCESS_KEY_ID=${key.accessKeyId}\n`))
  assert.ok(first.includes(`export AWS_SECRET_ACCESS_KEY=${key.secretAccessKey}\n`))
  assert.match(first, /aws --endpoint-url http:\/\/127\.0\.0\.1:\d+ s3 mb s3:\/\/first/)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const second = await startAlone(dataFolder)
  assert.equal(await readFile(file, 'utf8'), text)
  assert.ok(!second.includes(key.secretAccessKey))
})
