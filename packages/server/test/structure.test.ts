// The import rules of the server: the allowed imports between folders, the files that may import each
// package, and the form of every file. Imports that the tables don't name are refused.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../src', import.meta.url))

/** The folders, from the lowest to the highest, and those that each may import. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  observe: ['base'],
  access: ['base'],
  select: ['base'],
  'select-content': ['base'],
  engine: ['base'],
  blob: ['base'],
  'store/row': ['base', 'access', 'engine'],
  'store/body': ['base', 'access', 'engine', 'store/row'],
  'store/tree': ['base', 'access', 'engine', 'store/row', 'store/body'],
  'store/lease': ['base', 'engine', 'store/row'],
  'store/domain': ['base', 'engine', 'store/row'],
  'store/fsck': [
    'base',
    'engine',
    'store/row',
    'store/body',
    'store/tree',
    'store/lease',
    'store/domain',
  ],
  operation: ['base', 'observe', 'access', 'select', 'select-content', 'engine', 'blob', 'store/*'],
  background: ['base', 'observe', 'access', 'engine', 'blob', 'store/*', 'operation'],
  'protocol/xml': ['base'],
  'protocol/sign': ['base'],
  'protocol/archive': ['base'],
  'protocol/http': ['base', 'observe'],
  'protocol/s3': [
    'base',
    'access',
    'operation',
    'select-content',
    'protocol/xml',
    'protocol/sign',
    'protocol/archive',
    'protocol/http',
  ],
  'protocol/simpledb': [
    'base',
    'access',
    'operation',
    'protocol/xml',
    'protocol/sign',
    'protocol/http',
  ],
  'protocol/website': ['base', 'operation', 'protocol/s3', 'protocol/http'],
  backup: ['base', 'engine', 'blob', 'store/*', 'operation', 'protocol/archive'],
  'protocol/admin': ['base', 'observe', 'protocol/http'],
  protocol: ['base', 'observe', 'access', 'operation', 'protocol/*'],
  'compose.ts': [
    'base',
    'observe',
    'access',
    'select-content',
    'engine',
    'blob',
    'store/*',
    'operation',
    'background',
  ],
  'open-shared.ts': ['base', 'cli', 'compose.ts'],
  'cli/remote': ['base', 'cli', 'config.ts'],
  'cli/offline': [
    'base',
    'observe',
    'access',
    'engine',
    'blob',
    'store/*',
    'operation',
    'background',
    'backup',
    'protocol/simpledb',
    'compose.ts',
    'open-shared.ts',
    'config.ts',
    'cli',
  ],
  'cli/worker': [
    'base',
    'observe',
    'access',
    'engine',
    'operation',
    'protocol',
    'protocol/*',
    'compose.ts',
    'config.ts',
    'cli',
  ],
  'cli/primary': ['base', 'observe', 'access', 'blob', 'config.ts', 'cli'],
  cli: ['base', 'observe', 'access', 'engine', 'config.ts', 'cli/*'],
  'config.ts': ['base', 'observe', 'access', 'operation'],
  embed: [
    'base',
    'observe',
    'access',
    'operation',
    'protocol',
    'protocol/*',
    'compose.ts',
    'open-shared.ts',
  ],
  'index.ts': ['base', 'observe', 'access', 'operation', 'embed'],
  'testing.ts': ['embed'],
}

/** Packages of npm, and the only files that import them. */
const packages: Readonly<Record<string, RegExp>> = {
  hyparquet: /^select-content\/parquet-(file|rows|value)\.ts$/,
  'hyparquet-compressors': /^select-content\/parquet-file\.ts$/,
  'hash-wasm': /^blob\/xxhash\.ts$/,
  lmdb: /^engine\/lmdb\.ts$/,
  'smol-toml': /^cli\/config-file\.ts$/,
  valibot: /^base\/document\.ts$/,
  saxes: /^protocol\/xml\/parse\.ts$/,
  msgpackr: /^store\/row\/record\.ts$/,
  mime: /^cli\/remote\//,
  pino: /^observe\/pino\.ts$/,
  'pino-pretty': /^observe\/pino\.ts$/,
  'prom-client': /^observe\/prom(etheus|-client)\.ts$/,
  pathlock: /^(store\/lease|cli\/remote)\//,
  'holdfast-client': /^cli\/remote\//,
  '@aws-sdk/client-s3': /^cli\/remote\//,
  '@aws-sdk/lib-storage': /^cli\/remote\//,
  '@aws-sdk/s3-request-presigner': /^cli\/remote\//,
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort()
const isTest = (file: string): boolean => /\.(test|suite|fixture)\.ts$/.test(file)

/** The folder of the table that a file is in, or the file itself if it lies beside the folders. */
function roomOf(file: string): string {
  let folder = dirname(file)
  if (folder === '.') return file
  while (allowed[folder] === undefined && dirname(folder) !== '.') folder = dirname(folder)
  return folder
}

/** The specifiers of a file's imports, static and dynamic. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8')
  const statements =
    /^(?:import .*?|export .*? from |\} from )'([^'\n]+)'|\bimport\('([^'\n]+)'\)/gm
  return [...text.matchAll(statements)].map(([, name, dynamic]) => name ?? dynamic ?? '')
}

function mayImport(from: string, to: string): boolean {
  return (allowed[from] ?? []).some((room) =>
    room.endsWith('/*') ? to.startsWith(room.slice(0, -1)) : room === to,
  )
}

test('a folder imports only the folders that the table allows it', () => {
  const refused: string[] = []
  for (const file of files) {
    if (isTest(file)) continue
    const from = roomOf(file)
    for (const name of importsOf(file)) {
      if (!name.startsWith('.')) continue
      const to = roomOf(relative(source, join(source, dirname(file), name)))
      if (from !== to && !mayImport(from, to)) refused.push(`${file} imports ${name}`)
    }
  }
  assert.deepEqual(refused, [])
})

test('a package of npm is imported by the files that the table names, and no others', () => {
  const refused: string[] = []
  for (const file of files) {
    if (isTest(file)) continue
    for (const name of importsOf(file)) {
      if (name.startsWith('.') || name.startsWith('node:')) continue
      const [first = '', second] = name.split('/')
      const owner = packages[first.startsWith('@') ? `${first}/${second}` : first]
      if (owner?.test(file) !== true) refused.push(`${file} imports ${name}`)
    }
  }
  assert.deepEqual(refused, [])
})

/** The files that are loaded with a file: those of its imports, and of theirs. */
function loadedWith(file: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(file)) return loaded
  loaded.add(file)
  const text = readFileSync(join(source, file), 'utf8')
  for (const [, name] of text.matchAll(/^(?:import|export) (?!type )[^'=]*?'(\.[^'\n]+)'/gm)) {
    loadedWith(relative(source, join(source, dirname(file), name ?? '')), loaded)
  }
  return loaded
}

test('a server loads the engine of SelectObjectContent in the thread of a query only', () => {
  const engine = ['object-reader', 'parse', 'query'].map((name) => `select-content/${name}.ts`)
  const inServer = loadedWith('index.ts')
  assert.ok(inServer.has('select-content/pool.ts'))
  assert.deepEqual(
    engine.filter((file) => inServer.has(file)),
    [],
  )
  const inThread = loadedWith('select-content/thread.ts')
  for (const file of engine) assert.ok(inThread.has(file), file)
  // Parquet's package is optional, and loaded by the first query that needs it.
  assert.ok(!inThread.has('select-content/parquet-rows.ts'))
})

test('every folder and every file beside the folders is in the table', () => {
  const unknown = files.filter((file) => !isTest(file) && allowed[roomOf(file)] === undefined)
  assert.deepEqual(unknown, [])
})

test('every file but a test opens with a comment that states its purpose', () => {
  const bare = files.filter((file) => {
    if (file.endsWith('.test.ts')) return false
    const text = readFileSync(join(source, file), 'utf8')
    return !/^(#!.*\n)?\/\/ \S/.test(text)
  })
  assert.deepEqual(bare, [])
})

test('a name has at most one suffix, of a known kind', () => {
  const odd = files.filter(
    (file) => !/^[a-z0-9-]+(\.(test|slow\.test|suite|fixture))?\.ts$/.test(basename(file)),
  )
  assert.deepEqual(odd, [])
})

test('a contract suite is run by a test beside it or elsewhere in the server', () => {
  const tests = files.filter((file) => file.endsWith('.test.ts'))
  const run = new Set(
    tests.flatMap((file) =>
      importsOf(file).map((name) => relative(source, join(source, dirname(file), name))),
    ),
  )
  assert.deepEqual(
    files.filter((file) => file.endsWith('.suite.ts') && !run.has(file)),
    [],
  )
})
