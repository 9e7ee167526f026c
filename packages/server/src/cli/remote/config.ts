// Options and operands of the commands for a running server.

import type { LeaseName } from 'holdfast-client'
import {
  absolutePath,
  type Environment,
  type OptionHelp,
  type Options,
  type OptionTable,
  quote,
  readOptions,
  UsageError,
} from '../../base/options.ts'
import { rootKeyIn } from '../../config.ts'
import { type AnyName, isFolder, parsePair, parseRemote, type RemoteName } from './name.ts'

/** The server to connect to, and the key to use. */
export interface ServerChoice {
  readonly endpoint: string | undefined
  readonly region: string | undefined
  readonly key: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
  readonly profile: string | undefined
  /** `path` is absolute. `isNamed`: given explicitly, rather than the default. */
  readonly dataFolder: { readonly path: string; readonly isNamed: boolean }
  /** True if the environment has a key or a profile, which the SDK finds by itself. */
  readonly hasEnvironment: boolean
  readonly lease: LeaseName | undefined
  /** The absolute path of certificates that are trusted beside the usual ones. */
  readonly ca?: string
}

/** The settings of every command. */
export interface RemoteConfig {
  readonly server: ServerChoice
  readonly isJson: boolean
}

export interface ListConfig extends RemoteConfig {
  /** Undefined: all buckets. */
  readonly name: RemoteName | undefined
  readonly isRecursive: boolean
  readonly hasSizes: boolean
}

export interface TreeConfig extends RemoteConfig {
  readonly name: RemoteName
  /** The number of levels shown. */
  readonly depth: number
}

export interface MoveConfig extends RemoteConfig {
  readonly from: RemoteName
  readonly to: RemoteName
  readonly isReplacing: boolean
  readonly isCareful: boolean
  readonly isDryRun: boolean
}

export interface CopyConfig extends RemoteConfig {
  readonly from: AnyName
  readonly to: AnyName
  readonly isReplacing: boolean
  readonly isCareful: boolean
  readonly contentType: string | undefined
}

export interface RemoveConfig extends RemoteConfig {
  readonly names: readonly RemoteName[]
  readonly isDryRun: boolean
}

export interface ZipConfig extends RemoteConfig {
  readonly name: RemoteName
  /** Undefined: named after the folder. `-`: standard output. */
  readonly file: string | undefined
  readonly format: 'zip' | 'tar'
  readonly isReplacing: boolean
}

export type LockConfig = RemoteConfig &
  (
    | { readonly action: 'list'; readonly bucket: string }
    | { readonly action: 'release'; readonly released: LeaseName }
    | {
        readonly action: 'run'
        readonly bucket: string
        readonly read: readonly string[]
        readonly write: readonly string[]
        readonly ttlMs: number
        readonly waitMs: number
        readonly label: string
        readonly command: readonly [string, ...string[]]
        readonly environment: Environment
      }
  )

/** The option of commands that can print JSON. */
export const json: OptionHelp = { text: 'print JSON, one object per line' }
const replace: OptionHelp = { text: 'replace an existing folder, in the same step' }
/** The option of commands that remove or replace something. */
export const dryRun: OptionHelp = { text: 'only show what would be done' }
const noClobber: OptionHelp = { text: 'fail if the target exists' }

/** The options that name a server. */
export const place: OptionTable = {
  endpoint: {
    value: 'URL',
    variable: 'HOLDFAST_ENDPOINT',
    text: "the server (the profile's; the one that serves ./data; http://127.0.0.1:9000)",
  },
  data: {
    value: 'DIR',
    variable: 'HOLDFAST_DATA',
    text: 'use the root key and the server of this data folder (./data, if it exists)',
  },
  ca: {
    value: 'FILE',
    variable: 'HOLDFAST_CA',
    text: "trust a server's own certificate, or the authority that signed it (PEM; AWS_CA_BUNDLE)",
  },
}

/** The options that name a server and a key. */
export const server: OptionTable = {
  ...place,
  'access-key': { value: 'ID', variable: 'HOLDFAST_ACCESS_KEY', text: 'the access key' },
  'secret-key': {
    value: 'SECRET',
    variable: 'HOLDFAST_SECRET_KEY',
    text: 'its secret; others see it on the line, not in the environment',
  },
  profile: { value: 'NAME', text: 'a profile of ~/.aws, instead of a key' },
  region: { value: 'NAME', text: 'the region to sign for (AWS_REGION; us-east-1)' },
  lease: {
    value: 'BUCKET:TICKET',
    variable: 'HOLDFAST_LEASE',
    text: 'write under this lease; holdfast lock sets the variable',
  },
}

/** The commands for a running server. */
export type RemoteCommand = 'ls' | 'tree' | 'mv' | 'cp' | 'rm' | 'zip' | 'lock'

