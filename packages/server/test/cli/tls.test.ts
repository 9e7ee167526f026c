// The server with a TLS certificate.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { randomCredential, runHoldfast } from '../harness.ts'
import { testCertificate, testKey } from './certificate.ts'

const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const scratch = await mkdtemp(join(tmpdir(), 'holdfast-tls-'))
after(() => rm(scratch, { recursive: true, force: true }))

const files = { cert: join(scratch, 'cert.pem'), key: join(scratch, 'key.pem') }
await writeFile(files.cert, testCertificate)
await writeFile(files.key, testKey)
const credential = randomCredential()
const credentialsFile = join(scratch, 'credentials.json')
await writeFile(credentialsFile, JSON.stringify([credential]), { mode: 0o600 })

/** Stores bodies that are rows and blobs, several chunks long, and reads them again. */
async function assertBodiesPass(endpoint: string): Promise<void> {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: credential,
    requestHandler: { httpsAgent: new Agent({ ca: testCertificate }) },
  })
  await client.send(new CreateBucketCommand({ Bucket: 'over-tls' }))
  for (const size of [40_000, 65_536, 3_000_000]) {
    const body = randomBytes(size)
    const address = { Bucket: 'over-tls', Key: String(size) }
    await client.send(new PutObjectCommand({ ...address, Body: body }))
    const { Body } = await client.send(new GetObjectCommand(address))
    assert.ok(body.equals((await Body?.transformToByteArray()) ?? new Uint8Array()))
  }
  client.destroy()
}

test('with --tls-cert and --tls-key the server speaks https, and stops as well as without', async () => {
  const args = ['serve', '--port', '0', '--workers', '1', '--data', join(scratch, 'data')]
  const tls = ['--tls-cert', files.cert, '--tls-key', files.key, '--credentials', credentialsFile]
  const child = spawn(process.execPath, [mainFile, ...args, ...tls], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let output = ''
  let port: string | undefined
  for await (const chunk of child.stdout) {
    output += chunk
    port = /https:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1]
    if (port !== undefined) break
  }
  const outgoing = request({
    host: 'localhost',
    port,
    path: '/_/health',
    ca: testCertificate,
    agent: false,
  })
  outgoing.end()
  const [answer] = await once(outgoing, 'response')
  assert.equal(answer.statusCode, 200)
  answer.resume()
  await once(answer, 'end')
  await assertBodiesPass(`https://localhost:${port}`)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})

test('a certificate without its key, or with one that is not its own, is explained', async () => {
  const args = ['serve', '--port', '0', '--data', join(scratch, 'data'), '--tls-cert', files.cert]
  const alone = await runHoldfast(args)
  assert.equal(alone.exitCode, 2)
  assert.match(alone.output, /--tls-cert needs --tls-key beside it/)
  const wrong = await runHoldfast([...args, '--tls-key', files.cert])
  assert.equal(wrong.exitCode, 1)
  assert.match(wrong.output, /must be a certificate and its private key, both PEM/)
})
