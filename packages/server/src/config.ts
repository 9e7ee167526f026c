// The configuration of the commands, from options and the environment (an option wins). This is the only
// reader of the environment. All values are validated here.

import { availableParallelism } from 'node:os'
import { type BucketDefaults, bucketDefaults } from './access/bucket-defaults.ts'
import { isAccessKeyId } from './access/key-id.ts'
import { allBlocked, nothingBlocked, type PublicAccessBlock } from './access/public-access-block.ts'
import { describeOptions } from './base/describe-options.ts'
import { type SimpleDbLimits, simpleDbLimits } from './base/limits.ts'
import { type Network, parseNetwork } from './base/network.ts'
import {
  absolutePath,
  aliasNames,
  type Environment,
  type OptionHelp,
  type Options,
  type OptionTable,
  quote,
  readOptions,
  type Settings,
  UsageError,
} from './base/options.ts'
import { isRegionName } from './base/region.ts'
import { type LogFormat, type LogLevel, logFormats, logLevels } from './observe/level.ts'
import { type Acceptance, acceptances } from './operation/acceptance.ts'
import { isBucketName } from './operation/bucket-name.ts'

/** The configuration of `holdfast serve`. Paths are absolute. */
export interface ServeConfig {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly dataFolder: string
  /** Undefined: the root key in the data folder, created on the first start. */
  readonly credentialsFile: string | undefined
  readonly workers: number
  /** The server's own names, in lower case. The Host header may be `bucket.NAME`. */
  readonly domains: readonly string[]
  /** In lower case. The Host header of a visitor of a bucket's website is `bucket.NAME`. */
  readonly websiteDomains: readonly string[]
  readonly tls: TlsFiles | undefined
  /** The region that the server reports. */
  readonly region: string
  /** The only region accepted in signatures; undefined: any. */
  readonly requiredRegion: string | undefined
  /** Whether S3's Signature Version 2 is accepted beside Version 4. */
  readonly acceptsSignatureV2: boolean
  /** The networks of proxies whose word about their clients is believed. */
  readonly trustedProxies: readonly Network[]
  /** The switches of a public access block that are on for all buckets. */
  readonly accountBlock?: PublicAccessBlock
  /** The access settings of new buckets. */
  readonly bucketDefaults: BucketDefaults
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
  /** Limits of SimpleDB in place of Amazon's. */
  readonly simpleDbLimits: Partial<SimpleDbLimits>
  /** The lag of reads without ConsistentRead, in milliseconds. */
  readonly eventualLagMs: number
  readonly allowsSignatureV1: boolean
  /** The scrub's read rate in MiB/s; 0 for no scrub; default 8. */
  readonly scrubMibPerSecond?: number
  /** The root key, if it isn't the one that the data folder keeps. */
  readonly rootKey?: RootKey
  /** The root's buckets that are created if missing. */
  readonly buckets?: readonly string[]
  /** The accepted mismatches of rows and blobs. */
  readonly accepts: readonly Acceptance[]
}

/** An access key's id and secret. */
export interface RootKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The paths of the certificate chain and its key, both PEM. */
export interface TlsFiles {
  readonly certificateFile: string
  readonly keyFile: string
}

/** The configuration of `holdfast fsck`. */
export interface FsckConfig {
  readonly dataFolder: string
  readonly isJson: boolean
  /** Set if all bodies are read and verified against their checksums, too. */
  readonly checksContent?: true
}

/** The configuration of `holdfast doctor`. */
export interface DoctorConfig {
  readonly dataFolder: string
  readonly host: string
  readonly port: number
}

/** The configuration of `holdfast backup`. Paths are absolute. */
export interface BackupConfig {
  readonly dataFolder: string
  /** Undefined: standard output. */
  readonly folder: string | undefined
  /** The folder of the backup on which this one builds. */
  readonly base: string | undefined
  readonly hasKey: boolean
  readonly isJson: boolean
}

/** The configuration of `holdfast restore`. Paths are absolute. */
export interface RestoreConfig {
  readonly dataFolder: string
  /** A backup's folder, or the file of a stream; undefined: standard input. */
  readonly source: string | undefined
  /** Folders of backups on which this one builds. */
  readonly bases: readonly string[]
  /** True if the backup is only to be checked. */
  readonly isCheck: boolean
  readonly isJson: boolean
}

