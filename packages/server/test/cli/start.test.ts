// The start of a server until it is ready: refusals, untouched files, and signals.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { plainEnvironment } from '../environment.ts'
import { type CommandResult, runHoldfast } from '../harness.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
const scratch = await mkdtemp(join(tmpdir(), 'holdfast-start-'))
after(() => rm(scratch, { recursive: true, force: true }))

const quick = ['serve', '--port', '0', '--workers', '1']

async function refuse(exitCode: number, data: string, ...args: string[]): Promise<string> {
  const ran = await runHoldfast([...quick, '--data', data, ...args])
  assert.equal(ran.exitCode, exitCode, ran.output)
  assert.match(ran.output, /^holdfast: [^\n]+\n$/)
  return ran.output
}

interface Started extends CommandResult {
  readonly signal: NodeJS.Signals | null
}

/** Starts a server and sends it `signal` as soon as `isTime`, which sees what it printed. */
async function start(
  args: readonly string[],
  isTime: (output: string) => boolean,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<Started> {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: plainEnvironment(),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (isTime(output)) child.kill(signal)
    })
  }
  if (isTime('')) child.kill(signal)
  await once(child, 'close')
  return { exitCode: child.exitCode, signal: child.signalCode, output }
}

const isReady = (output: string): boolean => output.includes('"ready"')

test('a folder with anything else in it is refused with exit code 3, and nothing is written', async () => {
  const folder = join(scratch, 'full')
  await mkdir(join(folder, 'engine'), { recursive: true })
  await writeFile(join(folder, 'engine/turbine.c'), '')
  for (const name of ['b.txt', 'a.txt', '.bashrc', 'c.txt']) await writeFile(join(folder, name), '')
  const said = await refuse(3, folder)
  assert.match(
    said,
    /full is no data folder, and not empty: it has "\.bashrc", "a\.txt", "b\.txt" and 2 more/,
  )
  assert.match(said, /name a new or an empty folder as data folder, such as .*full\/holdfast$/m)
  assert.deepEqual((await readdir(folder)).sort(), ['.bashrc', 'a.txt', 'b.txt', 'c.txt', 'engine'])
  assert.deepEqual(await readdir(join(folder, 'engine')), ['turbine.c'])
  const imported = await runHoldfast([
    'import',
    '--data',
    folder,
    '--from',
    scratch,
    '--domain',
    'd',
  ])
  assert.equal(imported.exitCode, 1)
  const doctor = await runHoldfast(['doctor', '--data', folder, '--port', '1'])
  assert.match(doctor.output, /^bad +.*full is no data folder, and not empty/m)
  assert.equal((await readdir(folder)).length, 5)
})

test("files of another program are its own, also where they are called like a server's", async () => {
  const folder = join(scratch, 'alike')
  await mkdir(join(folder, 'engine'), { recursive: true })
  await writeFile(join(folder, 'engine/turbine.c'), '')
  await writeFile(join(folder, 'server.json'), '{}')
  assert.match(await refuse(3, folder), /it has "engine", "server\.json";/)
  assert.equal(await readFile(join(folder, 'server.json'), 'utf8'), '{}')
})

test('a fresh disk, a kept-empty folder, and files that were named on the line are no strangers', async () => {
  const folder = join(scratch, 'fresh')
  await mkdir(join(folder, 'lost+found'), { recursive: true })
  await writeFile(join(folder, '.gitkeep'), '')
  const credentials = join(folder, 'keys.json')
  const owner = { id: 'o' }
  const key = { accessKeyId: 'AK', secretAccessKey: 'secret', owner }
  await writeFile(credentials, JSON.stringify([key]), { mode: 0o600 })
  const args = [...quick, '--data', folder]
  const first = await start([...args, '--credentials', credentials], isReady)
  assert.equal(first.exitCode, 0, first.output)
  // In a folder with a store, foreign files are ignored.
  await writeFile(join(folder, 'notes.txt'), '')
  const again = await start(args, isReady)
  assert.equal(again.exitCode, 0, again.output)
})

