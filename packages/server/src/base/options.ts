// Command lines: options from a table. Variables of the environment, files that they name, variables that other
// servers use, and a file of settings stand in for options that the line doesn't have.

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CommandError, systemCode } from './exit.ts'

/** Variables of the environment by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A command line that can't be understood. The message is for its author. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Servers whose variables can be read in place of our own. */
export const aliasNames = ['minio', 'localstack'] as const

/** One option, its variable in the environment, and its line in the help. */
export interface OptionHelp {
  readonly value?: string
  readonly variable?: string
  readonly text: string
  /** The value without the option, or what applies then, in words. */
  readonly fallback?: string
  /** True if the variable with `_FILE` at its end may name a file that holds the value. */
  readonly hasFile?: true
  /** True if the value must not be shown. */
  readonly isSecret?: true
  /** Variables of other servers that are read, too, if the option `aliases` names the server. */
  readonly aliases?: Readonly<Record<string, string>>
}

/** Settings of a file, by the names of options. */
export interface Settings {
  /** The file's name in messages. */
  readonly file: string
  readonly values: ReadonlyMap<string, readonly string[]>
}

/** The values of an option, and the name of their source: an option, a variable, or a place in a file. */
export interface GivenValues {
  readonly values: readonly string[]
  readonly source: string
}

/** The options of a command by name. */
export type OptionTable = Readonly<Record<string, OptionHelp>>

/** The values that were given, from the command line or else from the environment. */
export class Options {
  readonly #given: ReadonlyMap<string, GivenValues>
  /** The operands: arguments that aren't options or their values. */
  readonly operands: readonly string[]

  constructor(given: ReadonlyMap<string, GivenValues>, operands: readonly string[]) {
    this.#given = given
    this.operands = operands
  }

  /** The values of an option and their source; undefined if none gave it. */
  given(name: string): GivenValues | undefined {
    return this.#given.get(name)
  }

  /** Whether an option without a value was given. */
  flag(name: string): boolean {
    return this.#given.has(name)
  }

  /** The last value wins, so that a script's own options can be overridden. */
  text(name: string): string | undefined {
    return this.#given.get(name)?.values.at(-1)
  }

  /** Every value of an option that may be repeated. */
  all(name: string): readonly string[] {
    return this.#given.get(name)?.values ?? []
  }

  list(name: string): string[] {
    return this.all(name)
      .flatMap((value) => value.split(','))
      .filter((value) => value !== '')
  }

  integer(
    name: string,
    bounds: { readonly least: number; readonly most: number },
  ): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (number >= bounds.least && number <= bounds.most) return number
    throw this.wrong(name, `a number from ${bounds.least} to ${bounds.most}`)
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const choice = choices.find((known) => known === value)
    if (choice !== undefined) return choice
    throw this.wrong(name, `one of ${choices.join(', ')}`)
  }

  /** The error for an invalid value; names the option or the variable that gave it. */
  wrong(name: string, expected: string): UsageError {
    const { source = name } = this.#given.get(name) ?? {}
    return new UsageError(`${source} takes ${expected}, not ${quote(this.text(name) ?? '')}`)
  }
}

/** Where values come from beside the line and the environment, and what the line may have. */
export interface ReadingOptions {
  /** The operands that the line may have; none if left out. */
  readonly most?: number
  readonly settings?: Settings | undefined
}

/**
 * Reads the options that `table` knows, and the operands. An option on the line wins over its variable, and that
 * over a file of settings.
 * @throws UsageError
 */
export function readOptions(
  table: OptionTable,
  args: readonly string[],
  environment: Environment,
  { most = 0, settings }: ReadingOptions = {},
): Options {
  const onLine = parseLine(table, args)
  const given = new Map<string, GivenValues>()
  const refer = (name: string, found: GivenValues | undefined): void => {
    if (found !== undefined && !given.has(name)) given.set(name, found)
  }
  for (const [name, option] of Object.entries(table)) {
    const values = onLine.found.get(name)
    if (option.value !== undefined && values?.includes('') === true) {
      throw new UsageError(`--${name} needs a value: --${name} ${option.value}`)
    }
    if (values !== undefined) given.set(name, { values, source: `--${name}` })
    else refer(name, fromVariable(option, environment))
  }
  const inFile = settings === undefined ? new Map() : fromSettings(table, settings)
  refer('aliases', inFile.get('aliases'))
  const servers = new Options(given, []).list('aliases')
  for (const [name, option] of Object.entries(table)) {
    refer(name, fromAliases(option, servers, environment))
    refer(name, inFile.get(name))
  }
  const surplus = onLine.operands[most]
  if (surplus !== undefined) throw new UsageError(`what is ${quote(surplus)} for?`)
  return new Options(given, onLine.operands)
}

