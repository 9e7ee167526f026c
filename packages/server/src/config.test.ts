import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { type Settings, UsageError } from './base/options.ts'
import { describeServe, optionsOf, parseDoctor, parseFsck, parseServe } from './config.ts'

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
    [['--region', 'a b'], {}, /^--region takes a name such as eu-west-1, not "a b"/],
    [['--region', 'a\r\nX-A: b'], {}, /^--region takes a name/],
    [[], { HOLDFAST_REGION: 'a@b' }, /^--region takes a name/],
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

const rootVariables = {
  HOLDFAST_ROOT_ACCESS_KEY: 'root',
  HOLDFAST_ROOT_SECRET_KEY: 'the secret',
}

test('the root key comes from variables, both of them, and is a valid one', () => {
  const { rootKey } = parseServe([], rootVariables)
  assert.deepEqual(rootKey, { accessKeyId: 'root', secretAccessKey: 'the secret' })
  for (const name of Object.keys(rootVariables)) {
    assert.throws(() => parseServe([], { ...rootVariables, [name]: '' }), UsageError, name)
  }
  const spaced = { ...rootVariables, HOLDFAST_ROOT_ACCESS_KEY: 'not an id' }
  assert.throws(() => parseServe([], spaced), /HOLDFAST_ROOT_ACCESS_KEY takes letters/)
})

test('a variable with _FILE names a file with the value, which may end with a newline', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-secret-'))
  const file = join(folder, 'secret')
  const variables = {
    HOLDFAST_ROOT_ACCESS_KEY: 'root',
    HOLDFAST_ROOT_SECRET_KEY_FILE: file,
  }
  assert.throws(() => parseServe([], variables), /HOLDFAST_ROOT_SECRET_KEY_FILE: there is no such/)
  for (const [text, secret] of [
    ['abc\n', 'abc'],
    ['abc\r\n', 'abc'],
    ['a b\n\n', 'a b\n'],
    [' abc', ' abc'],
  ]) {
    await writeFile(file, text ?? '')
    assert.equal(parseServe([], variables).rootKey?.secretAccessKey, secret)
  }
  await writeFile(file, '\n')
  assert.throws(() => parseServe([], variables), /is empty/)
  const both = { ...variables, HOLDFAST_ROOT_SECRET_KEY: 'abc' }
  assert.throws(() => parseServe([], both), /exclude each other/)
  await rm(folder, { recursive: true })
})

test('buckets are a list of names that S3 allows', () => {
  const { buckets } = parseServe([], { HOLDFAST_BUCKETS: 'photos,backup' })
  assert.deepEqual(buckets, ['photos', 'backup'])
  assert.deepEqual(parseServe(['--buckets', 'one', '--buckets', 'two'], {}).buckets, ['one', 'two'])
  assert.throws(() => parseServe([], { HOLDFAST_BUCKETS: 'Photos' }), /takes names that S3 allows/)
})

test('variables of other servers are read only when their server is named, after our own', () => {
  const foreign = {
    MINIO_ROOT_USER: 'minio',
    MINIO_ROOT_PASSWORD: 'minio-secret',
    MINIO_DEFAULT_BUCKETS: 'first,second',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local-secret',
  }
  const idOf = (environment: Record<string, string>): string | undefined =>
    parseServe([], { ...foreign, ...environment }).rootKey?.accessKeyId
  assert.equal(idOf({}), undefined)
  assert.equal(parseServe([], foreign).buckets, undefined)
  assert.equal(idOf({ HOLDFAST_ALIASES: 'minio' }), 'minio')
  assert.equal(idOf({ HOLDFAST_ALIASES: 'localstack' }), 'local')
  assert.equal(idOf({ HOLDFAST_ALIASES: 'localstack,minio' }), 'local')
  assert.equal(idOf({ HOLDFAST_ALIASES: 'minio', ...rootVariables }), 'root')
  const { buckets } = parseServe(['--aliases', 'minio'], foreign)
  assert.deepEqual(buckets, ['first', 'second'])
  assert.throws(() => idOf({ HOLDFAST_ALIASES: 'garage' }), /minio, localstack, not "garage"/)
})

