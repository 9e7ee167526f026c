// Whether a process is still alive, told by a token that it left. What a dead process left is deleted,
// so the answer fails safe: "dead" is said only of a process of one's own scope (machine, boot, and
// PID namespace), and only where the system says that it isn't there. Of any other scope nothing is
// known: its processes are not in this `/proc`, and their ids mean other processes here, or none.

import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What the system knows of a process; only what is `dead` may be cleaned up after. */
export type Verdict = 'alive' | 'dead' | 'unknown'

/** What is asked of the system; it throws errors with its codes. */
export interface System {
  /** The id of this process, in its own PID namespace. */
  readonly pid: number
  /** The text of a file. */
  read(path: string): string
  /** Where a symbolic link leads. */
  readLink(path: string): string
  /** As kill(2): 0 only asks whether the process is there. */
  kill(pid: number, signal: 0): void
}

const thisSystem: System = {
  pid: process.pid,
  read: (path) => readFileSync(path, 'latin1'),
  readLink: (path) => readlinkSync(path),
  kill: (pid, signal) => void process.kill(pid, signal),
}

/**
 * The token of this process: `pid:start:boot:namespace:machine`. What the system doesn't tell is left
 * empty, and where it tells nothing, the token is the id alone.
 */
export function ownLiveness(system: System = thisSystem): string {
  return livenessOf(system.pid, system) ?? `${system.pid}`
}

/** The token of process `pid` of this scope; undefined if it isn't there, or the system doesn't tell. */
export function livenessOf(pid: number, system: System = thisSystem): string | undefined {
  const scope = scopeOf(system)
  if (scope === undefined || !hasOwnProcesses(system)) return undefined
  const found = lookAt(pid, system)
  return found.verdict === 'alive' ? `${pid}:${found.startedAt}:${scope}` : undefined
}

/**
 * The verdict on the process that made `token`. A stopped process is alive. A process is `unknown` if it
 * is of another scope, and also when the system can't tell, as when it is short of file descriptors.
 */
export function verdictOn(token: string, system: System = thisSystem): Verdict {
  const [id = '', startedAt, ...scope] = token.split(':')
  const pid = /^\d{1,10}$/.test(id) ? Number(id) : 0
  if (pid === 0) return 'dead'
  // Without a scope, nothing says whose process it is.
  if (startedAt === undefined || startedAt === '' || scope.join(':') !== scopeOf(system)) {
    return 'unknown'
  }
  if (!hasOwnProcesses(system)) return isGone(pid, system) ? 'dead' : 'unknown'
  const found = lookAt(pid, system)
  if (found.verdict === 'alive') return found.startedAt === startedAt ? 'alive' : 'dead'
  return found.verdict
}

/**
 * As {@link verdictOn}, of a process that is to have `file` open. If it runs, but hasn't, then `unknown`:
 * the token may have been copied along with the folder that the process works on.
 */
export function verdictOnUser(token: string, file: string): Verdict {
  const verdict = verdictOn(token)
  const isElsewhere = verdict === 'alive' && hasOpen(Number.parseInt(token, 10), file) === false
  return isElsewhere ? 'unknown' : verdict
}

/** Whether process `pid`, of this PID namespace, has `file` open; undefined if the system doesn't tell. */
export function hasOpen(pid: number, file: string): boolean | undefined {
  try {
    const wanted = statSync(file, { bigint: true })
    const descriptors = `/proc/${pid}/fd`
    return readdirSync(descriptors).some((name) => {
      const open = statSync(join(descriptors, name), { bigint: true, throwIfNoEntry: false })
      return open?.ino === wanted.ino && open.dev === wanted.dev
    })
  } catch {
    return undefined
  }
}

type Look =
  | { readonly verdict: 'alive'; readonly startedAt: string }
  | { readonly verdict: 'dead' | 'unknown' }

/** Whether process `pid` runs, and since which clock tick of this boot. */
function lookAt(pid: number, system: System): Look {
  let status: string
  try {
    status = system.read(`/proc/${pid}/stat`)
  } catch (error) {
    // `/proc` may hide the processes of other users (`hidepid`): then kill(2) still knows them.
    return { verdict: saysGone(error) && isGone(pid, system) ? 'dead' : 'unknown' }
  }
  // The second field is the name in parentheses, which may contain anything; state follows it.
  const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return { verdict: 'dead' }
  const startedAt = fields[19]
  return startedAt === undefined ? { verdict: 'unknown' } : { verdict: 'alive', startedAt }
}

/** Boot, PID namespace, and machine of this process; undefined where the system doesn't tell. */
function scopeOf(system: System): string | undefined {
  try {
    const boot = system.read('/proc/sys/kernel/random/boot_id').trim()
    // Such as `pid:[4026531836]`.
    const namespace = /\d+/.exec(system.readLink('/proc/self/ns/pid'))?.[0]
    return namespace === undefined ? undefined : `${boot}:${namespace}:${machineOf(system)}`
  } catch {
    return undefined
  }
}

/** The machine's id, where it has one; see machine-id(5). */
function machineOf(system: System): string {
  try {
    return system.read('/etc/machine-id').trim()
  } catch (error) {
    // Only if there is none: else the scope would be another one as soon as it can be read again.
    if (saysGone(error)) return ''
    throw error
  }
}

/** True if `/proc` shows the processes of this PID namespace, rather than those of the one above it. */
function hasOwnProcesses(system: System): boolean {
  try {
    return Number.parseInt(system.read('/proc/self/stat'), 10) === system.pid
  } catch {
    return false
  }
}

function isGone(pid: number, system: System): boolean {
  try {
    system.kill(pid, 0)
    return false
  } catch (error) {
    return hasCode(error, 'ESRCH')
  }
}

/** ESRCH comes from a file of a process that ends while it is read. */
function saysGone(error: unknown): boolean {
  return hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
