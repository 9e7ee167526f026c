// `holdfast lock`: runs a command under a lease, and stops the command if the lease is lost.

import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { type LeaseHandle, type LeaseInfo, LeaseLostError } from 'holdfast-client'
import { CommandError, exitCodes, systemCode } from '../../base/exit.ts'
import type { LockConfig } from './config.ts'
import { formatCount, formatSpan, printable } from './format.ts'
import { type Session, withServer } from './session.ts'

/** Milliseconds in which a command must end after its lease was lost. */
const graceMs = 5000

type RunConfig = Extract<LockConfig, { action: 'run' }>

/** Runs a command, or lists or releases leases. Returns the exit code of the command. */
export async function lock(config: LockConfig): Promise<number> {
  return withServer(config.server, async (session) => {
    switch (config.action) {
      case 'list':
        await list(session, config.bucket, config.isJson)
        return exitCodes.ok
      case 'release': {
        const { bucket, ticket } = config.released
        await session.leases.release({ bucket, ticket }, session)
        const shown = `${bucket}:${ticket}`
        console.log(config.isJson ? JSON.stringify({ released: shown }) : `released ${shown}`)
        return exitCodes.ok
      }
      case 'run':
        return runUnder(session, config)
    }
  })
}

async function runUnder({ leases, signal }: Session, config: RunConfig): Promise<number> {
  const { bucket, read, write, ttlMs, waitMs, label } = config
  await using handle = await leases.acquire(
    { bucket, read, write },
    { ttlMs, waitMs, label, signal },
  )
  if (config.isJson) console.error(JSON.stringify({ lease: leaseName(handle) }))
  return await runCommand(handle, config)
}

async function runCommand(handle: LeaseHandle, config: RunConfig): Promise<number> {
  const [program, ...args] = config.command
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: { ...config.environment, HOLDFAST_LEASE: leaseName(handle) },
  })
  // The command receives a terminal's signals itself. Signals to this process only are forwarded.
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal)
  const passed: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP']
  const ignore = (): void => undefined
  for (const signal of passed) process.on(signal, forward)
  process.on('SIGINT', ignore)
  const lose = (): void => end(child)
  handle.signal.addEventListener('abort', lose)
  try {
    const exitCode = await endOf(child, program)
    const { reason }: { reason?: unknown } = handle.signal
    if (reason instanceof LeaseLostError) throw reason
    return exitCode
  } finally {
    handle.signal.removeEventListener('abort', lose)
    for (const signal of passed) process.off(signal, forward)
    process.off('SIGINT', ignore)
  }
}

function end(child: ChildProcess): void {
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), graceMs).unref()
}

/** The exit code, as in a shell. @throws CommandError if the program can't be run */
function endOf(child: ChildProcess, program: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      const why = systemCode(cause) === 'ENOENT' ? 'there is no such program' : systemCode(cause)
      reject(new CommandError(`can't run ${program}: ${why}`, { cause }))
    })
    child.once('exit', (code, signal) => {
      resolve(signal === null ? (code ?? exitCodes.failure) : 128 + constants.signals[signal])
    })
  })
}

async function list({ leases, signal }: Session, bucket: string, isJson: boolean): Promise<void> {
  const count = { held: 0, waiting: 0 }
  for await (const lease of leases.list(bucket, { signal })) {
    count[lease.state] += 1
    console.log(isJson ? leaseJson(bucket, lease) : leaseLine(bucket, lease))
  }
  if (isJson) console.log(JSON.stringify({ summary: count }))
  else console.log(`${formatCount(count.held, 'lease')} held, ${count.waiting} waiting`)
}

function leaseName({
  bucket,
  ticket,
}: {
  readonly bucket: string
  readonly ticket: bigint
}): string {
  return `${bucket}:${ticket}`
}

function leaseJson(bucket: string, { ticket, blockedBy, ...lease }: LeaseInfo): string {
  return JSON.stringify({
    lease: leaseName({ bucket, ticket }),
    ...lease,
    blockedBy: blockedBy.map((blocker) => leaseName({ bucket, ticket: blocker })),
  })
}

function leaseLine(bucket: string, lease: LeaseInfo): string {
  const { state, read, write, label, createdAt, expiresAt, blockedBy } = lease
  const now = Date.now()
  const paths = [
    ...write.map((path) => `write ${path === '' ? '(all)' : path}`),
    ...read.map((path) => `read ${path === '' ? '(all)' : path}`),
  ]
  const parts = [
    leaseName({ bucket, ticket: lease.ticket }),
    state,
    printable(paths.join(', ')),
    ...(label === '' ? [] : [printable(`"${label}"`)]),
    `since ${formatSpan(now - createdAt.getTime())}`,
    `for ${formatSpan(expiresAt.getTime() - now)} more, unless ${state === 'held' ? 'renewed' : 'asked for'}`,
    ...(blockedBy.length === 0 ? [] : [`behind ${blockedBy.map(String).join(', ')}`]),
  ]
  return parts.join('  ')
}
