// A file of settings: the options of `holdfast serve` by their names, as TOML or JSON.

import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { CommandError, systemCode } from '../base/exit.ts'
import { quote, type Settings, UsageError } from '../base/options.ts'

/** Reads the file at an absolute path. @throws CommandError if it can't be read; UsageError if not understood */
export async function readSettings(file: string): Promise<Settings> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const reason = systemCode(cause) === 'ENOENT' ? 'there is no such file' : systemCode(cause)
    throw new CommandError(`can't read the settings in ${file}: ${reason}`, { cause })
  }
  const name = basename(file)
  const document = await parse(text, name)
  const values = new Map<string, readonly string[]>()
  for (const [setting, value] of Object.entries(document)) {
    values.set(setting, textsOf(value, `${quote(setting)} in ${name}`))
  }
  return { file: name, values }
}

async function parse(text: string, name: string): Promise<object> {
  try {
    const document: unknown = name.endsWith('.json')
      ? JSON.parse(text)
      : (await import('smol-toml')).parse(text)
    if (typeof document === 'object' && document !== null && !Array.isArray(document))
      return document
  } catch (cause) {
    // The first line says what is wrong and where; the rest quotes the file, which may hold a secret.
    const [reason = ''] = String(cause instanceof Error ? cause.message : cause).split('\n')
    const shown = name.endsWith('.json') ? 'it is not JSON' : reason
    throw new UsageError(`can't understand the settings in ${name}: ${shown}`, { cause })
  }
  throw new UsageError(`can't understand the settings in ${name}: expected {"port": 9000, …}`)
}

/** A value as it would stand on a command line: `true` is `on`, and a list is an option that is repeated. */
function textsOf(value: unknown, place: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one: unknown) => textsOf(one, place))
  switch (typeof value) {
    case 'string':
      if (value !== '') return [value]
      break
    case 'number':
    case 'bigint':
      return [String(value)]
    case 'boolean':
      return [value ? 'on' : 'off']
    default:
  }
  throw new UsageError(`${place} takes a text, a number, true or false, or a list of them`)
}
