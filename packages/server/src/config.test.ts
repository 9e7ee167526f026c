import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { UsageError } from './base/options.ts'
import { parseDoctor, parseFsck, parseServe } from './config.ts'

test('without options the server is for this machine only, with one worker per core', () => {
  const config = parseServe([], {})
  const { logFormat, ...rest } = config
  assert.ok(['json', 'pretty'].includes(logFormat))
  assert.deepEqual(rest, {
    host: '127.0.0.1',
    port: 9000,
    dataFolder: resolve('data'),
    credentialsFile: undefined,
    workers: availableParallelism(),
    domains: [],
    websiteDomains: [],
    tls: undefined,
    region: 'us-east-1',
    requiredRegion: undefined,
    acceptsSignatureV2: true,
    trustedProxies: [],
    bucketDefaults: 'aws',
    logLevel: 'info',
    simpleDbLimits: {},
    eventualLagMs: 0,
    allowsSignatureV1: false,
    accepts: [],
  })
})

test('what is accepted of folders that do not fit is said on the line, never by a variable', () => {
  const args = ['--accept-lost-rows', '--accept-lost-blobs']
  assert.deepEqual(parseServe(args, {}).accepts, ['lost-rows', 'lost-blobs'])
  assert.deepEqual(parseServe(args.slice(1), {}).accepts, ['lost-blobs'])
  const environment = { HOLDFAST_ACCEPT_LOST_ROWS: 'on', HOLDFAST_ACCEPT_LOST_BLOBS: 'on' }
  assert.deepEqual(parseServe([], environment).accepts, [])
})

test('public access can be blocked for every bucket, wholly or by some switches', () => {
  const block = (...args: string[]) => parseServe(args, {}).accountBlock
  const all = block('--block-public-access', 'all')
  assert.deepEqual([...new Set(Object.values(all ?? {}))], [true])
  const some = block('--block-public-access=BlockPublicAcls,RestrictPublicBuckets')
  assert.deepEqual(some, {
    blockPublicAcls: true,
    ignorePublicAcls: false,
    blockPublicPolicy: false,
    restrictPublicBuckets: true,
  })
  assert.throws(() => block('--block-public-access', 'blockPublicAcls'), UsageError)
})

test('options have variables in the environment, and the option wins', () => {
  const environment = {
    HOLDFAST_HOST: '::1',
    HOLDFAST_PORT: '1',
    HOLDFAST_DATA: '/d',
    HOLDFAST_CREDENTIALS: '/c',
    HOLDFAST_WORKERS: '3',
    HOLDFAST_DOMAIN: 'A.example,b.example',
    HOLDFAST_WEBSITE_DOMAIN: 'Web.example',
    HOLDFAST_TLS_CERT: '/cert',
    HOLDFAST_TLS_KEY: '/key',
    HOLDFAST_REGION: 'eu-1',
    HOLDFAST_SIGNATURE_V2: 'off',
    HOLDFAST_TRUSTED_PROXY: '10.0.0.0/8,::1',
    HOLDFAST_BUCKET_DEFAULTS: 'classic',
    HOLDFAST_LOG_LEVEL: 'warn',
    HOLDFAST_LOG_FORMAT: 'pretty',
    HOLDFAST_SIMPLEDB_LIMIT: 'domainsPerOwner=1000,itemPairs=9',
    HOLDFAST_EVENTUAL_LAG: '500',
    HOLDFAST_SIGNATURE_V1: 'on',
    HOLDFAST_SCRUB_MIB_PER_SECOND: '0',
  }
  const expected = {
    host: '::1',
    port: 1,
    dataFolder: '/d',
    credentialsFile: '/c',
    workers: 3,
    domains: ['a.example', 'b.example'],
    websiteDomains: ['web.example'],
    tls: { certificateFile: '/cert', keyFile: '/key' },
    region: 'eu-1',
    requiredRegion: 'eu-1',
    acceptsSignatureV2: false,
    trustedProxies: [
      { address: '10.0.0.0', prefixLength: 8 },
      { address: '::1', prefixLength: 128 },
    ],
    bucketDefaults: 'classic',
    logLevel: 'warn',
    logFormat: 'pretty',
    simpleDbLimits: { domainsPerOwner: 1000, itemPairs: 9 },
    eventualLagMs: 500,
    allowsSignatureV1: true,
    scrubMibPerSecond: 0,
    accepts: [],
  }
  assert.deepEqual(parseServe([], environment), expected)
  const args = ['--port', '2', '--port=4', '--domain', 'c', '--domain', 'd', '--data', '/e']
  assert.deepEqual(parseServe(args, environment), {
    ...expected,
    port: 4,
    domains: ['c', 'd'],
    dataFolder: '/e',
  })
  assert.deepEqual(parseFsck(['--json'], environment), { dataFolder: '/d', isJson: true })
  const content = { dataFolder: '/d', isJson: false, checksContent: true }
  assert.deepEqual(parseFsck(['--content'], environment), content)
  assert.deepEqual(parseDoctor([], environment), { dataFolder: '/d', host: '::1', port: 1 })
})

test('an empty variable counts as none, and an empty option as a mistake', () => {
  assert.equal(parseServe([], { HOLDFAST_PORT: '' }).port, 9000)
  assert.throws(() => parseServe(['--data', ''], {}), /--data needs a value: --data DIR/)
})

test('a value that can not be is refused, with the name under which it was given', () => {
  const cases: readonly (readonly [readonly string[], Record<string, string>, RegExp])[] = [
    [['--port', 'http'], {}, /^--port takes a number from 0 to 65535, not "http"$/],
    [[], { HOLDFAST_PORT: '-1' }, /^HOLDFAST_PORT takes a number/],
    [['--workers', '0'], {}, /^--workers takes a number from 1 to 1024, not "0"$/],
    [['--domain', 'a b'], {}, /^--domain takes a name such as/],
    [['--website-domain', 'a b'], {}, /^--website-domain takes a name such as/],
    [
      ['--domain', 'a.b', '--website-domain', 'A.b'],
      {},
      /^--domain and --website-domain can not both be a\.b/,
    ],
    [['--log-level', 'loud'], {}, /^--log-level takes one of debug, info, warn, error, silent/],
    [['--tls-key', 'k'], {}, /^--tls-key needs --tls-cert/],
    [
      ['--simpledb-limit', 'itemPairs=x'],
      {},
      /^--simpledb-limit takes NAME=N with one of domainsPerOwner, /,
    ],
    [['--simpledb-limit', 'items=5'], {}, /^--simpledb-limit takes NAME=N/],
    [['--eventual-lag', '10001'], {}, /^--eventual-lag takes a number from 0 to 10000/],
    [['--signature-v1', 'maybe'], {}, /^--signature-v1 takes one of on, off/],
    [['--nonsense'], {}, /^Unknown option '--nonsense'$/],
    [['--port'], {}, /^Option '--port <value>' argument missing$/],
  ]
  for (const [args, environment, message] of cases) {
    assert.throws(
      () => parseServe(args, environment),
      (error) => error instanceof UsageError && message.test(error.message),
      args.join(' '),
    )
  }
})