/** The options of each command. */
export const remoteOptions: Readonly<Record<RemoteCommand, OptionTable>> = {
  ls: {
    recursive: { text: 'list everything below, not only one level' },
    sizes: { text: 'count the contents of each folder; slow for large folders' },
    json,
    ...server,
  },
  tree: { depth: { value: 'N', text: 'how many levels to show (all)' }, json, ...server },
  mv: { replace, 'no-clobber': noClobber, 'dry-run': dryRun, json, ...server },
  cp: {
    replace,
    'no-clobber': noClobber,
    'content-type': {
      value: 'TYPE',
      text: 'the Content-Type of uploads (by the name of the file)',
    },
    json,
    ...server,
  },
  rm: { 'dry-run': dryRun, json, ...server },
  zip: {
    tar: { text: 'make a tar file' },
    replace: { text: 'overwrite FILE' },
    json,
    ...server,
  },
  lock: {
    read: {
      value: 'NAME',
      text: 'also lease this for reading, shared with other readers; may be repeated',
    },
    wait: { value: 'SECONDS', text: 'give up after this time (never); 0: do not wait' },
    ttl: { value: 'SECONDS', text: 'how long the lease outlives this process if killed (30)' },
    label: { value: 'TEXT', text: 'a name shown in the list of leases (the command)' },
    list: { text: 'show the held and waiting leases of the bucket NAME' },
    release: { value: 'BUCKET:TICKET', text: 'end a lease, also of another holder' },
    json,
    ...server,
  },
}

/** Reads the options of `holdfast ls`. @throws UsageError */
export function parseList(args: readonly string[], environment: Environment): ListConfig {
  const options = readOptions(remoteOptions.ls, args, environment, { most: 1 })
  const [name] = options.operands
  return {
    ...common(options, environment),
    name: name === undefined ? undefined : parseRemote(name),
    isRecursive: options.flag('recursive'),
    hasSizes: options.flag('sizes'),
  }
}

/** Reads the options of `holdfast tree`. @throws UsageError */
export function parseTree(args: readonly string[], environment: Environment): TreeConfig {
  const options = readOptions(remoteOptions.tree, args, environment, { most: 1 })
  const name = parseRemote(operand(options, 0, 'of which folder?'))
  if (!isFolder(name)) throw new UsageError('a tree is of a folder, whose name ends in /')
  const depth = options.integer('depth', { least: 1, most: 1024 }) ?? Number.POSITIVE_INFINITY
  return { ...common(options, environment), name, depth }
}

/** Reads the options of `holdfast mv`. @throws UsageError */
export function parseMove(args: readonly string[], environment: Environment): MoveConfig {
  const options = readOptions(remoteOptions.mv, args, environment, { most: 2 })
  return {
    ...common(options, environment),
    from: parseRemote(operand(options, 0, 'what is to be moved?')),
    to: parseRemote(operand(options, 1, 'where to?')),
    isReplacing: options.flag('replace'),
    isCareful: options.flag('no-clobber'),
    isDryRun: options.flag('dry-run'),
  }
}

/** Reads the options of `holdfast cp`. @throws UsageError */
export function parseCopy(args: readonly string[], environment: Environment): CopyConfig {
  const options = readOptions(remoteOptions.cp, args, environment, { most: 2 })
  const names = [operand(options, 0, 'what is to be copied?'), operand(options, 1, 'where to?')]
  const [from, to] = parsePair([names[0] ?? '', names[1] ?? ''])
  if (from.kind !== 'remote' && to.kind !== 'remote') {
    throw new UsageError('one of the two must be in a bucket: s3://bucket/key')
  }
  return {
    ...common(options, environment),
    from,
    to,
    isReplacing: options.flag('replace'),
    isCareful: options.flag('no-clobber'),
    contentType: options.text('content-type'),
  }
}

/** Reads the options of `holdfast rm`. @throws UsageError */
export function parseRemove(args: readonly string[], environment: Environment): RemoveConfig {
  const most = Number.POSITIVE_INFINITY
  const options = readOptions(remoteOptions.rm, args, environment, { most })
  operand(options, 0, 'what is to be removed?')
  const names = options.operands.map(parseRemote)
  const whole = names.find(({ key }) => key === '')
  if (whole !== undefined) {
    throw new UsageError(
      `s3://${whole.bucket} is a bucket; rm takes objects and folders, and holdfast rb buckets`,
    )
  }
  return { ...common(options, environment), names, isDryRun: options.flag('dry-run') }
}

/** Reads the options of `holdfast zip`. @throws UsageError */
export function parseZip(args: readonly string[], environment: Environment): ZipConfig {
  const options = readOptions(remoteOptions.zip, args, environment, { most: 2 })
  const name = parseRemote(operand(options, 0, 'which folder?'))
  if (name.key === '' || !isFolder(name)) {
    throw new UsageError('zip takes a folder, whose name ends in /')
  }
  return {
    ...common(options, environment),
    name,
    file: options.operands[1],
    format: options.flag('tar') ? 'tar' : 'zip',
    isReplacing: options.flag('replace'),
  }
}

