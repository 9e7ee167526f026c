// Counts what a process does, in plain numbers, and writes counts down in Prometheus' text format.
// Each worker counts for itself; whoever is asked adds the samples of all of them together.

import type { Metrics, RequestSample } from './metrics.ts'

/** Values by series, such as `holdfast_requests_total{operation="GetObject",…}`. */
export type Samples = Readonly<Record<string, number>>

/** What an engine tells of itself since it was opened. */
export interface EngineFigures {
  readonly reads: number
  readonly transactions: number
  readonly conflicts: number
  readonly retries: number
  readonly batches: number
  readonly lastBatchSize: number
  readonly sizeBytes: number
}

interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** How the samples of several processes become one; added if left out. */
  readonly combine?: 'largest'
}

const families: Readonly<Record<string, Family>> = {
  holdfast_requests_total: {
    type: 'counter',
    help: 'Requests answered or given up, by protocol, operation and HTTP status (499: the client left).',
  },
  holdfast_request_duration_seconds: {
    type: 'histogram',
    help: 'Seconds from a request head to the end of its answer.',
  },
  holdfast_received_bytes_total: { type: 'counter', help: 'Bytes of request bodies.' },
  holdfast_sent_bytes_total: { type: 'counter', help: 'Bytes of answer bodies.' },
  holdfast_requests_in_progress: { type: 'gauge', help: 'Requests being served.' },
  holdfast_engine_reads_total: { type: 'counter', help: 'Read snapshots of the engine.' },
  holdfast_engine_transactions_total: { type: 'counter', help: 'Transactions committed.' },
  holdfast_engine_conflicts_total: {
    type: 'counter',
    help: 'Transactions whose reads were out of date when they were to be committed.',
  },
  holdfast_engine_retries_total: {
    type: 'counter',
    help: 'Times that a transaction was run again.',
  },
  holdfast_engine_batches_total: {
    type: 'counter',
    help: 'Synced batches: transactions divided by batches is the mean size of a batch.',
  },
  holdfast_engine_last_batch_transactions: {
    type: 'gauge',
    help: 'Transactions of the last synced batch.',
    combine: 'largest',
  },
  holdfast_engine_size_bytes: {
    type: 'gauge',
    help: 'Bytes of the engine on disk, without blobs.',
    combine: 'largest',
  },
  holdfast_blobs_pending: {
    type: 'gauge',
    help: 'Blobs that nothing refers to and that wait for collection.',
    combine: 'largest',
  },
  holdfast_collected_total: { type: 'counter', help: 'Blobs and rows that collection removed.' },
  holdfast_leases: {
    type: 'gauge',
    help: 'Leases that are held and that wait.',
    combine: 'largest',
  },
  holdfast_resident_bytes: { type: 'gauge', help: 'Resident memory of each process.' },
  holdfast_cpu_seconds_total: { type: 'counter', help: 'Processor time of each process.' },
  holdfast_workers: { type: 'gauge', help: 'Worker processes that serve.' },
  holdfast_worker_deaths_total: {
    type: 'counter',
    help: 'Workers that died and were replaced.',
  },
}

/** Upper bounds of the latency histogram's buckets, in seconds. */
const bounds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const

/** What is counted for one protocol's operation. */
class OperationCounts {
  readonly #labels: string
  readonly #statuses = new Map<number, number>()
  readonly #buckets = new Float64Array(bounds.length + 1)
  #seconds = 0
  #bytesIn = 0
  #bytesOut = 0

  constructor(protocol: string, operation: string) {
    this.#labels = `protocol="${protocol}",operation="${operation}"`
  }

  add({ status, durationSeconds, bytesIn, bytesOut }: RequestSample): void {
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1)
    let bucket = 0
    while (bucket < bounds.length && durationSeconds > (bounds[bucket] ?? 0)) bucket++
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#seconds += durationSeconds
    this.#bytesIn += bytesIn
    this.#bytesOut += bytesOut
  }

  write(samples: Record<string, number>): void {
    const labels = this.#labels
    for (const [status, count] of this.#statuses) {
      samples[`holdfast_requests_total{${labels},status="${status}"}`] = count
    }
    let count = 0
    for (const [index, bucket] of this.#buckets.entries()) {
      count += bucket
      const bound = bounds[index] ?? '+Inf'
      samples[`holdfast_request_duration_seconds_bucket{${labels},le="${bound}"}`] = count
    }
    samples[`holdfast_request_duration_seconds_sum{${labels}}`] = this.#seconds
    samples[`holdfast_request_duration_seconds_count{${labels}}`] = count
    samples[`holdfast_received_bytes_total{${labels}}`] = this.#bytesIn
    samples[`holdfast_sent_bytes_total{${labels}}`] = this.#bytesOut
  }
}

