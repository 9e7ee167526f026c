// The help texts, generated from the tables of options.

import type { OptionTable } from '../base/options.ts'
import { optionsOf } from '../config.ts'
import { type BucketCommand, bucketOptions } from './remote/bucket-config.ts'
import { type RemoteCommand, remoteOptions } from './remote/config.ts'
import { bucketImportOptions } from './remote/import-config.ts'
import { type InspectCommand, inspectOptions } from './remote/inspect-config.ts'
import { type SyncCommand, syncOptions } from './remote/sync-config.ts'

interface Description {
  readonly purpose: string
  /** The operands, as in the usage line. */
  readonly operands?: string
  readonly notes?: readonly string[]
  readonly options: OptionTable
}

const names = 'A name is s3://bucket/key or bucket/key; a folder ends in /.'

const importFrom = {
  value: 'URL|FOLDER',
  text: 'the endpoint of the source (Amazon S3); or the folder of an export',
}

const serving: Readonly<Record<keyof typeof optionsOf, Description>> = {
  serve: { purpose: 'serve S3 and SimpleDB from a data folder', options: optionsOf.serve },
  fsck: {
    purpose: 'check everything in a data folder, also while a server runs',
    options: optionsOf.fsck,
  },
  import: {
    purpose: 'copy buckets from another S3 server, or the items of an exported SimpleDB domain',
    operands: '[NAME/…]',
    notes: [
      'Buckets: holdfast import s3://bucket/ --from http://minio.example:9000, into a running server. A',
      'second run copies only what has changed; --check reports whether the target is complete.',
      'A domain: holdfast import --from FOLDER --domain NAME, into a data folder.',
    ],
    options: { ...optionsOf.import, ...bucketImportOptions, from: importFrom },
  },
  backup: {
    purpose: 'back up a data folder as of one moment, beside a running server too',
    operands: 'DIR|-',
    notes: [
      'DIR is a new folder, or one in which a backup was interrupted; - is standard output.',
      'Exit code 1 if bodies are damaged: they are named, and everything else is in the backup.',
    ],
    options: optionsOf.backup,
  },
  restore: {
    purpose: 'make a data folder of a backup, or check the backup',
    operands: 'SOURCE',
    notes: ['SOURCE is the folder of a backup or the file of a stream; - is standard input.'],
    options: optionsOf.restore,
  },
  doctor: {
    purpose: 'diagnose a data folder and a port',
    options: optionsOf.doctor,
  },
}

const speaking: Readonly<Record<SpeakingCommand, Description>> = {
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
    purpose: 'rename an object or a whole folder in its bucket',
    operands: 'SOURCE TARGET',
    notes: [names, 'An object renamed into a folder keeps its last name.'],
    options: remoteOptions.mv,
  },
  cp: {
    purpose: 'copy objects and folders, also from and to this machine',
    operands: 'SOURCE TARGET',
    notes: [
      names,
      'If one name begins with s3://, a name without it is local. If none does, names that begin with',
      '. / or ~ are local. - is standard input or output.',
      'Between buckets a folder is copied in one step; to and from this machine, file by file.',
    ],
    options: remoteOptions.cp,
  },
  rm: {
    purpose: 'remove objects and whole folders, without confirmation',
    operands: 'NAME…',
    notes: [names],
    options: remoteOptions.rm,
  },
  zip: {
    purpose: 'download a snapshot of a folder as one archive',
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
  mb: { purpose: 'create buckets', operands: 'BUCKET…', options: bucketOptions.mb },
  rb: { purpose: 'remove buckets', operands: 'BUCKET…', options: bucketOptions.rb },
  cat: {
    purpose: 'write objects to standard output',
    operands: 'NAME…',
    notes: [names],
    options: inspectOptions.cat,
  },
  stat: {
    purpose: 'show the metadata of objects, folders or buckets',
    operands: 'NAME…',
    notes: [names],
    options: inspectOptions.stat,
  },
  du: {
    purpose: 'count the objects and bytes of a bucket or folder',
    operands: 'NAME',
    notes: [names],
    options: inspectOptions.du,
  },
  find: {
    purpose: 'list the objects that meet conditions',
    operands: 'NAME',
    notes: [names],
    options: inspectOptions.find,
  },
  presign: {
    purpose: 'make a URL that downloads or uploads an object without a key',
    operands: 'NAME',
    notes: [names],
    options: inspectOptions.presign,
  },
  top: {
    purpose: "watch a server's requests, store and processes",
    options: inspectOptions.top,
  },
  sync: {
    purpose: 'make a folder equal to another, also from and to this machine',
    operands: 'SOURCE/ TARGET/',
    notes: [
      names,
      'Names are as for cp. Targets of the same size that are not older stay as they are.',
    ],
    options: syncOptions.sync,
  },
  check: {
    purpose: 'compare two folders, also with this machine',
    operands: 'SOURCE/ TARGET/',
    notes: [
      names,
      'Prints + for what only SOURCE has, - for what only TARGET has, * for what differs; exit code 1 then.',
    ],
    options: syncOptions.check,
  },
}

const local: Readonly<Record<'completion', Description>> = {
  completion: {
    purpose: 'print a script that completes commands in a shell',
    operands: 'bash|zsh|fish',
    notes: ['For bash, in ~/.bashrc: eval "$(holdfast completion bash)"'],
    options: {},
  },
}

/** The commands that connect to a running server. */
type SpeakingCommand = RemoteCommand | BucketCommand | InspectCommand | SyncCommand

/** The names of the commands. */
export type CommandName = keyof typeof optionsOf | SpeakingCommand | 'completion'

/** The purpose and the options of each command. */
export const descriptions: Readonly<Record<CommandName, Description>> = {
  ...serving,
  ...speaking,
  ...local,
}

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
    ...list(local),
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
  for (const [name, option] of Object.entries(options)) {
    const { value, variable, text, fallback, hasFile } = option
    const meaning = fallback === undefined ? text : `${text} (${fallback})`
    lines.push(row(value === undefined ? `--${name}` : `--${name} ${value}`, meaning))
    const file = hasFile === true ? `, or ${variable}_FILE with the name of a file` : ''
    if (variable !== undefined) lines.push(row('', `also ${variable} in the environment${file}`))
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
