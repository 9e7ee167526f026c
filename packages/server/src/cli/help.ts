// The help texts, made from the tables of options.

import { optionsOf } from '../config.ts'

const purposes = {
  serve: 'serve S3 and SimpleDB from a data folder',
  fsck: 'check everything in a data folder, whether a server has it or not',
  import: 'put the items of an exported SimpleDB domain into a domain',
  doctor: 'say what is wrong with a data folder or a port',
} as const

/** What there is, in a few lines. */
export function overview(): string {
  const lines = Object.entries(purposes).map(([name, purpose]) => row(`holdfast ${name}`, purpose))
  return [
    'Usage:',
    ...lines,
    row('holdfast help COMMAND', 'all options of a command'),
    row('holdfast version', ''),
  ]
    .map((line) => line.trimEnd())
    .join('\n')
}

/** All options of a command. */
export function helpOf(command: keyof typeof optionsOf): string {
  const lines = [`holdfast ${command}: ${purposes[command]}`, '']
  for (const [name, { value, variable, text }] of Object.entries(optionsOf[command])) {
    lines.push(row(value === undefined ? `--${name}` : `--${name} ${value}`, text))
    if (variable !== undefined) lines.push(row('', `also ${variable} in the environment`))
  }
  lines.push('', 'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 folder refused, 4 fsck findings.')
  return lines.join('\n')
}

function row(left: string, right: string): string {
  return `  ${left.padEnd(22)} ${right}`
}
