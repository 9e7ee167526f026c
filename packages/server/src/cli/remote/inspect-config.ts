// Options and operands of the commands that read objects without changing anything.

import { type Environment, type OptionTable, readOptions, UsageError } from '../../base/options.ts'
import { common, json, operand, place, type RemoteConfig, server } from './config.ts'
import { Glob } from './glob.ts'
import { isFolder, parseRemote, type RemoteName } from './name.ts'
import { parseAge, parseSize } from './quantity.ts'

export interface CatConfig extends RemoteConfig {
  readonly names: readonly RemoteName[]
}

export interface StatConfig extends RemoteConfig {
  readonly names: readonly RemoteName[]
}

export interface UsageConfig extends RemoteConfig {
  readonly name: RemoteName
  /** The number of folder levels with a line of their own. */
  readonly depth: number
}

/** Conditions on objects, all of which must hold. */
export interface Filter {
  /** A pattern for the last name of the key. */
  readonly name: Glob | undefined
  /** A pattern for the whole key. */
  readonly path: Glob | undefined
  readonly largerBytes: number | undefined
  readonly smallerBytes: number | undefined
  readonly newerMs: number | undefined
  readonly olderMs: number | undefined
}

export interface FindConfig extends RemoteConfig {
  readonly name: RemoteName
  readonly filter: Filter
}

export interface PresignConfig extends RemoteConfig {
  readonly name: RemoteName
  readonly method: 'GET' | 'PUT'
  readonly expiresSeconds: number
}

export interface TopConfig extends RemoteConfig {
  readonly intervalSeconds: number
  /** Undefined: until the command is stopped. */
  readonly rounds: number | undefined
}

/** The commands whose options are here. */
export type InspectCommand = 'cat' | 'stat' | 'du' | 'find' | 'presign' | 'top'

/** The options of each command. */
export const inspectOptions: Readonly<Record<InspectCommand, OptionTable>> = {
  cat: { ...server },
  stat: { json, ...server },
  du: { depth: { value: 'N', text: 'show folders down to this level (0)' }, json, ...server },
  find: {
    name: { value: 'GLOB', text: 'the last name of the key, such as *.csv' },
    path: { value: 'GLOB', text: 'the key as a whole; ** crosses slashes' },
    larger: { value: 'SIZE', text: 'more bytes than this: 1000, 64KiB, 5MB' },
    smaller: { value: 'SIZE', text: 'fewer bytes than this' },
    'newer-than': { value: 'AGE', text: 'changed within this time: 30m, 12h, 7d' },
    'older-than': { value: 'AGE', text: 'not changed within this time' },
    json,
    ...server,
  },
  presign: {
    put: { text: 'a URL for an upload (a download)' },
    expires: { value: 'AGE', text: 'how long the URL is valid: 15m, 12h, 7d at most (1h)' },
    json,
    ...server,
  },
  top: {
    interval: { value: 'SECONDS', text: 'how often (2)' },
    rounds: { value: 'N', text: 'end after this many (never)' },
    json,
    ...place,
  },
}

const most = Number.POSITIVE_INFINITY

/** Reads the options of `holdfast cat`. @throws UsageError */
export function parseCat(args: readonly string[], environment: Environment): CatConfig {
  const options = readOptions(inspectOptions.cat, args, environment, { most })
  operand(options, 0, 'which object?')
  const names = options.operands.map(parseRemote)
  const folder = names.find(isFolder)
  if (folder !== undefined) throw new UsageError('cat takes objects; a folder goes out with zip')
  return { ...common(options, environment), names }
}

/** Reads the options of `holdfast stat`. @throws UsageError */
export function parseStat(args: readonly string[], environment: Environment): StatConfig {
  const options = readOptions(inspectOptions.stat, args, environment, { most })
  operand(options, 0, 'which object or bucket?')
  return { ...common(options, environment), names: options.operands.map(parseRemote) }
}

/** Reads the options of `holdfast du`. @throws UsageError */
export function parseUsage(args: readonly string[], environment: Environment): UsageConfig {
  const options = readOptions(inspectOptions.du, args, environment, { most: 1 })
  return {
    ...common(options, environment),
    name: parseRemote(operand(options, 0, 'of which bucket or folder?')),
    depth: options.integer('depth', { least: 0, most: 1024 }) ?? 0,
  }
}

/** Reads the options of `holdfast find`. @throws UsageError */
export function parseFind(args: readonly string[], environment: Environment): FindConfig {
  const options = readOptions(inspectOptions.find, args, environment, { most: 1 })
  const read = <T>(name: string, parse: (text: string) => T | undefined, expected: string) => {
    const text = options.text(name)
    if (text === undefined) return undefined
    const value = parse(text)
    if (value === undefined) throw options.wrong(name, expected)
    return value
  }
  const glob = (text: string): Glob => new Glob(text)
  return {
    ...common(options, environment),
    name: parseRemote(operand(options, 0, 'in which bucket or folder?')),
    filter: {
      name: read('name', glob, 'a pattern'),
      path: read('path', glob, 'a pattern'),
      largerBytes: read('larger', parseSize, sizes),
      smallerBytes: read('smaller', parseSize, sizes),
      newerMs: read('newer-than', parseAge, ages),
      olderMs: read('older-than', parseAge, ages),
    },
  }
}

const sizes = 'a number of bytes such as 1000, 64KiB or 5MB'
const ages = 'a time such as 30m, 12h or 7d'
/** The longest expiry in seconds that Signature Version 4 allows. */
const week = 604_800

/** Reads the options of `holdfast presign`. @throws UsageError */
export function parsePresign(args: readonly string[], environment: Environment): PresignConfig {
  const options = readOptions(inspectOptions.presign, args, environment, { most: 1 })
  const name = parseRemote(operand(options, 0, 'which object?'))
  if (name.key === '') throw new UsageError('presign takes an object')
  const text = options.text('expires')
  const ageMs = text === undefined ? 3_600_000 : parseAge(text)
  const expiresSeconds = Math.floor((ageMs ?? 0) / 1000)
  if (expiresSeconds < 1 || expiresSeconds > week)
    throw options.wrong('expires', `${ages}, at most 7d`)
  return {
    ...common(options, environment),
    name,
    method: options.flag('put') ? 'PUT' : 'GET',
    expiresSeconds,
  }
}

/** Reads the options of `holdfast top`. @throws UsageError */
export function parseTop(args: readonly string[], environment: Environment): TopConfig {
  const options = readOptions(inspectOptions.top, args, environment)
  return {
    ...common(options, environment),
    intervalSeconds: options.integer('interval', { least: 1, most: 3600 }) ?? 2,
    rounds: options.integer('rounds', { least: 1, most: 1_000_000 }),
  }
}