/** The counts of one process. */
export class Counters implements Metrics {
  readonly #operations = new Map<string, OperationCounts>()
  readonly #collected = { blob: 0, row: 0 }
  #blobsPending: number | undefined
  #leases: { readonly held: number; readonly waiting: number } | undefined

  request(sample: RequestSample): void {
    const name = `${sample.protocol} ${sample.operation}`
    let counts = this.#operations.get(name)
    if (counts === undefined) {
      counts = new OperationCounts(sample.protocol, sample.operation)
      this.#operations.set(name, counts)
    }
    counts.add(sample)
  }

  blobsPending(count: number): void {
    this.#blobsPending = count
  }

  collected(kind: 'blob' | 'row', count: number): void {
    this.#collected[kind] += count
  }

  leases(counts: { readonly held: number; readonly waiting: number }): void {
    this.#leases = counts
  }

  /** All that was counted until now. */
  samples(): Samples {
    const samples: Record<string, number> = {}
    for (const counts of this.#operations.values()) counts.write(samples)
    samples['holdfast_collected_total{kind="blob"}'] = this.#collected.blob
    samples['holdfast_collected_total{kind="row"}'] = this.#collected.row
    if (this.#blobsPending !== undefined) samples['holdfast_blobs_pending'] = this.#blobsPending
    for (const [state, count] of Object.entries(this.#leases ?? {})) {
      samples[`holdfast_leases{state="${state}"}`] = count
    }
    return samples
  }
}

/** The engine's figures as samples. */
export function engineSamples(figures: EngineFigures): Samples {
  return {
    holdfast_engine_reads_total: figures.reads,
    holdfast_engine_transactions_total: figures.transactions,
    holdfast_engine_conflicts_total: figures.conflicts,
    holdfast_engine_retries_total: figures.retries,
    holdfast_engine_batches_total: figures.batches,
    holdfast_engine_last_batch_transactions: figures.lastBatchSize,
    holdfast_engine_size_bytes: figures.sizeBytes,
  }
}

/** What this process takes of the machine; `name` tells it from the server's other processes. */
export function processSamples(name: string): Samples {
  const { user, system } = process.cpuUsage()
  return {
    [`holdfast_resident_bytes{process="${name}"}`]: process.memoryUsage.rss(),
    [`holdfast_cpu_seconds_total{process="${name}"}`]: (user + system) / 1e6,
  }
}

/** The samples of several processes as those of one server. */
export function combineSamples(all: readonly Samples[]): Samples {
  const combined: Record<string, number> = {}
  for (const samples of all) {
    for (const [series, value] of Object.entries(samples)) {
      const known = combined[series]
      if (known === undefined) combined[series] = value
      else if (familyOf(series)?.combine === 'largest') combined[series] = Math.max(known, value)
      else combined[series] = known + value
    }
  }
  return combined
}

/** Only what never shrinks: what is kept of a process that ended. */
export function countersOf(samples: Samples): Samples {
  const isCounter = ([series]: [string, number]): boolean =>
    familyOf(series)?.type !== 'gauge' && !series.includes('process="')
  return Object.fromEntries(Object.entries(samples).filter(isCounter))
}

/** The media type of {@link formatSamples}. */
export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8'

/** Samples in Prometheus' text format. */
export function formatSamples(samples: Samples): string {
  const lines = new Map<string, string[]>()
  for (const [series, value] of Object.entries(samples)) {
    const name = familyName(series)
    const family = lines.get(name) ?? []
    family.push(`${series} ${value}`)
    lines.set(name, family)
  }
  let text = ''
  for (const [name, { type, help }] of Object.entries(families)) {
    const family = lines.get(name)
    if (family === undefined) continue
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${family.join('\n')}\n`
  }
  return text
}

function familyOf(series: string): Family | undefined {
  return families[familyName(series)]
}

function familyName(series: string): string {
  const brace = series.indexOf('{')
  const name = brace < 0 ? series : series.slice(0, brace)
  return families[name] === undefined ? name.replace(/_(bucket|sum|count)$/, '') : name
}