/** The value of an option's own variable, or of the file that it names. @throws UsageError */
function fromVariable(
  { variable, hasFile }: OptionHelp,
  environment: Environment,
): GivenValues | undefined {
  return variable === undefined ? undefined : variableValue(variable, environment, hasFile === true)
}

/** The value of a variable of one of `servers`. @throws UsageError for a server that has none */
function fromAliases(
  { aliases = {}, hasFile }: OptionHelp,
  servers: readonly string[],
  environment: Environment,
): GivenValues | undefined {
  for (const server of servers) {
    if (!aliasNames.some((name) => name === server)) {
      throw new UsageError(`--aliases takes ${aliasNames.join(', ')}, not ${quote(server)}`)
    }
    const variable = aliases[server]
    const found =
      variable === undefined ? undefined : variableValue(variable, environment, hasFile === true)
    if (found !== undefined) return found
  }
  return undefined
}

/** The values in a file of settings. @throws UsageError for a setting that no option has */
function fromSettings(
  table: OptionTable,
  { file, values }: Settings,
): ReadonlyMap<string, GivenValues> {
  const found = new Map<string, GivenValues>()
  for (const [name, texts] of values) {
    const option = table[name]
    // Options without a variable apply to one start, and a file must not name another one.
    if (option?.variable === undefined || name === 'config') {
      throw new UsageError(`${file} has a setting ${quote(name)}, which it can't have`)
    }
    found.set(name, { values: texts, source: `${name} in ${file}` })
  }
  return found
}

function variableValue(
  variable: string,
  environment: Environment,
  hasFile: boolean,
): GivenValues | undefined {
  const value = environment[variable]
  const named = hasFile ? environment[`${variable}_FILE`] : undefined
  if (named === undefined || named === '') {
    return value === undefined || value === '' ? undefined : { values: [value], source: variable }
  }
  if (value !== undefined && value !== '') {
    throw new UsageError(`${variable} and ${variable}_FILE exclude each other`)
  }
  return { values: [contentOf(named, `${variable}_FILE`)], source: `${variable}_FILE` }
}

/** A secret's file, as orchestrators mount it, may end with a newline. */
function contentOf(file: string, variable: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const reason = systemCode(cause) === 'ENOENT' ? 'there is no such file' : systemCode(cause)
    throw new UsageError(`can't read ${quote(file)} of ${variable}: ${reason}`, { cause })
  }
  const value = text.replace(/\r?\n$/, '')
  if (value !== '') return value
  throw new UsageError(`${quote(file)} of ${variable} is empty`)
}

interface Line {
  readonly found: ReadonlyMap<string, readonly string[]>
  readonly operands: readonly string[]
}

function parseLine(table: OptionTable, args: readonly string[]): Line {
  const options: Record<string, { type: 'string' | 'boolean'; multiple: true }> = {}
  for (const [name, { value }] of Object.entries(table)) {
    options[name] = { type: value === undefined ? 'boolean' : 'string', multiple: true }
  }
  const { values, positionals } = parseStrictly(options, args)
  const found = new Map<string, readonly string[]>()
  for (const [name, list] of Object.entries(values)) {
    if (Array.isArray(list)) found.set(name, list.map(String))
  }
  return { found, operands: positionals }
}

function parseStrictly(
  options: Record<string, { type: 'string' | 'boolean'; multiple: true }>,
  args: readonly string[],
): { readonly values: Record<string, unknown>; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // Node goes on to explain how to escape an operand that begins with a dash.
    throw new UsageError(error.message.split('. ')[0] ?? error.message, { cause: error })
  }
}

/** A value as messages show it. */
export function quote(value: string): string {
  return JSON.stringify(value)
}

/** A path as an absolute one. @throws CommandError if it begins at a working directory that was deleted */
export function absolutePath(path: string): string {
  try {
    return resolve(path)
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw cause
    throw new CommandError(
      `the working directory was deleted, so ${quote(path)} leads nowhere: go to another one, or write ` +
        'whole paths, such as --data /srv/holdfast',
      { cause },
    )
  }
}