/** The configuration of `holdfast import`. Paths are absolute. */
export interface ImportConfig {
  readonly dataFolder: string
  readonly credentialsFile: string | undefined
  /** The folder with an export's manifest and files. */
  readonly folder: string
  readonly domain: string
}

/** The switches of a public access block by S3's names. */
const blockSwitches: Readonly<Record<string, keyof PublicAccessBlock>> = {
  BlockPublicAcls: 'blockPublicAcls',
  IgnorePublicAcls: 'ignorePublicAcls',
  BlockPublicPolicy: 'blockPublicPolicy',
  RestrictPublicBuckets: 'restrictPublicBuckets',
}
const blockNames = Object.keys(blockSwitches).join(', ')

const data: OptionHelp = {
  value: 'DIR',
  variable: 'HOLDFAST_DATA',
  text: 'the data folder',
  fallback: './data',
}
const credentials: OptionHelp = {
  value: 'FILE',
  variable: 'HOLDFAST_CREDENTIALS',
  text: 'access keys as JSON; without it, a root key created on the first start and kept in DIR',
}
const host: OptionHelp = {
  value: 'HOST',
  variable: 'HOLDFAST_HOST',
  text: 'the address to listen at; the default is for this machine only',
  fallback: '127.0.0.1',
}
const port: OptionHelp = {
  value: 'PORT',
  variable: 'HOLDFAST_PORT',
  text: 'the port',
  fallback: '9000',
}

/** The options of each command. */
export const optionsOf: Readonly<
  Record<'serve' | 'fsck' | 'doctor' | 'backup' | 'restore' | 'import', OptionTable>
