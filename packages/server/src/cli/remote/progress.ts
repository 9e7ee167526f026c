// The progress of a long task, as one line on a terminal; nothing if there is no terminal.

import { formatCount, formatSize, formatSpan } from './format.ts'

/** The progress of a task. Totals are absent while unknown. */
export interface Advance {
  readonly what: string
  readonly bytes: number
  readonly bytesTotal?: number | undefined
  readonly objects?: number | undefined
  readonly objectsTotal?: number | undefined
}

/** The output of the line: standard error, or a test. */
export interface Terminal {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

const intervalMs = 100
/** The time before the first estimate of the remaining time, which would fluctuate earlier. */
const estimateAfterMs = 2000
const barWidth = 24

/** A progress line; must be cleared before anything else is printed. */
export class Progress {
  readonly #terminal: Terminal
  readonly #now: () => number
  readonly #startedAt: number
  #drawnAt = Number.NEGATIVE_INFINITY

  constructor(terminal: Terminal = process.stderr, now: () => number = () => performance.now()) {
    this.#terminal = terminal
    this.#now = now
    this.#startedAt = now()
  }

  show(advance: Advance): void {
    if (this.#terminal.isTTY !== true || this.#now() - this.#drawnAt < intervalMs) return
    this.#drawnAt = this.#now()
    const line = describe(advance, this.#now() - this.#startedAt)
    this.#terminal.write(`\r\x1b[K${line.slice(0, (this.#terminal.columns ?? 80) - 1)}`)
  }

  clear(): void {
    if (this.#drawnAt === Number.NEGATIVE_INFINITY) return
    this.#terminal.write('\r\x1b[K')
    this.#drawnAt = Number.NEGATIVE_INFINITY
  }
}

function describe(advance: Advance, elapsedMs: number): string {
  const { what, bytes, bytesTotal, objects, objectsTotal } = advance
  const parts = [what]
  const share = shareOf(advance)
  if (share !== undefined) parts.push(bar(share))
  const ofBytes = bytesTotal === undefined ? '' : ` of ${formatSize(bytesTotal)}`
  parts.push(`${formatSize(bytes)}${ofBytes}`)
  if (objects !== undefined) {
    const ofObjects =
      objectsTotal === undefined ? '' : ` of ${objectsTotal.toLocaleString('en-US')}`
    parts.push(`${formatCount(objects, 'object')}${ofObjects}`)
  }
  if (elapsedMs > 0) parts.push(`${formatSize((bytes / elapsedMs) * 1000)}/s`)
  if (share !== undefined && share > 0 && elapsedMs > estimateAfterMs) {
    parts.push(`${formatSpan((elapsedMs / share) * (1 - share))} left`)
  }
  return parts.join('  ')
}

/** The completed share from 0 to 1: of bytes, or of objects if all are empty. */
function shareOf({ bytes, bytesTotal, objects = 0, objectsTotal }: Advance): number | undefined {
  if (bytesTotal !== undefined && bytesTotal > 0) return Math.min(1, bytes / bytesTotal)
  if (objectsTotal !== undefined && objectsTotal > 0) return Math.min(1, objects / objectsTotal)
  return undefined
}

function bar(share: number): string {
  const full = Math.floor(share * barWidth)
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  return `[${'█'.repeat(full)}${'░'.repeat(barWidth - full)}]${percent}`
}