/** Reads the options of `holdfast lock`. @throws UsageError */
export function parseLock(args: readonly string[], environment: Environment): LockConfig {
  const dashes = args.indexOf('--')
  const own = dashes === -1 ? args : args.slice(0, dashes)
  const most = Number.POSITIVE_INFINITY
  const options = readOptions(remoteOptions.lock, own, environment, { most })
  const base = common(options, environment)
  const released = options.text('release')
  if (released !== undefined) {
    return { ...base, action: 'release', released: parseLease('--release', released) }
  }
  if (options.flag('list')) {
    const { bucket } = parseRemote(operand(options, 0, 'of which bucket?'))
    return { ...base, action: 'list', bucket }
  }
  const [program, ...rest] = dashes === -1 ? [] : args.slice(dashes + 1)
  if (program === undefined) throw new UsageError('which command? write it after --')
  const write = options.operands.map(parseRemote)
  const read = options.all('read').map(parseRemote)
  const buckets = new Set([...write, ...read].map(({ bucket }) => bucket))
  const [bucket] = buckets
  if (bucket === undefined) throw new UsageError('what is to be locked?')
  if (buckets.size > 1) throw new UsageError('a lease is of one bucket')
  const seconds = { least: 0, most: 1e8 }
  const wait = options.integer('wait', seconds)
  return {
    ...base,
    action: 'run',
    bucket,
    read: read.map(({ key }) => key),
    write: write.map(({ key }) => key),
    ttlMs: (options.integer('ttl', { least: 1, most: 3600 }) ?? 30) * 1000,
    waitMs: wait === undefined ? Number.POSITIVE_INFINITY : wait * 1000,
    label: (options.text('label') ?? [program, ...rest].join(' ')).slice(0, 256),
    command: [program, ...rest],
    environment,
  }
}

/** Reads the common options. @throws UsageError */
export function common(options: Options, environment: Environment): RemoteConfig {
  const accessKeyId = options.text('access-key')
  const secretAccessKey = options.text('secret-key')
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new UsageError('--access-key and --secret-key need each other')
  }
  const lease = options.text('lease')
  const data = options.text('data')
  const ca = options.text('ca') ?? environment['AWS_CA_BUNDLE']
  const hasEnvironment = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE'].some((name) => !!environment[name])
  const profile = options.text('profile')
  // In a container, a command finds the key that its server was started with.
  const rootKey = hasEnvironment || profile !== undefined ? undefined : rootKeyIn(environment)
  return {
    isJson: options.flag('json'),
    server: {
      endpoint: endpointOf(options),
      region:
        options.text('region') ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'],
      key:
        accessKeyId === undefined || secretAccessKey === undefined
          ? rootKey
          : { accessKeyId, secretAccessKey },
      profile,
      dataFolder: { path: pathOfData(data), isNamed: data !== undefined },
      hasEnvironment,
      lease: lease === undefined ? undefined : parseLease('--lease', lease),
      ...(ca === undefined || ca === '' ? {} : { ca: absolutePath(ca) }),
    },
  }
}

/** The operand at a position. @throws UsageError with `question` if it is missing */
export function operand(options: Options, at: number, question: string): string {
  const text = options.operands[at]
  if (text === undefined || text === '') throw new UsageError(question)
  return text
}

/** The absolute path of `data`. A deleted working directory, which has no path, is no error. */
function pathOfData(data: string | undefined): string {
  if (data !== undefined) return absolutePath(data)
  try {
    return absolutePath('data')
  } catch {
    return 'data'
  }
}

const example = 'http://127.0.0.1:9000'

function endpointOf(options: Options): string | undefined {
  const text = options.text('endpoint')
  if (text === undefined) return undefined
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    throw options.wrong('endpoint', `a URL such as ${example}`)
  }
  const { origin, pathname, search, hash, username, password } = new URL(text)
  if (pathname !== '/') {
    throw options.wrong('endpoint', `the address of a server without a path, such as ${origin}`)
  }
  if (search + hash + username + password !== '') {
    throw options.wrong('endpoint', `the address of a server alone, such as ${origin}`)
  }
  return text
}

function parseLease(option: string, text: string): LeaseName {
  const [, bucket, ticket] = /^([^:/]+):(\d{1,16})$/.exec(text) ?? []
  if (bucket !== undefined && ticket !== undefined) return { bucket, ticket: BigInt(ticket) }
  throw new UsageError(`${option} takes BUCKET:TICKET, such as photos:12, not ${quote(text)}`)
}