> = {
  serve: {
    host,
    port,
    data,
    credentials,
    'root-access-key': {
      value: 'ID',
      variable: 'HOLDFAST_ROOT_ACCESS_KEY',
      hasFile: true,
      aliases: { minio: 'MINIO_ROOT_USER', localstack: 'AWS_ACCESS_KEY_ID' },
      text: 'the root key, in place of the one that the data folder keeps',
    },
    'root-secret-key': {
      value: 'SECRET',
      variable: 'HOLDFAST_ROOT_SECRET_KEY',
      hasFile: true,
      isSecret: true,
      aliases: { minio: 'MINIO_ROOT_PASSWORD', localstack: 'AWS_SECRET_ACCESS_KEY' },
      text: 'its secret; others see it on the line, not in the environment',
    },
    buckets: {
      value: 'NAME',
      variable: 'HOLDFAST_BUCKETS',
      aliases: { minio: 'MINIO_DEFAULT_BUCKETS' },
      text: "the root's buckets, created if missing; may be repeated, or a list with commas",
    },
    workers: {
      value: 'N',
      variable: 'HOLDFAST_WORKERS',
      text: 'processes that serve',
      fallback: 'one per core',
    },
    domain: {
      value: 'NAME',
      variable: 'HOLDFAST_DOMAIN',
      text: 'serve bucket.NAME as well as NAME/bucket; may be repeated, or a comma-separated list',
    },
    'website-domain': {
      value: 'NAME',
      variable: 'HOLDFAST_WEBSITE_DOMAIN',
      text: 'serve the websites of buckets as bucket.NAME; may be repeated, or a list with commas',
    },
    'tls-cert': {
      value: 'FILE',
      variable: 'HOLDFAST_TLS_CERT',
      text: 'serve https with this certificate chain (PEM)',
    },
    'tls-key': {
      value: 'FILE',
      variable: 'HOLDFAST_TLS_KEY',
      text: 'the private key of the certificate (PEM)',
    },
    region: {
      value: 'NAME',
      variable: 'HOLDFAST_REGION',
      text: 'accept only requests signed for this region; without it the server calls itself us-east-1',
      fallback: 'any region',
    },
    'trusted-proxy': {
      value: 'CIDR',
      variable: 'HOLDFAST_TRUSTED_PROXY',
      text: 'trust X-Forwarded-For, X-Forwarded-Proto and Forwarded from this network; may be repeated, or a comma-separated list',
    },
    'bucket-defaults': {
      value: bucketDefaults.join('|'),
      variable: 'HOLDFAST_BUCKET_DEFAULTS',
      text: 'how new buckets begin: aws, with no ACLs and public access blocked, or classic, with neither',
      fallback: 'aws',
    },
    'block-public-access': {
      value: 'all|NAME',
      variable: 'HOLDFAST_BLOCK_PUBLIC_ACCESS',
      text: `block public access to every bucket: all, or some of ${blockNames}; may be repeated, or a list with commas`,
    },
    'simpledb-limit': {
      value: 'NAME=N',
      variable: 'HOLDFAST_SIMPLEDB_LIMIT',
      text: 'another limit of SimpleDB, such as domainsPerOwner=1000; may be repeated, or a list with commas',
      fallback: "Amazon's limits",
    },
    'eventual-lag': {
      value: 'MS',
      variable: 'HOLDFAST_EVENTUAL_LAG',
      text: 'let SimpleDB reads without ConsistentRead lag behind, to test an application against stale reads',
      fallback: '0',
    },
    'signature-v1': {
      value: 'on|off',
      variable: 'HOLDFAST_SIGNATURE_V1',
      text: 'accept Signature Version 1 from old SimpleDB clients, though it can be forged',
      fallback: 'off',
    },
    'signature-v2': {
      value: 'on|off',
      variable: 'HOLDFAST_SIGNATURE_V2',
      text: "accept S3's Signature Version 2 beside Version 4",
      fallback: 'on',
    },
    'scrub-mib-per-second': {
      value: 'N',
      variable: 'HOLDFAST_SCRUB_MIB_PER_SECOND',
      text: 'how fast stored bodies are read in the background to find corruption; 0 for never',
      fallback: '8',
    },
    config: {
      value: 'FILE',
      variable: 'HOLDFAST_CONFIG',
      text: 'settings by the names of these options, as TOML, or as JSON in a file named .json',
    },
    aliases: {
      value: 'NAME',
      variable: 'HOLDFAST_ALIASES',
      text: `also read variables of other servers: ${aliasNames.join(', ')}; may be repeated, or a list with commas`,
    },
    'print-config': {
      text: 'print the settings in effect and their sources, without secrets, and end',
    },
    // No environment variables: these apply to one start, and must not persist in a unit or an image.
    'accept-lost-rows': {
      text: 'start even if engine/ is missing or older than blobs/; unknown files in blobs/ are kept',
    },
    'accept-lost-blobs': {
      text: 'start even if blobs/ is missing; objects without their files can be listed and deleted',
    },
    'log-level': {
      value: 'LEVEL',
      variable: 'HOLDFAST_LOG_LEVEL',
      text: `one of ${logLevels.join(', ')}`,
      fallback: 'info',
    },
    'log-format': {
      value: 'FORMAT',
      variable: 'HOLDFAST_LOG_FORMAT',
      text: `one of ${logFormats.join(', ')}`,
      fallback: 'pretty on a terminal, else json',
    },
  },
  fsck: {
    data,
    content: { text: 'also read every body, and verify its checksum' },
    json: { text: 'print findings and the summary as JSON lines' },
  },
  doctor: { data, host, port },
  backup: {
    data,
    'incremental-from': {
      value: 'DIR',
      text: 'leave out the bodies that this earlier backup of the store has',
    },
    'without-key': { text: 'leave out the root key of the data folder' },
    json: { text: 'print the summary as JSON' },
  },
  restore: {
    data: { ...data, text: 'the data folder to make, new or empty' },
    base: {
      value: 'DIR',
      text: 'where an earlier backup is, on which this one builds; may be repeated',
    },
    check: { text: 'only read and check the backup' },
    json: { text: 'print the summary as JSON' },
  },
  import: {
    data,
    credentials,
    from: { value: 'FOLDER', text: 'the folder with the manifest and the files of an export' },
    domain: { value: 'NAME', text: 'the target domain; created if missing' },
  },
}

/** The environment of this process. */
export function processEnvironment(): Environment {
  return process.env
}

/** Selects the profile of ~/.aws for the AWS SDK, which has no option that covers all settings. */
export function useAwsProfile(name: string): void {
  process.env['AWS_PROFILE'] = name
}

/** The file of settings that a command line or its environment names, as an absolute path. @throws UsageError */
export function configFileOf(
  args: readonly string[],
  environment: Environment,
): string | undefined {
  const file = readOptions(optionsOf.serve, args, environment).text('config')
  return file === undefined ? undefined : absolutePath(file)
}

/** Reads the options of `holdfast serve`. @throws UsageError */
export function parseServe(
  args: readonly string[],
  environment: Environment,
  settings?: Settings,
): ServeConfig {
  return serveConfig(readOptions(optionsOf.serve, args, environment, { settings }))
}

