// Samples the anonymous memory of processes (RssAnon). Pages of a memory map or a file don't count,
// because the system can reclaim them.

import { readFile } from 'node:fs/promises'

const sampleMs = 50

/** Anonymous resident memory of a process in bytes; 0 if it has ended. */
export async function anonymousBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kibibytes = /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]
  return Number(kibibytes ?? 0) * 1024
}

/** Processor time used by a process, in seconds; 0 if it has ended. */
export async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // User and system time are the 12th and 13th field after the name, in hundredths of a second.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100
}

/** Records the peak anonymous memory of several processes until `stop`. */
export class MemoryWatch {
  readonly #pids: readonly number[]
  readonly #highest = new Map<number, number>()
  readonly #timer: NodeJS.Timeout

  constructor(pids: readonly number[]) {
    this.#pids = pids
    this.#timer = setInterval(() => void this.#sample(), sampleMs)
  }

  /** Stops sampling; resolves to the highest value of any one process, in bytes. */
  async stop(): Promise<number> {
    clearInterval(this.#timer)
    await this.#sample()
    return Math.max(...this.#highest.values())
  }

  async #sample(): Promise<void> {
    for (const pid of this.#pids) {
      const bytes = await anonymousBytes(pid)
      this.#highest.set(pid, Math.max(bytes, this.#highest.get(pid) ?? 0))
    }
  }
}

/** Bytes as whole mebibytes, for display. */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`
}
