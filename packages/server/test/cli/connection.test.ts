// The error messages of commands that reach no server, or a server of another kind.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createPlain, type Server } from 'node:http'
import { createServer as createTls } from 'node:https'
import { createServer as createSocket, type Server as SocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { plainEnvironment } from '../environment.ts'
import { freePort, startServer, type TestServer } from '../harness.ts'
import { expiredCertificate, expiredKey, testCertificate, testKey } from './certificate.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
const key = ['--access-key', 'AKNOBODY', '--secret-key', 'none']
const scratch = await mkdtemp(join(tmpdir(), 'holdfast-reach-'))
const certificateFile = join(scratch, 'cert.pem')
let plain: TestServer
const open: (Server | SocketServer)[] = []

before(async () => {
  await writeFile(certificateFile, testCertificate)
  plain = await startServer({ workers: 1 })
})

after(async () => {
  for (const server of open) server.close()
  await plain.close()
  await rm(scratch, { recursive: true, force: true })
})

/** Runs `ls` at an endpoint in a process of its own; both streams in one text. */
async function list(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [main, 'ls', ...key, ...args], {
    cwd: scratch,
    env: { PATH: process.env['PATH'], HOME: scratch, AWS_EC2_METADATA_DISABLED: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  await once(child, 'close')
  return { exitCode: child.exitCode, output }
}

/** Runs `ls`, which must fail with one sentence, without a stack trace or OpenSSL's text. Returns the sentence. */
async function refused(args: readonly string[], env = {}, exitCode = 1): Promise<string> {
  const ran = await list(args, env)
  assert.equal(ran.exitCode, exitCode, ran.output)
  assert.doesNotMatch(ran.output, /^ {4}at |ssl3|openssl|routines|node:internal/im)
  assert.match(ran.output, exitCode === 1 ? /^holdfast: [^\n]+\n$/ : /^holdfast: /)
  return ran.output
}

/** Makes a server listen on a free port of an address. Returns the port. */
async function listen(server: Server | SocketServer, address = '127.0.0.1'): Promise<number> {
  server.listen(0, address)
  await once(server, 'listening')
  open.push(server)
  const bound = server.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  return bound.port
}

function tlsServer(cert: string, certKey: string): Server {
  return createTls({ cert, key: certKey }, (_, response) => response.writeHead(404).end('nothing'))
}

test('a port that speaks plain HTTP is told from one that speaks TLS, both ways', async () => {
  const { host, port } = plain
  assert.match(
    await refused(['--endpoint', `https://${host}:${port}`]),
    new RegExp(`${host}:${port} speaks plain HTTP, not TLS: use http://${host}:${port}$`, 'm'),
  )
  const secure = await listen(tlsServer(testCertificate, testKey))
  assert.match(
    await refused(['--endpoint', `http://127.0.0.1:${secure}`]),
    new RegExp(`speaks TLS, not plain HTTP: use https://127.0.0.1:${secure}$`, 'm'),
  )
})

test('a certificate that nobody vouches for needs --ca, or a variable that names it', async () => {
  await using server = await startTls()
  const { endpoint, access } = server
  const bare = await refused(['--endpoint', endpoint])
  assert.match(bare, /no authority that this machine knows has signed the certificate of localhost/)
  assert.match(bare, /with --ca FILE/)
  const trusting = await list(['--endpoint', endpoint, ...access, '--ca', certificateFile])
  assert.equal(trusting.exitCode, 0, trusting.output)
  for (const variable of ['HOLDFAST_CA', 'AWS_CA_BUNDLE']) {
    const ran = await list(['--endpoint', endpoint, ...access], { [variable]: certificateFile })
    assert.equal(ran.exitCode, 0, ran.output)
  }
})

test('a certificate of another name, or of another time, is explained', async () => {
  const other = await listen(tlsServer(testCertificate, testKey), '127.0.0.2')
  const name = await refused(['--endpoint', `https://127.0.0.2:${other}`, '--ca', certificateFile])
  assert.match(
    name,
    /is not for the name 127\.0\.0\.2, but for localhost, 127\.0\.0\.1: use one of/,
  )
  const file = join(scratch, 'expired.pem')
  await writeFile(file, expiredCertificate)
  const expired = await listen(tlsServer(expiredCertificate, expiredKey))
  const said = await refused(['--endpoint', `https://localhost:${expired}`, '--ca', file])
  assert.match(said, /the certificate of localhost:\d+ has expired/)
})

test('a file of certificates that can not be used is explained', async () => {
  const endpoint = ['--endpoint', 'https://127.0.0.1:1']
  const ca = async (file: string, text?: string): Promise<string> => {
    const path = join(scratch, file)
    if (text !== undefined) await writeFile(path, text)
    return refused([...endpoint, '--ca', path])
  }
  assert.match(await ca('none.pem'), /none\.pem: there is no such file/)
  assert.match(
    await ca('key.pem', testKey),
    /no certificate in .*key\.pem: --ca takes a file in PEM/,
  )
  const damaged = testCertificate.replace('MIIB', 'MIIX')
  assert.match(await ca('bad.pem', damaged), /a certificate in .*bad\.pem is damaged/)
})

test('any other server that answers is called no S3 server', async () => {
  const page = (status: number) =>
    createPlain((_, response) => response.writeHead(status).end('<html>hello</html>'))
  for (const status of [200, 404, 502]) {
    const port = await listen(page(status))
    assert.match(await refused(['--endpoint', `http://127.0.0.1:${port}`]), /is no S3 server/)
  }
  const banner = await listen(createSocket((socket) => socket.end('SSH-2.0-x\r\n')))
  assert.match(await refused(['--endpoint', `http://127.0.0.1:${banner}`]), /is no HTTP server/)
  assert.match(
    await refused(['--endpoint', `https://127.0.0.1:${banner}`]),
    /no TLS connection to https:\/\/127\.0\.0\.1:\d+ comes about/,
  )
})

test('a name that nobody has and a port where nobody is are told, and that a proxy is not used', async () => {
  assert.match(
    await refused(['--endpoint', 'http://no-such-host.invalid']),
    /no machine of the name no-such-host\.invalid can be found/,
  )
  const nobody = ['--endpoint', `http://127.0.0.1:${await freePort()}`]
  assert.match(
    await refused(nobody, { HTTP_PROXY: 'http://127.0.0.1:9' }),
    /ECONNREFUSED.*the proxy in HTTP_PROXY is not used/,
  )
})

test('an endpoint has a scheme and no path, whichever way it was given', async () => {
  const { endpoint, host, port } = plain
  const cases: readonly (readonly [string, RegExp])[] = [
    [`${host}:${port}`, /takes a URL such as http:\/\/127\.0\.0\.1:9000, not "127/],
    ['http://127.0.0.1:99999', /takes a URL such as/],
    ['ftp://127.0.0.1', /takes a URL such as/],
    [`${endpoint}/bucket`, /without a path, such as http:\/\/127\.0\.0\.1:\d+, not/],
    [`${endpoint}/?x`, /the address of a server alone/],
    ['http://me:secret@127.0.0.1', /the address of a server alone/],
  ]
  for (const [text, expected] of cases) {
    assert.match(await refused(['--endpoint', text], {}, 2), expected)
  }
  const variable = await refused([], { HOLDFAST_ENDPOINT: 'nonsense' }, 2)
  assert.match(variable, /HOLDFAST_ENDPOINT takes a URL such as/)
  const settings = await refused([], { AWS_ENDPOINT_URL: 'nonsense' })
  assert.match(settings, /AWS_ENDPOINT_URL.* is no URL such as http:\/\/127\.0\.0\.1:9000/)
})

interface TlsServer extends AsyncDisposable {
  readonly endpoint: string
  readonly access: readonly string[]
}

/** A Holdfast server with the certificate for localhost. */
async function startTls(): Promise<TlsServer> {
  const keyFile = join(scratch, 'server-key.pem')
  await writeFile(keyFile, testKey)
  const args = ['--tls-cert', certificateFile, '--tls-key', keyFile]
  const port = await freePort()
  const { accessKeyId, secretAccessKey, credentialsFile } = plain
  const folder = ['--data', join(scratch, 'tls'), '--credentials', credentialsFile]
  const child = spawn(
    process.execPath,
    [main, 'serve', '--port', String(port), '--workers', '1', ...folder, ...args],
    { stdio: ['ignore', 'pipe', 'ignore'], env: plainEnvironment() },
  )
  let output = ''
  for await (const chunk of child.stdout) {
    output += chunk
    if (output.includes('"ready"')) break
  }
  return {
    endpoint: `https://localhost:${port}`,
    access: ['--access-key', accessKeyId, '--secret-key', secretAccessKey],
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}
