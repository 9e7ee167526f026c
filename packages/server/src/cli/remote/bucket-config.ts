// Options and operands of the commands for whole buckets.

import { type Environment, type OptionTable, readOptions, UsageError } from '../../base/options.ts'
import { common, dryRun, json, operand, type RemoteConfig, server } from './config.ts'
import { parseRemote } from './name.ts'

export interface MakeBucketConfig extends RemoteConfig {
  readonly buckets: readonly string[]
  /** True if an existing bucket of one's own is no failure. */
  readonly isLenient: boolean
}

export interface RemoveBucketConfig extends RemoteConfig {
  readonly buckets: readonly string[]
  /** True to remove the contents too. */
  readonly isForced: boolean
  readonly isDryRun: boolean
}

/** The commands whose options are in this file. */
export type BucketCommand = 'mb' | 'rb'

/** The options of each command. */
export const bucketOptions: Readonly<Record<BucketCommand, OptionTable>> = {
  mb: { 'ignore-existing': { text: 'succeed if the bucket exists and is yours' }, json, ...server },
  rb: {
    force: { text: 'also remove the contents and unfinished uploads' },
    'dry-run': dryRun,
    json,
    ...server,
  },
}

/** Reads the options of `holdfast mb`. @throws UsageError */
export function parseMakeBucket(
  args: readonly string[],
  environment: Environment,
): MakeBucketConfig {
  const most = Number.POSITIVE_INFINITY
  const options = readOptions(bucketOptions.mb, args, environment, { most })
  operand(options, 0, 'which bucket?')
  return {
    ...common(options, environment),
    buckets: options.operands.map(parseBucket),
    isLenient: options.flag('ignore-existing'),
  }
}

/** Reads the options of `holdfast rb`. @throws UsageError */
export function parseRemoveBucket(
  args: readonly string[],
  environment: Environment,
): RemoveBucketConfig {
  const most = Number.POSITIVE_INFINITY
  const options = readOptions(bucketOptions.rb, args, environment, { most })
  operand(options, 0, 'which bucket?')
  return {
    ...common(options, environment),
    buckets: options.operands.map(parseBucket),
    isForced: options.flag('force'),
    isDryRun: options.flag('dry-run'),
  }
}

function parseBucket(text: string): string {
  const { bucket, key } = parseRemote(text)
  if (key !== '')
    throw new UsageError(`s3://${bucket}/${key} is in a bucket: name the bucket alone`)
  return bucket
}