/** The settings in effect as `holdfast serve --print-config` prints them. @throws UsageError */
export function describeServe(
  args: readonly string[],
  environment: Environment,
  settings?: Settings,
): string {
  const options = readOptions(optionsOf.serve, args, environment, { settings })
  // Settings that would be refused are not in effect.
  serveConfig(options)
  return describeOptions(optionsOf.serve, options)
}

/** The root key in the environment of a server, for commands that run beside it. @throws UsageError */
export function rootKeyIn(environment: Environment): RootKey | undefined {
  return rootKeyOf(readOptions(optionsOf.serve, [], environment))
}

function serveConfig(options: Options): ServeConfig {
  const region = checkRegion(options.text('region'))
  const credentialsFile = options.text('credentials')
  const scrubMibPerSecond = options.integer('scrub-mib-per-second', { least: 0, most: 100_000 })
  const rootKey = rootKeyOf(options)
  const buckets = options.list('buckets').map(checkBucket)
  return {
    host: options.text('host') ?? '127.0.0.1',
    port: options.integer('port', { least: 0, most: 65_535 }) ?? 9000,
    dataFolder: absolutePath(options.text('data') ?? 'data'),
    credentialsFile: credentialsFile === undefined ? undefined : absolutePath(credentialsFile),
    workers: options.integer('workers', { least: 1, most: 1024 }) ?? availableParallelism(),
    ...domainsOf(options),
    tls: tlsFiles(options),
    region: region ?? 'us-east-1',
    requiredRegion: region,
    acceptsSignatureV2: options.choice('signature-v2', ['on', 'off']) !== 'off',
    trustedProxies: options.list('trusted-proxy').map(checkNetwork),
    bucketDefaults: options.choice('bucket-defaults', bucketDefaults) ?? 'aws',
    ...accountBlockOf(options),
    logLevel: options.choice('log-level', logLevels) ?? 'info',
    logFormat: options.choice('log-format', logFormats) ?? defaultFormat(),
    simpleDbLimits: Object.fromEntries(options.list('simpledb-limit').map(parseLimit)),
    eventualLagMs: options.integer('eventual-lag', { least: 0, most: 10_000 }) ?? 0,
    allowsSignatureV1: options.choice('signature-v1', ['on', 'off']) === 'on',
    ...(scrubMibPerSecond === undefined ? {} : { scrubMibPerSecond }),
    ...(rootKey === undefined ? {} : { rootKey }),
    ...(buckets.length === 0 ? {} : { buckets }),
    accepts: acceptances.filter((accepted) => options.flag(`accept-${accepted}`)),
  }
}

/** Reads the options of `holdfast fsck`. @throws UsageError */
export function parseFsck(args: readonly string[], environment: Environment): FsckConfig {
  const options = readOptions(optionsOf.fsck, args, environment)
  return {
    dataFolder: absolutePath(options.text('data') ?? 'data'),
    isJson: options.text('json') !== undefined,
    ...(options.flag('content') ? { checksContent: true } : {}),
  }
}

/** Reads the options of `holdfast doctor`. @throws UsageError */
export function parseDoctor(args: readonly string[], environment: Environment): DoctorConfig {
  const options = readOptions(optionsOf.doctor, args, environment)
  return {
    dataFolder: absolutePath(options.text('data') ?? 'data'),
    host: options.text('host') ?? '127.0.0.1',
    port: options.integer('port', { least: 1, most: 65_535 }) ?? 9000,
  }
}

/** Reads the options of `holdfast backup`. @throws UsageError */
export function parseBackup(args: readonly string[], environment: Environment): BackupConfig {
  const options = readOptions(optionsOf.backup, args, environment, { most: 1 })
  const [target] = options.operands
  if (target === undefined) throw new UsageError('backup needs the name of a folder, or -')
  const base = options.text('incremental-from')
  return {
    dataFolder: absolutePath(options.text('data') ?? 'data'),
    folder: target === '-' ? undefined : absolutePath(target),
    base: base === undefined ? undefined : absolutePath(base),
    hasKey: !options.flag('without-key'),
    isJson: options.flag('json'),
  }
}

/** Reads the options of `holdfast restore`. @throws UsageError */
export function parseRestore(args: readonly string[], environment: Environment): RestoreConfig {
  const options = readOptions(optionsOf.restore, args, environment, { most: 1 })
  const [source] = options.operands
  if (source === undefined) throw new UsageError('restore needs the name of a backup, or -')
  return {
    dataFolder: absolutePath(options.text('data') ?? 'data'),
    source: source === '-' ? undefined : absolutePath(source),
    bases: options.all('base').map(absolutePath),
    isCheck: options.flag('check'),
    isJson: options.flag('json'),
  }
}

