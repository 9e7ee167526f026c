// Options and operands of the commands that compare two trees of names.

import {
  type Environment,
  type Options,
  type OptionTable,
  readOptions,
  UsageError,
} from '../../base/options.ts'
import { common, dryRun, json, operand, type RemoteConfig, server } from './config.ts'
import { Glob } from './glob.ts'
import { type AnyName, isFolder, parsePair, show } from './name.ts'
import type { Place } from './side.ts'

/** Two folders, and the excluded names. */
export interface PairConfig extends RemoteConfig {
  readonly from: Place
  readonly to: Place
  readonly excluded: readonly Glob[]
}

export interface SyncConfig extends PairConfig {
  /** True to remove names from the target that the source doesn't have. */
  readonly isDeleting: boolean
  readonly isDryRun: boolean
  /** True to compare contents by checksums, rather than by sizes and times. */
  readonly readsContent: boolean
}

export interface CheckConfig extends PairConfig {
  /** True to compare contents by size only. */
  readonly isQuick: boolean
}

const exclude = {
  value: 'GLOB',
  text: 'exclude names that match, such as *.tmp or cache/**; may be repeated',
}

/** The commands whose options are in this file. */
export type SyncCommand = 'sync' | 'check'

/** The options of each command. */
export const syncOptions: Readonly<Record<SyncCommand, OptionTable>> = {
  sync: {
    delete: { text: 'remove entries from TARGET that SOURCE does not have' },
    checksum: { text: 'compare contents by checksum (by size and time)' },
    exclude,
    'dry-run': dryRun,
    json,
    ...server,
  },
  check: {
    'size-only': { text: 'compare sizes (contents, by checksum)' },
    exclude,
    json,
    ...server,
  },
}

/** Reads the options of `holdfast sync`. @throws UsageError */
export function parseSync(args: readonly string[], environment: Environment): SyncConfig {
  const options = readOptions(syncOptions.sync, args, environment, { most: 2 })
  return {
    ...common(options, environment),
    ...pairOf(options, 'what is to be synchronized?'),
    isDeleting: options.flag('delete'),
    isDryRun: options.flag('dry-run'),
    readsContent: options.flag('checksum'),
  }
}

/** Reads the options of `holdfast check`. @throws UsageError */
export function parseCheck(args: readonly string[], environment: Environment): CheckConfig {
  const options = readOptions(syncOptions.check, args, environment, { most: 2 })
  return {
    ...common(options, environment),
    ...pairOf(options, 'what is to be compared?'),
    isQuick: options.flag('size-only'),
  }
}

function pairOf(options: Options, question: string): Omit<PairConfig, keyof RemoteConfig> {
  const [from, to] = parsePair([operand(options, 0, question), operand(options, 1, 'with what?')])
  if (from.kind === 'local' && to.kind === 'local') {
    throw new UsageError('one of the two must be in a bucket: s3://bucket/folder/')
  }
  const excluded = options.all('exclude').map((text) => new Glob(text))
  return { from: placeOf(from), to: placeOf(to), excluded }
}

/** The place of a folder. @throws UsageError for another name */
function placeOf(name: AnyName): Place {
  if (name.kind === 'stream') throw new UsageError('a stream is no folder')
  if (name.kind === 'local') {
    const { path } = name.name
    return { kind: 'local', folder: path.endsWith('/') ? path : `${path}/` }
  }
  if (!isFolder(name.name)) throw new UsageError(`${show(name.name)} is no folder: end it with /`)
  return { kind: 'remote', folder: name.name }
}
