// Options and operands of `holdfast import s3://…`, which moves buckets in from another S3 server.

import {
  absolutePath,
  type Environment,
  type Options,
  type OptionTable,
  readOptions,
  UsageError,
} from '../../base/options.ts'
import { common, dryRun, json, type RemoteConfig, server } from './config.ts'
import { isFolder, parseRemote, type RemoteName, show } from './name.ts'

/** The server to import from. */
export interface SourceServer {
  readonly endpoint: string
  readonly region: string
  readonly key: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
  readonly profile: string | undefined
  /** The absolute path of certificates that are trusted beside the usual ones. */
  readonly ca: string | undefined
}

export interface BucketImportConfig extends RemoteConfig {
  readonly source: SourceServer
  /** Buckets, or folders in them; all buckets of the key if undefined. */
  readonly names: readonly RemoteName[] | undefined
  /** The target of a single name; undefined: the same name. */
  readonly to: RemoteName | undefined
  /** True to compare only. */
  readonly isCheck: boolean
  readonly isDryRun: boolean
  /** True to remove objects from the target that the source no longer has. */
  readonly isDeleting: boolean
  readonly atOnce: number
}

/** The options of the import of buckets. */
export const bucketImportOptions: OptionTable = {
  all: { text: 'every bucket that the source lists' },
  from: { value: 'URL', text: "the source's endpoint (Amazon S3)" },
  'from-access-key': {
    value: 'ID',
    variable: 'HOLDFAST_FROM_ACCESS_KEY',
    text: 'an access key of the source',
  },
  'from-secret-key': {
    value: 'SECRET',
    variable: 'HOLDFAST_FROM_SECRET_KEY',
    text: 'its secret; other users can see it on the command line, but not in the variable',
  },
  'from-profile': { value: 'NAME', text: 'a profile of ~/.aws for the source, instead of a key' },
  'from-region': { value: 'NAME', text: 'the region of the source (us-east-1)' },
  'from-ca': { value: 'FILE', text: "trust the source's own certificate (PEM)" },
  to: { value: 'NAME', text: 'the target of a single bucket or folder (the same name)' },
  check: { text: 'copy nothing; report whether the target is complete' },
  delete: { text: 'remove objects that the source no longer has' },
  'at-once': { value: 'N', text: 'the number of concurrent copies (16)' },
  'dry-run': dryRun,
  json,
  ...server,
}

/** True if the arguments of `holdfast import` are about buckets, rather than an exported domain. */
export function isBucketImport(args: readonly string[]): boolean {
  return args.some((arg) => arg === '--all' || arg.startsWith('s3://'))
}

/** Reads the options of `holdfast import` for buckets. @throws UsageError */
export function parseBucketImport(
  args: readonly string[],
  environment: Environment,
): BucketImportConfig {
  const most = Number.POSITIVE_INFINITY
  const options = readOptions(bucketImportOptions, args, environment, { most })
  const isAll = options.flag('all')
  const names = options.operands.map(parseRemote)
  if (isAll === names.length > 0) throw new UsageError('name the buckets, or say --all')
  const bare = names.find((name) => !isFolder(name))
  if (bare !== undefined) throw new UsageError(`${show(bare)} is no folder: end it with /`)
  const target = options.text('to')
  if (target !== undefined && names.length !== 1) {
    throw new UsageError('--to is for a single bucket or folder')
  }
  const to = target === undefined ? undefined : parseRemote(target)
  if (to !== undefined && !isFolder(to)) {
    throw new UsageError(`${show(to)} is no folder: end it with /`)
  }
  return {
    ...common(options, environment),
    source: sourceOf(options),
    names: isAll ? undefined : names,
    to,
    isCheck: options.flag('check'),
    isDryRun: options.flag('dry-run'),
    isDeleting: options.flag('delete'),
    atOnce: options.integer('at-once', { least: 1, most: 256 }) ?? 16,
  }
}

function sourceOf(options: Options): SourceServer {
  const accessKeyId = options.text('from-access-key')
  const secretAccessKey = options.text('from-secret-key')
  const profile = options.text('from-profile')
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new UsageError('--from-access-key and --from-secret-key need each other')
  }
  if (accessKeyId === undefined && profile === undefined) {
    throw new UsageError(
      'the source needs a key: --from-access-key and --from-secret-key, or --from-profile',
    )
  }
  const region = options.text('from-region') ?? 'us-east-1'
  const endpoint = options.text('from') ?? `https://s3.${region}.amazonaws.com`
  if (!/^https?:\/\//i.test(endpoint) || !URL.canParse(endpoint)) {
    throw options.wrong('from', 'the URL of a server, such as http://minio.example:9000')
  }
  const ca = options.text('from-ca')
  return {
    endpoint,
    region,
    key:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey },
    profile,
    ca: ca === undefined ? undefined : absolutePath(ca),
  }
}
