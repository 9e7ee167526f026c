// The help texts, made from the tables of options.

import type { OptionTable } from '../base/options.ts'
import { optionsOf } from '../config.ts'
import { type RemoteCommand, remoteOptions } from './remote/config.ts'

interface Description {
  readonly purpose: string
  /** The operands, as in the usage line. */
  readonly operands?: string
  readonly notes?: readonly string[]
  readonly options: OptionTable
}

const names = 'A name is s3://bucket/key or bucket/key; a folder ends in /.'

const serving: Readonly<Record<keyof typeof optionsOf, Description>> = {
  serve: { purpose: 'serve S3 and SimpleDB from a data folder', options: optionsOf.serve },
  fsck: {
    purpose: 'check everything in a data folder, beside a running server too',
    options: optionsOf.fsck,
  },
  import: {
    purpose: 'put the items of an exported SimpleDB domain into a domain',
    options: optionsOf.import,
  },
  doctor: {
    purpose: 'diagnose a data folder and a port',
    options: optionsOf.doctor,
  },
}

const speaking: Readonly<Record<RemoteCommand, Description>> = {
  ls: {
    purpose: 'list buckets, or the contents of one',
    operands: '[NAME]',
    notes: [names],
    options: remoteOptions.ls,
  },
  tree: {
    purpose: 'draw a folder with all its contents',
    operands: 'NAME/',
    notes: [names],
    options: remoteOptions.tree,
  },
  mv: {
    purpose: 'rename an object, or a folder as a whole, in its bucket',
    operands: 'SOURCE TARGET',
    notes: [names, 'An object that goes to a folder keeps its last name.'],
    options: remoteOptions.mv,
  },
  cp: {
    purpose: 'copy objects and folders, also from and to this machine',
    operands: 'SOURCE TARGET',
    notes: [
      names,
      'If one name says s3://, the other is of this machine unless it says so too. If none does,',
      'those that begin with . / or ~ are of this machine. - is standard input or output.',
      'Between buckets a folder is copied in one step; to and from this machine, file by file.',
    ],
    options: remoteOptions.cp,
  },
  rm: {
    purpose: 'remove objects, and folders as a whole, without asking',
    operands: 'NAME…',
    notes: [names],
    options: remoteOptions.rm,
  },
  zip: {
    purpose: 'write a folder, as it is at one moment, to one file',
    operands: 'NAME/ [FILE]',
    notes: [names, 'FILE is named for the folder if left out; - is standard output.'],
    options: remoteOptions.zip,
  },
  lock: {
    purpose: 'run a command under a lease that keeps others from writing',
    operands: 'NAME… -- COMMAND…',
    notes: [
      names,
      'Also: holdfast lock --list BUCKET, and holdfast lock --release BUCKET:TICKET.',
      'The exit code is that of the command; 5 if the lease is not granted, or is lost.',
    ],
    options: remoteOptions.lock,
  },
}

/** The names of the commands. */
export type CommandName = keyof typeof optionsOf | RemoteCommand

const descriptions: Readonly<Record<CommandName, Description>> = { ...serving, ...speaking }

/** All commands, one a line. */
export function overview(): string {
  const list = (some: Readonly<Record<string, Description>>): string[] =>
    Object.entries(some).map(([name, { purpose }]) => row(`holdfast ${name}`, purpose))
  return [
    'Usage:',
    ...list(serving),
    '',
    'With a running server:',
    ...list(speaking),
    '',
    row('holdfast help COMMAND', 'all options of a command'),
    row('holdfast version', ''),
  ]
    .map((line) => line.trimEnd())
    .join('\n')
}

/** All options of a command. */
export function helpOf(command: CommandName): string {
  const { purpose, operands, notes = [], options } = descriptions[command]
  const lines = [`holdfast ${command}: ${purpose}`, '']
  if (operands !== undefined) lines.push(`  holdfast ${command} [OPTION…] ${operands}`, '')
  if (notes.length > 0) lines.push(...notes.map((note) => `  ${note}`), '')
  for (const [name, { value, variable, text }] of Object.entries(options)) {
    lines.push(row(value === undefined ? `--${name}` : `--${name} ${value}`, text))
    if (variable !== undefined) lines.push(row('', `also ${variable} in the environment`))
  }
  lines.push(
    '',
    'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 folder refused, 4 fsck findings, 5 lease busy or lost.',
  )
  return lines.join('\n')
}

function row(left: string, right: string): string {
  return `  ${left.padEnd(22)} ${right}`
}
