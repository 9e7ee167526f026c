// Runs a command that opens a store in a child process: damaged pages may crash the engine, and the parent then reports
// the crash.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { exitCodes, isCrash } from '../../base/exit.ts'
import { processEnvironment } from '../../config.ts'

/** Set in the child process. */
const variable = 'HOLDFAST_CHILD_PROCESS'

/**
 * Runs `body` in a child process with the same command line. Returns the exit code of the child, or `crashCode` if the
 * child crashed.
 */
export async function inChildProcess(
  body: () => Promise<number>,
  crashCode: number,
): Promise<number> {
  const environment = processEnvironment()
  if (environment[variable] !== undefined) return body()
  const [program, ...args] = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: { ...environment, [variable]: '1' },
  })
  const stop = (): void => {
    child.kill()
  }
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  // A terminal sends SIGINT to both processes. The child handles it.
  process.on('SIGINT', () => undefined)
  const [code, signal]: (number | string | null)[] = await once(child, 'exit')
  if (typeof code === 'number') return code
  if (!isCrash(String(signal))) return exitCodes.failure
  console.error(
    `bad  the store is damaged: reading it crashed (${signal}). Suspect the disk, or files that were\n` +
      'changed by hand. Keep a copy of the folder as it is, and restore it from a backup.',
  )
  return crashCode
}
