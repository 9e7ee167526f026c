// Commands of the command line against a server: in this process where that is possible, since starting one
// for each takes longer than its work.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { mock } from 'node:test'
import { runCommand } from '../../src/cli/command.ts'
import { inPlainEnvironment } from '../environment.ts'
import type { TestServer } from '../harness.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')

/** The outcome of a command. */
export interface Ran {
  readonly exitCode: number
  readonly out: string
  readonly err: string
}

/** The options that name a server and its key. */
export function accessTo({ endpoint, accessKeyId, secretAccessKey }: TestServer): string[] {
  return ['--endpoint', endpoint, '--access-key', accessKeyId, '--secret-key', secretAccessKey]
}

/** Runs a command in this process, without the settings of its environment. */
export async function runInProcess(args: readonly string[]): Promise<Ran> {
  const lines = { out: '', err: '' }
  const keep = (stream: 'out' | 'err') => (text: unknown) => {
    lines[stream] += `${text}\n`
  }
  const mocks = [
    mock.method(console, 'log', keep('out')),
    mock.method(console, 'error', keep('err')),
  ]
  try {
    const exitCode = await inPlainEnvironment(() => runCommand(args))
    return { exitCode, ...lines }
  } finally {
    for (const { mock: one } of mocks) one.restore()
  }
}

/** Runs a command that succeeds; returns its lines. */
export async function lines(...args: readonly string[]): Promise<string[]> {
  const { exitCode, out, err } = await runInProcess(args)
  assert.equal(exitCode, 0, err)
  return out.trimEnd().split('\n')
}

/** Runs a command that fails; returns its messages. */
export async function failure(exitCode: number, ...args: readonly string[]): Promise<string> {
  const ran = await runInProcess(args)
  assert.equal(ran.exitCode, exitCode, ran.out + ran.err)
  return ran.err
}

/** Runs a command in a process of its own, whose home is `cwd`. */
export async function runInChild(
  args: readonly string[],
  { input = '', env = {}, cwd }: { input?: string; env?: NodeJS.ProcessEnv; cwd: string },
): Promise<Ran> {
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, AWS_EC2_METADATA_DISABLED: 'true', ...env },
  })
  const lines = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    lines.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    lines.err += chunk
  })
  child.stdin.end(input)
  await once(child, 'close')
  return { exitCode: child.exitCode ?? -1, ...lines }
}
