// Watches how much memory processes have for themselves. Anonymous memory (RssAnon) is what counts:
// pages of a memory map or of a file are the system's to take back.

import { readFile } from 'node:fs/promises'

const sampleMs = 50

/** Anonymous resident memory of a process in bytes; 0 if it has ended. */
export async function anonymousBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kibibytes = /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]
  return Number(kibibytes ?? 0) * 1024
}

/** Processor time that a process has used so far, in seconds; 0 if it has ended. */
export async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // User and system time are the 12th and 13th field after the name, in hundredths of a second.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100
}

/** The highest anonymous memory of each of some processes until `stop`. */
export class MemoryWatch {
  readonly #pids: readonly number[]
  readonly #highest = new Map<number, number>()
  readonly #timer: NodeJS.Timeout

  constructor(pids: readonly number[]) {
    this.#pids = pids
    this.#timer = setInterval(() => void this.#sample(), sampleMs)
  }

  /** Ends watching; resolves to the highest value of any one process, in bytes. */
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

/** Bytes as whole mebibytes, for people. */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`
}
