// The commands by name, and the conversion of their failures to messages and exit codes. Each command is loaded on
// demand, so that all start fast.

import { CommandError, exitCodes } from '../base/exit.ts'
import { UsageError } from '../base/options.ts'
import {
  configFileOf,
  describeServe,
  parseBackup,
  parseDoctor,
  parseFsck,
  parseImport,
  parseRestore,
  parseServe,
  processEnvironment,
} from '../config.ts'
import { type CommandName, helpOf, overview } from './help.ts'
import { version } from './version.ts'

type Command = (args: readonly string[]) => Promise<number>

const commands: Readonly<Record<CommandName, Command>> = {
  async serve(args) {
    const environment = processEnvironment()
    const file = configFileOf(args, environment)
    const settings =
      file === undefined ? undefined : await (await import('./config-file.ts')).readSettings(file)
    const config = parseServe(args, environment, settings)
    if (args.includes('--print-config')) {
      console.log(describeServe(args, environment, settings))
      return exitCodes.ok
    }
    const { serve } = await import('./primary/serve.ts')
    return serve(config)
  },
  async fsck(args) {
    const config = parseFsck(args, processEnvironment())
    const { inChildProcess } = await import('./offline/child-process.ts')
    return inChildProcess(
      async () => (await import('./offline/fsck.ts')).fsck(config),
      exitCodes.findings,
    )
  },
  async backup(args) {
    const config = parseBackup(args, processEnvironment())
    const { inChildProcess } = await import('./offline/child-process.ts')
    return inChildProcess(
      async () => (await import('./offline/backup.ts')).backUp(config),
      exitCodes.failure,
    )
  },
  async restore(args) {
    const config = parseRestore(args, processEnvironment())
    return (await import('./offline/restore.ts')).restore(config)
  },
  async import(args) {
    const { isBucketImport, parseBucketImport } = await import('./remote/import-config.ts')
    if (isBucketImport(args)) {
      const buckets = parseBucketImport(args, processEnvironment())
      return (await import('./remote/import.ts')).importBuckets(buckets)
    }
    const config = parseImport(args, processEnvironment())
    const { importExport } = await import('./offline/import.ts')
    return importExport(config)
  },
  async doctor(args) {
    const config = parseDoctor(args, processEnvironment())
    const { inChildProcess } = await import('./offline/child-process.ts')
    return inChildProcess(
      async () => (await import('./offline/doctor.ts')).doctor(config),
      exitCodes.failure,
    )
  },
  async ls(args) {
    const { parseList } = await import('./remote/config.ts')
    const config = parseList(args, processEnvironment())
    const { ls } = await import('./remote/ls.ts')
    return ls(config)
  },
  async tree(args) {
    const { parseTree } = await import('./remote/config.ts')
    const config = parseTree(args, processEnvironment())
    const { tree } = await import('./remote/tree.ts')
    return tree(config)
  },
  async mv(args) {
    const { parseMove } = await import('./remote/config.ts')
    const config = parseMove(args, processEnvironment())
    const { mv } = await import('./remote/mv.ts')
    return mv(config)
  },
  async cp(args) {
    const { parseCopy } = await import('./remote/config.ts')
    const config = parseCopy(args, processEnvironment())
    const { cp } = await import('./remote/cp.ts')
    return cp(config)
  },
  async rm(args) {
    const { parseRemove } = await import('./remote/config.ts')
    const config = parseRemove(args, processEnvironment())
    const { rm } = await import('./remote/rm.ts')
    return rm(config)
  },
  async zip(args) {
    const { parseZip } = await import('./remote/config.ts')
    const config = parseZip(args, processEnvironment())
    const { zip } = await import('./remote/zip.ts')
    return zip(config)
  },
  async lock(args) {
    const { parseLock } = await import('./remote/config.ts')
    const config = parseLock(args, processEnvironment())
    const { lock } = await import('./remote/lock.ts')
    return lock(config)
  },
  async mb(args) {
    const { parseMakeBucket } = await import('./remote/bucket-config.ts')
    const config = parseMakeBucket(args, processEnvironment())
    const { mb } = await import('./remote/bucket.ts')
    return mb(config)
  },
  async rb(args) {
    const { parseRemoveBucket } = await import('./remote/bucket-config.ts')
    const config = parseRemoveBucket(args, processEnvironment())
    const { rb } = await import('./remote/bucket.ts')
    return rb(config)
  },
  async cat(args) {
    const { parseCat } = await import('./remote/inspect-config.ts')
    const config = parseCat(args, processEnvironment())
    const { cat } = await import('./remote/cat.ts')
    return cat(config)
  },
  async stat(args) {
    const { parseStat } = await import('./remote/inspect-config.ts')
    const config = parseStat(args, processEnvironment())
    const { stat } = await import('./remote/stat.ts')
    return stat(config)
  },
  async du(args) {
    const { parseUsage } = await import('./remote/inspect-config.ts')
    const config = parseUsage(args, processEnvironment())
    const { du } = await import('./remote/du.ts')
    return du(config)
  },
  async find(args) {
    const { parseFind } = await import('./remote/inspect-config.ts')
    const config = parseFind(args, processEnvironment())
    const { find } = await import('./remote/find.ts')
    return find(config)
  },
  async presign(args) {
    const { parsePresign } = await import('./remote/inspect-config.ts')
    const config = parsePresign(args, processEnvironment())
    const { presign } = await import('./remote/presign.ts')
    return presign(config)
  },
  async sync(args) {
    const { parseSync } = await import('./remote/sync-config.ts')
    const config = parseSync(args, processEnvironment())
    const { sync } = await import('./remote/sync.ts')
    return sync(config)
  },
  async check(args) {
    const { parseCheck } = await import('./remote/sync-config.ts')
    const config = parseCheck(args, processEnvironment())
    const { check } = await import('./remote/check.ts')
    return check(config)
  },
  async top(args) {
    const { parseTop } = await import('./remote/inspect-config.ts')
    const config = parseTop(args, processEnvironment())
    const { top } = await import('./remote/top.ts')
    return top(config)
  },
  async completion(args) {
    return (await import('./completion.ts')).completion(args)
  },
}

