// Determines from a token whether a process is still alive. The remains of a dead process are deleted,
// so the answer fails safe. "dead" needs a process of one's own scope (machine, boot, PID namespace)
// that the system reports as absent. Processes of other scopes are `unknown`: they aren't in this
// `/proc`, and their ids mean other processes here, or none.

import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The state of a process. Only the remains of a `dead` process may be deleted. */
export type Verdict = 'alive' | 'dead' | 'unknown'

/** The system calls used here. They throw errors with system codes. */
export interface System {
  /** The id of this process, in its own PID namespace. */
  readonly pid: number
  /** Reads a file's text. */
  read(path: string): string
  /** The target of a symbolic link. */
  readLink(path: string): string
  /** As kill(2): signal 0 only tests whether the process exists. */
  kill(pid: number, signal: 0): void
}

const thisSystem: System = {
  pid: process.pid,
  read: (path) => readFileSync(path, 'latin1'),
  readLink: (path) => readlinkSync(path),
  kill: (pid, signal) => void process.kill(pid, signal),
}

/**
 * The token of this process: `pid:start:boot:namespace:machine`. Unavailable fields are empty; if no
 * field is available, the token is the id alone.
 */
export function ownLiveness(system: System = thisSystem): string {
  return livenessOf(system.pid, system) ?? `${system.pid}`
}

/** The token of process `pid` of this scope; undefined if it doesn't exist, or its state is unreadable. */
export function livenessOf(pid: number, system: System = thisSystem): string | undefined {
  const scope = scopeOf(system)
  if (scope === undefined || !hasOwnProcesses(system)) return undefined
  const found = lookAt(pid, system)
  return found.verdict === 'alive' ? `${pid}:${found.startedAt}:${scope}` : undefined
}

/**
 * The verdict on the process that made `token`. A stopped process is alive. A process of another scope
 * is `unknown`; so is any process while the lookup fails, for example for want of file descriptors.
 */
export function verdictOn(token: string, system: System = thisSystem): Verdict {
  const [id = '', startedAt, ...scope] = token.split(':')
  const pid = /^\d{1,10}$/.test(id) ? Number(id) : 0
  if (pid === 0) return 'dead'
  // Without a scope, the id could mean a process of another system.
  if (startedAt === undefined || startedAt === '' || scope.join(':') !== scopeOf(system)) {
    return 'unknown'
  }
  if (!hasOwnProcesses(system)) return isGone(pid, system) ? 'dead' : 'unknown'
  const found = lookAt(pid, system)
  if (found.verdict === 'alive') return found.startedAt === startedAt ? 'alive' : 'dead'
  return found.verdict
}

/**
 * As {@link verdictOn}, for a process that should have `file` open. A running process that doesn't is
 * `unknown`: the token may have been copied along with the process's folder.
 */
export function verdictOnUser(token: string, file: string): Verdict {
  const verdict = verdictOn(token)
  const isElsewhere = verdict === 'alive' && hasOpen(Number.parseInt(token, 10), file) === false
  return isElsewhere ? 'unknown' : verdict
}

/** Whether process `pid`, of this PID namespace, has `file` open; undefined if `/proc` can't be read. */
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

/** Whether process `pid` runs, and its start time in clock ticks of this boot. */
function lookAt(pid: number, system: System): Look {
  let status: string
  try {
    status = system.read(`/proc/${pid}/stat`)
  } catch (error) {
    // `/proc` may hide the processes of other users (`hidepid`); kill(2) still finds them.
    return { verdict: saysGone(error) && isGone(pid, system) ? 'dead' : 'unknown' }
  }
  // The second field is the name in parentheses, which may contain any character; the state follows.
  const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return { verdict: 'dead' }
  const startedAt = fields[19]
  return startedAt === undefined ? { verdict: 'unknown' } : { verdict: 'alive', startedAt }
}

/** Boot, PID namespace and machine of this process; undefined if they can't be read. */
function scopeOf(system: System): string | undefined {
  try {
    const boot = system.read('/proc/sys/kernel/random/boot_id').trim()
    // The link's target is like `pid:[4026531836]`.
    const namespace = /\d+/.exec(system.readLink('/proc/self/ns/pid'))?.[0]
    return namespace === undefined ? undefined : `${boot}:${namespace}:${machineOf(system)}`
  } catch {
    return undefined
  }
}

/** The machine's id, empty if it has none; see machine-id(5). */
function machineOf(system: System): string {
  try {
    return system.read('/etc/machine-id').trim()
  } catch (error) {
    // Empty only if the file is missing. On other errors, the scope would change once it is readable again.
    if (saysGone(error)) return ''
    throw error
  }
}

/** True if `/proc` shows the processes of this PID namespace, not those of its parent. */
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

/** Reading a file of `/proc` fails with ESRCH if its process ends meanwhile. */
function saysGone(error: unknown): boolean {
  return hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
