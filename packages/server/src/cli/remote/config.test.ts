// What the commands that speak to a server understand.

import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { type Environment, UsageError } from '../../base/options.ts'
import {
  parseCopy,
  parseList,
  parseLock,
  parseMove,
  parseRemove,
  parseTree,
  parseZip,
} from './config.ts'

test('without options the server and the key are to be found', () => {
  assert.deepEqual(parseList([], {}), {
    name: undefined,
    isRecursive: false,
    hasSizes: false,
    isJson: false,
    server: {
      endpoint: undefined,
      region: undefined,
      key: undefined,
      profile: undefined,
      dataFolder: { path: resolve('data'), isNamed: false },
      hasEnvironment: false,
      lease: undefined,
    },
  })
})

test('the server is chosen by options, or by variables that options override', () => {
  const environment = {
    HOLDFAST_ENDPOINT: 'https://e.example:1',
    HOLDFAST_ACCESS_KEY: 'id',
    HOLDFAST_SECRET_KEY: 'secret',
    HOLDFAST_DATA: '/d',
    HOLDFAST_LEASE: 'b:7',
    AWS_REGION: 'r',
    AWS_PROFILE: 'p',
  }
  const { server } = parseList(['photos'], environment)
  assert.deepEqual(server, {
    endpoint: 'https://e.example:1',
    region: 'r',
    key: { accessKeyId: 'id', secretAccessKey: 'secret' },
    profile: undefined,
    dataFolder: { path: '/d', isNamed: true },
    hasEnvironment: true,
    lease: { bucket: 'b', ticket: 7n },
  })
  const args = ['--endpoint', 'http://o', '--region', 'q', '--lease', 'c:8', '--profile', 'x']
  const other = parseList(args, environment).server
  assert.equal(other.endpoint, 'http://o')
  assert.equal(other.region, 'q')
  assert.deepEqual(other.lease, { bucket: 'c', ticket: 8n })
  assert.equal(other.profile, 'x')
})

test('what makes no sense is refused', () => {
  const refused: readonly (readonly [() => unknown, RegExp])[] = [
    [() => parseList(['a', 'b'], {}), /what is "b" for/],
    [() => parseList(['--endpoint', 'host:9000'], {}), /--endpoint takes a URL/],
    [() => parseList(['--access-key', 'x'], {}), /need each other/],
    [() => parseList(['--lease', '7'], {}), /BUCKET:TICKET/],
    [() => parseTree(['photos/a'], {}), /a tree is of a folder/],
    [() => parseTree([], {}), /of which folder/],
    [() => parseMove(['photos/a'], {}), /where to/],
    [() => parseCopy(['./a', './b'], {}), /one of the two must be in a bucket/],
    [() => parseCopy(['-', '-'], {}), /one of the two must be in a bucket/],
    [() => parseRemove([], {}), /what is to be removed/],
    [() => parseRemove(['photos/a', 'photos/'], {}), /s3:\/\/photos is a bucket/],
    [() => parseZip(['photos/'], {}), /zip takes a folder/],
    [() => parseZip(['photos/a'], {}), /zip takes a folder/],
    [() => parseLock(['photos/a/'], {}), /which command/],
    [() => parseLock(['--', 'true'], {}), /what is to be locked/],
    [() => parseLock(['photos/a/', '--read', 'other/', '--', 'true'], {}), /of one bucket/],
    [() => parseLock(['photos/', '--ttl', '0', '--', 'true'], {}), /--ttl takes a number/],
  ]
  for (const [parse, message] of refused) {
    assert.throws(parse, (error) => error instanceof UsageError && message.test(error.message))
  }
})

test('behind -- is the command that a lock runs, with its own options', () => {
  const args = [
    'photos/a/',
    '--read',
    's3://photos/b',
    '--wait',
    '0',
    '--',
    'rm',
    '--json',
    '--',
    'x',
  ]
  const config = parseLock(args, {})
  assert.equal(config.isJson, false)
  assert.ok(config.action === 'run')
  assert.deepEqual(config.command, ['rm', '--json', '--', 'x'])
  assert.deepEqual(config.write, ['a/'])
  assert.deepEqual(config.read, ['b'])
  assert.equal(config.waitMs, 0)
  assert.equal(config.ttlMs, 30_000)
  assert.equal(config.label, 'rm --json -- x')
  const released = parseLock(['--release', 'photos:12'], {})
  assert.deepEqual(released.action === 'release' && released.released, {
    bucket: 'photos',
    ticket: 12n,
  })
})

test('without a key of their own, commands use the root key of the environment', () => {
  const root = { HOLDFAST_ROOT_ACCESS_KEY: 'root', HOLDFAST_ROOT_SECRET_KEY: 'secret' }
  const keyOf = (args: readonly string[], environment: Environment): string | undefined =>
    parseList(args, environment).server.key?.accessKeyId
  assert.equal(keyOf([], root), 'root')
  assert.equal(keyOf(['--access-key', 'a', '--secret-key', 'b'], root), 'a')
  assert.equal(keyOf(['--profile', 'p'], root), undefined)
  assert.equal(keyOf([], { ...root, AWS_ACCESS_KEY_ID: 'aws' }), undefined)
  assert.equal(keyOf([], {}), undefined)
})