function isCommand(name: string | undefined): name is CommandName {
  return name !== undefined && Object.hasOwn(commands, name)
}

/** Runs the command in `args`. Returns the exit code; prints failures, and never rejects. */
export async function runCommand(args: readonly string[]): Promise<number> {
  return dispatch(args).catch((error: unknown) => explain(error, args[0]))
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === '--version' || name === '-v' || name === 'version') {
    console.log(version())
    return exitCodes.ok
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    if (rest[0] !== undefined && !isCommand(rest[0])) throw unknown(rest[0])
    console.log(rest[0] === undefined ? overview() : helpOf(rest[0]))
    return exitCodes.ok
  }
  if (!isCommand(name)) {
    throw name === undefined ? new UsageError('which command?') : unknown(name)
  }
  if (asksForHelp(rest)) {
    console.log(helpOf(name))
    return exitCodes.ok
  }
  return commands[name](rest)
}

function unknown(name: string): UsageError {
  return new UsageError(`there is no command ${name}`)
}

/** Arguments after `--` belong to another program. */
function asksForHelp(args: readonly string[]): boolean {
  const dashes = args.indexOf('--')
  const own = dashes === -1 ? args : args.slice(0, dashes)
  return own.includes('--help') || own.includes('-h')
}

/** Prints the failure of a command. Returns the exit code. */
function explain(error: unknown, name: string | undefined): number {
  if (error instanceof UsageError) {
    const help = isCommand(name) ? `see holdfast help ${name}` : `\n${overview()}`
    console.error(`holdfast: ${error.message}\n${help}`)
    return exitCodes.usage
  }
  if (error instanceof CommandError) {
    console.error(`holdfast: ${error.message}`)
    return error.exitCode
  }
  console.error('holdfast: unexpected error:', error)
  return exitCodes.failure
}
