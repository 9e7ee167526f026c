// The server with a TLS certificate.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { plainEnvironment } from '../environment.ts'
import { randomCredential, runHoldfast } from '../harness.ts'
import { expiredCertificate, expiredKey, testCertificate, testKey } from './certificate.ts'

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

/** A server with the certificate files, which says on which port it is ready. */
async function startTls(): Promise<{ readonly child: Child; readonly port: string }> {
  const args = ['serve', '--port', '0', '--workers', '1', '--data', join(scratch, 'data')]
  const tls = ['--tls-cert', files.cert, '--tls-key', files.key, '--credentials', credentialsFile]
  const child = spawn(process.execPath, [mainFile, ...args, ...tls], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: plainEnvironment(),
  })
  const [, port = ''] = await waitFor(child, /https:\/\/127\.0\.0\.1:(\d+)/)
  return { child, port }
}

type Child = ChildProcessByStdio<null, Readable, null>

/** Reads the log until a line matches. */
async function waitFor(child: Child, pattern: RegExp): Promise<RegExpExecArray> {
  let output = ''
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk
    const found = pattern.exec(output)
    if (found !== null) return found
  }
  throw new Error(`the server ended: ${output}`)
}

/** The serial number of the certificate that a new connection gets. */
async function serialAt(port: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

test('with --tls-cert and --tls-key the server speaks https, and stops as well as without', async () => {
  const { child, port } = await startTls()
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
  child.stdout.resume()
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})

test('SIGHUP makes new connections get a renewed certificate, and a damaged one changes nothing', async () => {
  const { child, port } = await startTls()
  const serialOf = (pem: string): string => new X509Certificate(pem).serialNumber
  assert.equal(await serialAt(port), serialOf(testCertificate))
  await writeFile(files.cert, expiredCertificate)
  await writeFile(files.key, expiredKey)
  child.kill('SIGHUP')
  await waitFor(child, /read the certificate again/)
  assert.equal(await serialAt(port), serialOf(expiredCertificate))
  await writeFile(files.cert, 'damaged')
  child.kill('SIGHUP')
  await waitFor(child, /the certificate could not be read again/)
  assert.equal(await serialAt(port), serialOf(expiredCertificate))
  await writeFile(files.cert, testCertificate)
  await writeFile(files.key, testKey)
  child.stdout.resume()
  child.kill('SIGTERM')
  await once(child, 'exit')
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
