#!/usr/bin/env node
// The command `holdfast`: finds the subcommand, and turns failures into messages and exit codes. The
// subcommands are loaded on demand, so that each starts fast.

import cluster from 'node:cluster'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parseDoctor, parseFsck, parseServe, processEnvironment, UsageError } from '../config.ts'
import { CommandError, exitCodes } from './exit.ts'
import { helpOf, overview } from './help.ts'
import { version } from './version.ts'

/** Milliseconds after the start at which compiled code is kept for the next start. */
const cacheAfterMs = 3000

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
  async doctor(args: readonly string[]): Promise<number> {
    const config = parseDoctor(args, processEnvironment())
    const { doctor } = await import('./doctor.ts')
    return doctor(config)
  },
}

function isCommand(name: string | undefined): name is keyof typeof commands {
  return name !== undefined && Object.hasOwn(commands, name)
}

async function main(args: readonly string[]): Promise<number> {
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

/** Keeps compiled code beside the program, since compiling takes most of the time of a start. */
function keepCompiledCode(): void {
  enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/holdfast', import.meta.url)))
  // By itself Node keeps it when the process ends, which a killed one never does.
  setTimeout(flushCompileCache, cacheAfterMs).unref()
}

keepCompiledCode()
// Who reads the output may have gone before its end.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
if (cluster.isWorker) {
  const { runWorker } = await import('./worker.ts')
  runWorker()
} else {
  process.exit(await main(process.argv.slice(2)).catch(explain))
}
