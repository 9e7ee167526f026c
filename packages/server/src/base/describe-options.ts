// The settings in effect, as text.

import type { Options, OptionTable } from './options.ts'

/**
 * All options of a table as a file of settings in TOML: those given with their sources, the others as comments with
 * what applies instead. Secrets are left out.
 */
export function describeOptions(table: OptionTable, options: Options): string {
  const lines = Object.entries(table).flatMap(([name, { variable, isSecret, fallback }]) => {
    if (variable === undefined || name === 'config') return []
    const given = options.given(name)
    if (given === undefined) return [`# ${name}: ${fallback ?? 'none'} (default)`]
    const value = isSecret === true ? '(redacted)' : tomlOf(given.values)
    return [`${isSecret === true ? '# ' : ''}${name} = ${value} # ${given.source}`]
  })
  return lines.join('\n')
}

function tomlOf(values: readonly string[]): string {
  const texts = values.map((value) => (/^\d{1,9}$/.test(value) ? value : JSON.stringify(value)))
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`
}
