// Whether a process of this machine is still alive, told by a token that it left: its id alone is
// not enough, since ids are used again, so the token adds when it started and in which boot.

import { readFileSync } from 'node:fs'

/** The token of this process. */
export function ownLiveness(): string {
  return tokenOf(process.pid) ?? `${process.pid}`
}

/** The token of process `pid`; undefined if it isn't there, or the system doesn't tell. */
export function livenessOf(pid: number): string | undefined {
  return tokenOf(pid)
}

/** True while the process that made `token` runs (stopped counts as running). */
export function isAlive(token: string): boolean {
  const pid = Number.parseInt(token, 10)
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  if (token.includes(':')) return tokenOf(pid) === token
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** `pid:start:boot` where the system tells (Linux), undefined where it doesn't or there is no such process. */
function tokenOf(pid: number): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the name in parentheses, which may contain anything; state follows it.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return `${pid}:${fields[19]}:${boot}`
  } catch {
    return undefined
  }
}
