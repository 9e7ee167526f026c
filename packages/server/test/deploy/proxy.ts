// Real proxies in front of a real server, configured by the recipes in deploy/proxy/: what clients send must
// arrive as it was signed.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { freePort, startServer, type TestServer } from '../harness.ts'

const recipes = new URL('../../../../deploy/proxy/', import.meta.url)
let server: TestServer
let scratch: string

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'holdfast-proxy-'))
  server = await startServer({ workers: 1 })
})

after(async () => {
  await server.close()
  await rm(scratch, { recursive: true, force: true })
})

/** The recipe on a loopback port, without TLS. */
async function nginx(port: number): Promise<ChildProcess> {
  const recipe = (await readFile(new URL('nginx.conf', recipes), 'utf8'))
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
    .replace(/ssl_certificate.*;/g, '')
    .replace(/server_name .*;/, 'server_name _;')
    .replace('127.0.0.1:9000', upstream())
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const temporary = paths.map((path) => `${path}_temp_path ${scratch}/${path};`).join('\n')
  const config = join(scratch, 'nginx.conf')
  const main = `daemon off;\npid ${scratch}/nginx.pid;\nerror_log stderr;\nevents {}\n`
  await writeFile(config, `${main}http {\naccess_log off;\n${temporary}\n${recipe}\n}\n`)
  return spawn('nginx', ['-c', config, '-p', scratch], { stdio: ['ignore', 'inherit', 'inherit'] })
}

/** The recipe on a loopback port, without TLS and without Caddy's own administration. */
async function caddy(port: number): Promise<ChildProcess> {
  const recipe = (await readFile(new URL('Caddyfile', recipes), 'utf8'))
    .replace('s3.example.com {', `http://127.0.0.1:${port} {`)
    .replace('127.0.0.1:9000', upstream())
  const config = join(scratch, 'Caddyfile')
  await writeFile(config, `{\n\tadmin off\n\tauto_https off\n}\n${recipe}`)
  const args = ['run', '--config', config, '--adapter', 'caddyfile']
  return spawn('caddy', args, {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { ...process.env, HOME: scratch, XDG_DATA_HOME: scratch, XDG_CONFIG_HOME: scratch },
  })
}

function upstream(): string {
  return new URL(server.endpoint).host
}

/** Waits until the proxy answers for the server. */
async function ready(endpoint: string): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const answer = await fetch(`${endpoint}/_/health`).catch(() => undefined)
    if (answer?.status === 200) return
    await sleep(100)
  }
  throw new Error(`no proxy at ${endpoint}`)
}

const keys = [
  'a b',
  'a+b',
  'a%2Bb',
  'a//b',
  '/begin',
  'end/',
  'ü/é',
  'a/./b',
  'a/../b',
  "q?&#='",
  '%41',
]

for (const [name, start] of Object.entries({ nginx, caddy })) {
  test(`requests pass through ${name} as they were signed`, async () => {
    const port = await freePort()
    const endpoint = `http://127.0.0.1:${port}`
    const proxy = await start(port)
    try {
      await ready(endpoint)
      await useThrough(endpoint, `behind-${name}`)
    } finally {
      proxy.kill('SIGTERM')
      await once(proxy, 'exit')
    }
  })
}

async function useThrough(endpoint: string, Bucket: string): Promise<void> {
  const { accessKeyId, secretAccessKey } = server
  const credentials = { accessKeyId, secretAccessKey }
  const s3 = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
  await s3.send(new CreateBucketCommand({ Bucket }))
  for (const Key of keys) {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
    assert.equal(await Body?.transformToString(), Key)
    // fetch() itself resolves these.
    if (/\/\.{1,2}\//.test(Key)) continue
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }))
    assert.equal(await (await fetch(url)).text(), Key)
  }
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }))
  assert.deepEqual(Contents.map(({ Key }) => Key).sort(), [...keys].sort())
  const large = randomBytes(12 * 1_048_576)
  await s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body: large }))
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'large' }))
  assert.ok(large.equals(Buffer.from((await Body?.transformToByteArray()) ?? [])))
  assert.equal((await fetch(`${endpoint}/_/metrics`)).status, 404)
  s3.destroy()
}