/** Reads the options of `holdfast import`. @throws UsageError */
export function parseImport(args: readonly string[], environment: Environment): ImportConfig {
  const options = readOptions(optionsOf.import, args, environment)
  const credentialsFile = options.text('credentials')
  const folder = options.text('from')
  const domain = options.text('domain')
  if (folder === undefined || domain === undefined) {
    throw new UsageError('import needs --from FOLDER and --domain NAME')
  }
  return {
    dataFolder: absolutePath(options.text('data') ?? 'data'),
    credentialsFile: credentialsFile === undefined ? undefined : absolutePath(credentialsFile),
    folder: absolutePath(folder),
    domain,
  }
}

function defaultFormat(): LogFormat {
  return process.stdout.isTTY ? 'pretty' : 'json'
}

function tlsFiles(options: Options): TlsFiles | undefined {
  const certificateFile = options.text('tls-cert')
  const keyFile = options.text('tls-key')
  if (certificateFile === undefined && keyFile === undefined) return undefined
  if (certificateFile === undefined) throw new UsageError('--tls-key needs --tls-cert beside it')
  if (keyFile === undefined) throw new UsageError('--tls-cert needs --tls-key beside it')
  return { certificateFile: absolutePath(certificateFile), keyFile: absolutePath(keyFile) }
}

function checkRegion(name: string | undefined): string | undefined {
  if (name === undefined || isRegionName(name)) return name
  throw new UsageError(`--region takes a name such as eu-west-1, not ${quote(name)}`)
}

function rootKeyOf(options: Options): RootKey | undefined {
  const accessKeyId = options.text('root-access-key')
  const secretAccessKey = options.text('root-secret-key')
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new UsageError(
      'the root key needs both its id (HOLDFAST_ROOT_ACCESS_KEY) and its secret (HOLDFAST_ROOT_SECRET_KEY)',
    )
  }
  if (isAccessKeyId(accessKeyId)) return { accessKeyId, secretAccessKey }
  throw options.wrong('root-access-key', 'letters, digits, and - _ . only, at most 128')
}

function checkBucket(name: string): string {
  if (isBucketName(name)) return name
  throw new UsageError(`--buckets takes names that S3 allows for buckets, not ${quote(name)}`)
}

const domainName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/

/** @throws UsageError for a name that would be both an endpoint of S3 and one of websites */
function domainsOf(options: Options): Pick<ServeConfig, 'domains' | 'websiteDomains'> {
  const named = (option: string): string[] =>
    options.list(option).map((name) => checkDomain(option, name))
  const domains = named('domain')
  const websiteDomains = named('website-domain')
  const both = domains.find((name) => websiteDomains.includes(name))
  if (both === undefined) return { domains, websiteDomains }
  throw new UsageError(`--domain and --website-domain can not both be ${both}`)
}

function checkDomain(option: string, name: string): string {
  const domain = name.toLowerCase()
  if (domainName.test(domain)) return domain
  throw new UsageError(`--${option} takes a name such as s3.example.com, not ${quote(name)}`)
}

function accountBlockOf(options: Options): Pick<ServeConfig, 'accountBlock'> {
  const names = options.list('block-public-access')
  if (names.length === 0) return {}
  let accountBlock = nothingBlocked
  for (const name of names) {
    const found = Object.hasOwn(blockSwitches, name) ? blockSwitches[name] : undefined
    if (name === 'all') accountBlock = allBlocked
    else if (found !== undefined) accountBlock = { ...accountBlock, [found]: true }
    else {
      throw new UsageError(`--block-public-access takes all, ${blockNames}, not ${quote(name)}`)
    }
  }
  return { accountBlock }
}

function checkNetwork(text: string): Network {
  const network = parseNetwork(text)
  if (network !== undefined) return network
  throw new UsageError(`--trusted-proxy takes a network such as 10.0.0.0/8, not ${quote(text)}`)
}

function parseLimit(text: string): [name: string, value: number] {
  const [, name = '', value = ''] = /^(\w+)=(\d{1,15})$/.exec(text) ?? []
  if (Object.hasOwn(simpleDbLimits, name)) return [name, Number(value)]
  const names = Object.keys(simpleDbLimits).join(', ')
  throw new UsageError(`--simpledb-limit takes NAME=N with one of ${names}, not ${quote(text)}`)
}
