// The commands by name, and how their failures become messages and exit codes. Each is loaded on
// demand, so that it starts fast.

import {
  parseDoctor,
  parseFsck,
  parseImport,
  parseServe,
  processEnvironment,
  UsageError,
} from '../config.ts'
import { CommandError, exitCodes } from './exit.ts'
import { helpOf, overview } from './help.ts'
import { version } from './version.ts'

const commands = {
  async serve(args: readonly string[]): Promise<number> {
    const config = parseServe(args, processEnvironment())
    const { serve } = await import('./serve.ts')
    return serve(config)
  },
  async fsck(args: readonly string[]): Promise<number> {
    const config = parseFsck(args, processEnvironment())
    const { fsck } = await import('./fsck.ts')
    return fsck(config)
  },
  async import(args: readonly string[]): Promise<number> {
    const config = parseImport(args, processEnvironment())
    const { importExport } = await import('./import.ts')
    return importExport(config)
  },
  async doctor(args: readonly string[]): Promise<number> {
    const config = parseDoctor(args, processEnvironment())
    const { doctor } = await import('./doctor.ts')
    return doctor(config)
  },
}

function isCommand(name: string | undefined): name is keyof typeof commands {
  return name !== undefined && Object.hasOwn(commands, name)
}

/** Runs what `args` ask for and returns the exit code. It prints what goes wrong, and never rejects. */
export async function runCommand(args: readonly string[]): Promise<number> {
  return dispatch(args).catch(explain)
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === '--version' || name === '-v' || name === 'version') {
    console.log(version())
    return exitCodes.ok
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    console.log(isCommand(rest[0]) ? helpOf(rest[0]) : overview())
    return exitCodes.ok
  }
  if (!isCommand(name)) {
    throw new UsageError(name === undefined ? 'which command?' : `there is no command ${name}`)
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(helpOf(name))
    return exitCodes.ok
  }
  return commands[name](rest)
}

/** Prints why a command failed and returns its exit code. */
function explain(error: unknown): number {
  if (error instanceof UsageError) {
    console.error(`holdfast: ${error.message}\n\n${overview()}`)
    return exitCodes.usage
  }
  if (error instanceof CommandError) {
    console.error(`holdfast: ${error.message}`)
    return error.exitCode
  }
  console.error('holdfast: an error that nothing expected:', error)
  return exitCodes.failure
}
