// Whether a process of this machine is still alive, told by a token that it left: its id alone is
// not enough, since ids are used again, so the token adds when it started and in which boot. What a
// dead process left is deleted, so a process is dead only if the system says that it isn't there.

import { readFileSync } from 'node:fs'

/** What is asked of the system; it throws errors with its codes. */
export interface System {
  /** The text of a file of `/proc`. */
  read(path: string): string
  /** As kill(2): 0 only asks whether the process is there. */
  kill(pid: number, signal: 0): void
}

const thisSystem: System = {
  read: (path) => readFileSync(path, 'latin1'),
  kill: (pid, signal) => void process.kill(pid, signal),
}

/** The token of this process. */
export function ownLiveness(): string {
  return livenessOf(process.pid) ?? `${process.pid}`
}

/** The token of process `pid`; undefined if it isn't there, or the system doesn't tell. */
export function livenessOf(pid: number): string | undefined {
  const found = lookAt(pid, thisSystem)
  return found.state === 'alive' ? found.token : undefined
}

/**
 * False if the process that made `token` has ended; true while it runs (stopped counts as running), and
 * also when the system can't tell, as when it is short of file descriptors.
 */
export function isAlive(token: string, system: System = thisSystem): boolean {
  const pid = Number.parseInt(token, 10)
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  if (token.includes(':')) {
    const found = lookAt(pid, system)
    return found.state === 'unknown' || (found.state === 'alive' && found.token === token)
  }
  try {
    system.kill(pid, 0)
    return true
  } catch (error) {
    return !saysGone(error)
  }
}

type Look =
  | { readonly state: 'alive'; readonly token: string }
  | { readonly state: 'dead' }
  | { readonly state: 'unknown' }

/** The token `pid:start:boot` where the system tells (Linux). */
function lookAt(pid: number, system: System): Look {
  let status: string
  try {
    status = system.read(`/proc/${pid}/stat`)
  } catch (error) {
    return { state: saysGone(error) ? 'dead' : 'unknown' }
  }
  // The second field is the name in parentheses, which may contain anything; state follows it.
  const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return { state: 'dead' }
  try {
    const boot = system.read('/proc/sys/kernel/random/boot_id').trim()
    return { state: 'alive', token: `${pid}:${fields[19]}:${boot}` }
  } catch {
    return { state: 'unknown' }
  }
}

/** ESRCH comes from kill, and from a file of a process that ends while it is read. */
function saysGone(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  return error.code === 'ENOENT' || error.code === 'ESRCH'
}