function settingsOf(values: Readonly<Record<string, readonly string[]>>): Settings {
  return { file: 'holdfast.toml', values: new Map(Object.entries(values)) }
}

test('a file of settings stands behind the line and the variables', () => {
  const settings = settingsOf({ port: ['1'], host: ['::1'], domain: ['a.example', 'b.example'] })
  const config = parseServe(['--port', '3'], { HOLDFAST_HOST: '::2' }, settings)
  assert.equal(config.port, 3)
  assert.equal(config.host, '::2')
  assert.deepEqual(config.domains, ['a.example', 'b.example'])
  const aliased = settingsOf({
    aliases: ['minio'],
    'root-access-key': ['x'],
    'root-secret-key': ['y'],
  })
  const foreign = { MINIO_ROOT_USER: 'minio', MINIO_ROOT_PASSWORD: 'minio-secret' }
  assert.equal(parseServe([], foreign, aliased).rootKey?.accessKeyId, 'minio')
})

test('a setting that is unknown, wrong, or not for a file is refused by its place', () => {
  const refuses = (values: Readonly<Record<string, readonly string[]>>, message: RegExp): void => {
    assert.throws(
      () => parseServe([], {}, settingsOf(values)),
      (error) => error instanceof UsageError && message.test(error.message),
    )
  }
  refuses({ prot: ['1'] }, /holdfast\.toml has a setting "prot"/)
  refuses({ port: ['x'] }, /port in holdfast\.toml takes a number/)
  refuses({ 'accept-lost-rows': ['on'] }, /accept-lost-rows/)
  refuses({ config: ['other'] }, /config/)
})

test('the settings in effect are shown with their sources, and no secret', () => {
  const environment = { ...rootVariables, HOLDFAST_DOMAIN: 'a.example' }
  const settings = settingsOf({ 'log-level': ['warn'] })
  const text = describeServe(['--port', '80'], environment, settings)
  assert.match(text, /^port = 80 # --port$/m)
  assert.match(text, /^domain = "a\.example" # HOLDFAST_DOMAIN$/m)
  assert.match(text, /^log-level = "warn" # log-level in holdfast\.toml$/m)
  assert.match(text, /^# host: 127\.0\.0\.1 \(default\)$/m)
  assert.match(text, /^# root-secret-key = \(redacted\) # HOLDFAST_ROOT_SECRET_KEY$/m)
  assert.doesNotMatch(text, /the secret/)
  assert.throws(() => describeServe(['--port', 'x'], {}), UsageError)
})

test('the fallback that the table shows is the one that applies', () => {
  const plain = parseServe([], {})
  for (const [name, { fallback }] of Object.entries(optionsOf.serve)) {
    // Those with spaces are words about a fallback.
    if (fallback === undefined || fallback.includes(' ')) continue
    const { scrubMibPerSecond = 8, ...given } = parseServe([`--${name}`, fallback], {})
    assert.equal(scrubMibPerSecond, 8)
    assert.deepEqual(given, plain, name)
  }
})

test('the page about the command line has the options of the table, and no others', async () => {
  const page = await readFile(new URL('../../../docs/command-line.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split('## `holdfast serve`')
  const [table = ''] = section.split('\n\n').filter((part) => part.startsWith('| option |'))
  const rows = table.split('\n').slice(2)
  const plain = (cell = ''): string => cell.replaceAll('`', '').replaceAll('\\|', '|').trim()
  const documented = rows.map((row) => {
    const [, option, variable, fallback] = row.split(/(?<!\\)\|/)
    return [plain(option), plain(variable), plain(fallback)]
  })
  const expected = Object.entries(optionsOf.serve).map(([name, option]) => {
    const { value, variable = '', fallback = '' } = option
    return [value === undefined ? `--${name}` : `--${name} ${value}`, variable, fallback]
  })
  assert.deepEqual(documented.sort(), expected.sort())
})
