// A server that is configured as machines do it: by the environment, mounted secrets, and a file.

import assert from 'node:assert/strict'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { runHoldfast, startServer, type TestServer } from '../harness.ts'

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-settings-'))
after(() => rm(scratch, { recursive: true, force: true }))

async function bucketsOf(server: TestServer, credentials: Credentials): Promise<string[]> {
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials,
  })
  try {
    const { Buckets = [] } = await client.send(new ListBucketsCommand())
    return Buckets.map(({ Name }) => Name ?? '')
  } finally {
    client.destroy()
  }
}

interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

test('a root key and buckets from the environment are there when the server is ready, beside the file of keys', async () => {
  const secretFile = join(scratch, 'secret')
  await writeFile(secretFile, 'of the machine\n')
  await using server = await startServer({
    workers: 2,
    env: {
      HOLDFAST_ROOT_ACCESS_KEY: 'machine',
      HOLDFAST_ROOT_SECRET_KEY_FILE: secretFile,
      HOLDFAST_BUCKETS: 'photos,backup',
    },
  })
  const root = { accessKeyId: 'machine', secretAccessKey: 'of the machine' }
  assert.deepEqual(await bucketsOf(server, root), ['backup', 'photos'])
  assert.deepEqual(await bucketsOf(server, server), [])
  await assert.rejects(access(join(server.dataFolder, 'credentials.json')))
  assert.doesNotMatch(await readFile(server.logFile, 'utf8'), /of the machine/)
  // Started again, the buckets are there already, with what is in them.
  const client = server.client({ credentials: root })
  await client.send(new PutObjectCommand({ Bucket: 'photos', Key: 'key', Body: 'x' }))
  await server.stop()
  await server.restart()
  assert.deepEqual(await bucketsOf(server, root), ['backup', 'photos'])
})

test('a bucket that another owner has stops the start, and says so', async () => {
  await using server = await startServer({ workers: 1, args: ['--buckets', 'taken'] })
  await server.stop()
  const { exitCode, output } = await runHoldfast([
    ...['serve', '--port', '0', '--workers', '1', '--data', server.dataFolder],
    ...['--root-access-key', 'other', '--root-secret-key', 'secret', '--buckets', 'taken'],
  ])
  assert.equal(exitCode, 1)
  assert.match(output, /the bucket taken of --buckets belongs to another owner/)
})

test('the settings in effect are printed, a file among them, and nothing is opened', async () => {
  const file = join(scratch, 'holdfast.toml')
  const data = join(scratch, 'never-made')
  const secret = 'root-access-key = "root"\nroot-secret-key = "hush"\n'
  await writeFile(file, `port = 4711\ndata = ${JSON.stringify(data)}\n${secret}`)
  const args = ['serve', '--config', file, '--log-level', 'warn', '--print-config']
  const { exitCode, output } = await runHoldfast(args)
  assert.equal(exitCode, 0)
  assert.match(output, /^port = 4711 # port in holdfast\.toml$/m)
  assert.match(output, /^log-level = "warn" # --log-level$/m)
  assert.doesNotMatch(output, /hush/)
  await assert.rejects(access(data))
  // What was printed is a file of settings itself.
  const printed = join(scratch, 'printed.toml')
  await writeFile(printed, output)
  const again = await runHoldfast(['serve', '--config', printed, '--print-config'])
  assert.equal(again.exitCode, 2, 'the secret is missing')
  assert.match(again.output, /the root key needs both/)
  await writeFile(printed, output.replace(/^root-access-key.*$/m, ''))
  const third = await runHoldfast(['serve', '--config', printed, '--print-config'])
  assert.equal(third.exitCode, 0)
  assert.match(third.output, /^port = 4711 # port in printed\.toml$/m)
})

test('a setting that is unknown is refused before anything is opened', async () => {
  const file = join(scratch, 'unknown.json')
  await writeFile(file, '{"prot": 9000}')
  const { exitCode, output } = await runHoldfast(['serve', '--config', file])
  assert.equal(exitCode, 2)
  assert.match(output, /unknown\.json has a setting "prot"/)
})
