// Command lines: options from a table, each of which may have a variable in the environment that stands
// in for it. An option on the line wins.

import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CommandError, systemCode } from './exit.ts'

/** Variables of the environment by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A command line that can't be understood. The message is for its author. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** One option, its variable in the environment, and its line in the help. */
export interface OptionHelp {
  readonly value?: string
  readonly variable?: string
  readonly text: string
}

/** The options of a command by name. */
export type OptionTable = Readonly<Record<string, OptionHelp>>

/** The values that were given, from the command line or else from the environment. */
export class Options {
  readonly #given: ReadonlyMap<string, { readonly values: readonly string[]; source: string }>
  /** The operands: arguments that aren't options or their values. */
  readonly operands: readonly string[]

  constructor(
    given: ReadonlyMap<string, { values: readonly string[]; source: string }>,
    operands: readonly string[],
  ) {
    this.#given = given
    this.operands = operands
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

/**
 * Reads the options that `table` knows, and the operands, of which the line has at most as many as
 * `operands` says.
 * @throws UsageError
 */
export function readOptions(
  table: OptionTable,
  args: readonly string[],
  environment: Environment,
  operands: { readonly most: number } = { most: 0 },
): Options {
  const onLine = parseLine(table, args)
  const given = new Map<string, { values: readonly string[]; source: string }>()
  for (const [name, { variable, value }] of Object.entries(table)) {
    const fromLine = onLine.found.get(name)
    const fromEnvironment = variable === undefined ? undefined : environment[variable]
    if (fromLine !== undefined) given.set(name, { values: fromLine, source: `--${name}` })
    else if (variable !== undefined && fromEnvironment !== undefined && fromEnvironment !== '') {
      given.set(name, { values: [fromEnvironment], source: variable })
    }
    if (value !== undefined && fromLine?.includes('') === true) {
      throw new UsageError(`--${name} needs a value: --${name} ${value}`)
    }
  }
  const surplus = onLine.operands[operands.most]
  if (surplus !== undefined) throw new UsageError(`what is ${quote(surplus)} for?`)
  return new Options(given, onLine.operands)
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