test('a path that leads nowhere is refused with exit code 1', async () => {
  await symlink('nowhere', join(scratch, 'dangling'))
  await symlink('circle', join(scratch, 'circle'))
  await writeFile(join(scratch, 'file'), '')
  await mkdir(join(scratch, 'unmounted'))
  await symlink('nowhere', join(scratch, 'unmounted/engine'))
  await mkdir(join(scratch, 'engine-file'))
  await writeFile(join(scratch, 'engine-file/engine'), '')
  await mkdir(join(scratch, 'blobs-file'))
  await writeFile(join(scratch, 'blobs-file/blobs'), '')
  const parts: readonly (readonly [path: string, expected: RegExp])[] = [
    ['unmounted', /unmounted\/engine is a link to something that isn't there/],
    ['engine-file', /engine-file\/engine is a file, not a folder\n/],
    ['blobs-file', /blobs-file\/blobs is a file, not a folder\n/],
  ]
  const cases: readonly (readonly [path: string, expected: RegExp])[] = [
    ...parts,
    ['dangling', /dangling is a link to something that isn't there/],
    ['dangling/far/below', /dangling is a link to something that isn't there/],
    ['circle/below', /the links in its path lead in a circle/],
    ['file', /file is a file/],
    ['file/below', /it, or something above it, is a file/],
    ['n'.repeat(256), /too long for the file system/],
    ['../../../../../../proc/holdfast/below', /no folder can be made there/],
  ]
  for (const [path, expected] of cases) assert.match(await refuse(1, join(scratch, path)), expected)
  for (const [path, expected] of parts) {
    const { exitCode, output } = await runHoldfast(['fsck', '--data', join(scratch, path)])
    assert.equal(exitCode, 1)
    assert.match(output, expected)
  }
})

test('files named on the line are read, and the port is taken, before anything is created', async () => {
  const folder = join(scratch, 'never/made')
  assert.match(await refuse(1, folder, '--credentials', join(scratch, 'none')), /no such file/)
  const tls = ['--tls-cert', join(scratch, 'none'), '--tls-key', join(scratch, 'none')]
  assert.match(await refuse(1, folder, ...tls), /can't read .*none: there is no such file/)
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  assert.ok(typeof address === 'object' && address !== null)
  const port = ['--port', String(address.port)]
  assert.match(await refuse(1, folder, ...port), /another program listens at/)
  // If the port is taken too, the error names the mistake to correct first.
  assert.match(await refuse(1, folder, ...port, ...tls), /can't read/)
  other.close()
  assert.ok(!existsSync(join(scratch, 'never')))
})

test('a key that was put into the folder is used, and read before anything is made', async () => {
  const folder = join(scratch, 'keys')
  await mkdir(folder)
  const file = join(folder, 'credentials.json')
  await writeFile(file, 'broken')
  assert.match(await refuse(1, folder), /credentials\.json: not JSON/)
  assert.deepEqual(await readdir(folder), ['credentials.json'])
  await rm(file)
  await symlink('nowhere', file)
  await refuse(1, folder)
  assert.deepEqual(await readdir(folder), ['credentials.json'])
})

test('a signal ends a server that is not ready yet, with the exit code of one that is', async () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const args = ['serve', '--port', '0', '--workers', '2', '--data', join(scratch, signal)]
    const first = await start(args, (output) => output === '', signal)
    // Before the program runs, the system itself ends it.
    assert.ok(first.exitCode === 0 || first.signal === signal, first.output)
    assert.doesNotMatch(first.output, /"ready"/)
    const child = spawn(process.execPath, [main, ...args], {
      stdio: 'ignore',
      env: plainEnvironment(),
    })
    await untilForked(child)
    child.kill(signal)
    assert.deepEqual(await once(child, 'exit'), [0, null])
  }
})

test('a signal ends a server that waits for a pipe', async () => {
  const pipe = join(scratch, 'pipe')
  const made = spawn('mkfifo', [pipe])
  await once(made, 'exit')
  const folder = join(scratch, 'waiting')
  const args = [...quick, '--data', folder, '--credentials', pipe]
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: plainEnvironment(),
  })
  // Its pipes are open for as long as its workers, which are there before it reads the file.
  const closed = once(child, 'close')
  await untilForked(child)
  child.kill('SIGTERM')
  await closed
  assert.ok(child.exitCode === 0 || child.signalCode === 'SIGTERM')
  assert.ok(!existsSync(folder))
})

/** Resolves once a process has begun to start its workers, which is early on. */
async function untilForked({ pid }: ChildProcess): Promise<void> {
  for (;;) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
    if (children !== '') return
  }
}

test('an old Node is told which one is needed', async () => {
  const old = join(scratch, 'old.cjs')
  const values = "{ version: { value: 'v20.1.0' }, versions: { value: { node: '20.1.0' } } }"
  await writeFile(old, `Object.defineProperties(process, ${values})`)
  for (const file of ['main.ts', 'main.cjs']) {
    const program = join(main, '..', file)
    const child = spawn(process.execPath, ['--require', old, program, 'version'])
    let output = ''
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    await once(child, 'close')
    assert.equal(child.exitCode, 1)
    assert.match(output, /^Holdfast needs Node 24 or later; this is v20\.1\.0\. [^\n]+\n$/)
  }
})

test('a working directory that was deleted is told, and no matter where all paths are whole', async () => {
  const gone = join(scratch, 'gone')
  await mkdir(gone)
  const inGone = async (...args: string[]): Promise<CommandResult> => {
    const script = 'rmdir "$PWD"; exec "$0" "$@"'
    const child = spawn('sh', ['-c', script, process.execPath, main, ...args], { cwd: gone })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    await once(child, 'close')
    await mkdir(gone)
    return { exitCode: child.exitCode, output }
  }
  for (const command of ['serve', 'fsck', 'doctor']) {
    const { exitCode, output } = await inGone(command)
    assert.equal(exitCode, 1, output)
    assert.match(output, /^holdfast: the working directory was deleted, so "data" leads nowhere/)
    assert.doesNotMatch(output, /^ {4}at /m)
  }
  const doctor = await inGone('doctor', '--data', join(scratch, 'fresh'), '--port', '1')
  assert.match(doctor.output, /fresh can be written to/)
})
