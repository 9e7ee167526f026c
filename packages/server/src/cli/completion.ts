// `holdfast completion SHELL`: prints a script that completes commands and options, from the tables of options. The
// shell's start file loads the script.

import { exitCodes } from '../base/exit.ts'
import type { OptionTable } from '../base/options.ts'
import { UsageError } from '../base/options.ts'
import { descriptions } from './help.ts'

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

/** Prints the script. @throws UsageError */
export function completion(args: readonly string[]): number {
  const shell = shells.find((known) => known === args[0])
  if (shell === undefined || args.length > 1) {
    throw new UsageError('completion takes the name of a shell: bash, zsh or fish')
  }
  console.log(scriptOf(shell))
  return exitCodes.ok
}

/** The completion script for a shell. */
export function scriptOf(shell: Shell): string {
  const commands = Object.entries(descriptions)
  switch (shell) {
    case 'bash':
      return bash(commands)
    case 'zsh':
      return `autoload -Uz bashcompinit && bashcompinit\n${bash(commands)}`
    case 'fish':
      return fish(commands)
  }
}

type Commands = readonly (readonly [
  string,
  { readonly purpose: string; readonly options: OptionTable },
])[]

function bash(commands: Commands): string {
  const names = commands.map(([name]) => name)
  const cases = commands.map(([name, { options }]) => {
    const words = Object.keys(options).map((option) => `--${option}`)
    return `    ${name}) words='${words.join(' ')}' ;;`
  })
  return [
    '_holdfast() {',
    '  local word="$' + '{COMP_WORDS[COMP_CWORD]}" words=',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    words='${[...names, 'help', 'version'].join(' ')}'`,
    '  elif [ "$' + '{word#-}" != "$word" ]; then',
    '    case "$' + '{COMP_WORDS[1]}" in',
    ...cases,
    '    esac',
    '  fi',
    '  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$word"))',
    '  else COMPREPLY=($(compgen -f -- "$word"))',
    '  fi',
    '}',
    'complete -o filenames -F _holdfast holdfast',
  ].join('\n')
}

function fish(commands: Commands): string {
  const lines = commands.flatMap(([name, { purpose, options }]) => [
    `complete -c holdfast -n __fish_use_subcommand -f -a ${name} -d ${quoted(purpose)}`,
    ...Object.entries(options).map(([option, { value, text }]) => {
      const condition = `-n '__fish_seen_subcommand_from ${name}'`
      const argument = value === undefined ? '' : ' -r'
      return `complete -c holdfast ${condition} -l ${option}${argument} -d ${quoted(text)}`
    }),
  ])
  return lines.join('\n')
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
