// The environment of a client's steps: a fresh server, a source tree, a folder for results, and a function that runs
// the client's commands.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '../harness.ts'
import { makeTree } from './tree.ts'

const commandTimeoutMs = 120_000

/** Where to find a server and how to sign. */
export interface Target {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The work of one client. */
export interface Session extends Target {
  /** `host:port` of the endpoint. */
  readonly authority: string
  /** A folder of its own, removed at the end. */
  readonly scratch: string
  /** The tree to upload, in `scratch`. */
  readonly tree: string
  /** Runs a command; resolves to its standard output, rejects with all output if it fails. */
  run(command: string, args: readonly string[], input?: string): Promise<string>
}

/** Runs the steps against a fresh server, or against `target` if one is given. */
export async function withSession(
  target: Target | undefined,
  env: (session: Session) => Record<string, string>,
  steps: (session: Session) => Promise<void>,
): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-clients-'))
  const server = target === undefined ? await startServer() : undefined
  try {
    const found = target ?? server
    if (found === undefined) throw new Error('no server')
    const session: Session = {
      endpoint: found.endpoint,
      accessKeyId: found.accessKeyId,
      secretAccessKey: found.secretAccessKey,
      authority: new URL(found.endpoint).host,
      scratch,
      tree: join(scratch, 'tree'),
      run: (command, args, input) => runCommand(command, args, env(session), input),
    }
    await makeTree(session.tree)
    await steps(session)
  } finally {
    await server?.close()
    await rm(scratch, { recursive: true, force: true })
  }
}

async function runCommand(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
  input = '',
): Promise<string> {
  const { PATH = '', LANG = 'C.UTF-8' } = process.env
  const child = spawn(command, args, {
    env: { PATH, LANG, LC_ALL: 'C.UTF-8', ...env },
    timeout: commandTimeoutMs,
  })
  let output = ''
  let all = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
    all += chunk.toString('utf8')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    all += chunk.toString('utf8')
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  await once(child, 'close')
  if (child.exitCode === 0) return output
  const shown = [command.split('/').at(-1), ...args].join(' ')
  throw new Error(
    `${shown}\nended with ${child.exitCode ?? child.signalCode}:\n${all.slice(-3_000)}`,
  )
}
