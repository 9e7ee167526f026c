// Metrics of a process, kept by prom-client and exported in Prometheus' text format. Each worker
// counts for itself; the process that serves a scrape adds up the snapshots of all.

import { statfs } from 'node:fs/promises'
import type * as promClient from 'prom-client'
import type { Metrics, RequestSample } from './metrics.ts'
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from './prom-client.ts'

/**
 * The values of one process at one moment, as prom-client's JSON, which can be sent in a message.
 */
export type MetricsSnapshot = Awaited<ReturnType<promClient.Registry['getMetricsAsJSON']>>

/** An engine's counters since it was opened. */
export interface EngineFigures {
  readonly reads: number
  readonly transactions: number
  readonly conflicts: number
  readonly retries: number
  readonly batches: number
  readonly lastBatchSize: number
  readonly sizeBytes: number
}

/** Upper bounds of the latency histogram's buckets, in seconds. */
const durationBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]

/** The media type of {@link ProcessMetrics.text} and {@link formatSnapshots}. */
export const prometheusType: string = Registry.PROMETHEUS_CONTENT_TYPE

/** A metric's name and its description. */
interface Family {
  readonly name: string
  readonly help: string
  /** How the values of several processes are aggregated; the default is to add them. */
  readonly aggregator?: promClient.Aggregator
}

/** The cached series of one operation, which saves a lookup by labels on every request. */
interface OperationSeries {
  readonly statuses: Map<number, promClient.Counter.Internal>
  readonly duration: promClient.Histogram.Internal<string>
  readonly received: promClient.Counter.Internal
  readonly sent: promClient.Counter.Internal
}

/** The metrics of one process. */
export class ProcessMetrics implements Metrics {
  readonly #registry = new Registry()
  readonly #registers = [this.#registry]
  readonly #operations = new Map<string, OperationSeries>()
  readonly #requests = new Counter({
    name: 'holdfast_requests_total',
    help: 'Requests answered or given up, by protocol, operation and HTTP status (499: the client left).',
    labelNames: ['protocol', 'operation', 'status'],
    registers: this.#registers,
  })
  readonly #duration = new Histogram({
    name: 'holdfast_request_duration_seconds',
    help: 'Seconds from a request head to the end of its answer.',
    labelNames: ['protocol', 'operation'],
    buckets: durationBuckets,
    registers: this.#registers,
  })
  readonly #received = new Counter({
    name: 'holdfast_received_bytes_total',
    help: 'Bytes of request bodies.',
    labelNames: ['protocol', 'operation'],
    registers: this.#registers,
  })
  readonly #sent = new Counter({
    name: 'holdfast_sent_bytes_total',
    help: 'Bytes of answer bodies.',
    labelNames: ['protocol', 'operation'],
    registers: this.#registers,
  })
  readonly #blobsPending = new Gauge({
    name: 'holdfast_blobs_pending',
    help: 'Blobs that nothing refers to and that wait for collection.',
    aggregator: 'max',
    registers: this.#registers,
  })
  readonly #leases = new Gauge({
    name: 'holdfast_leases',
    help: 'Leases that are held and that wait.',
    labelNames: ['state'],
    aggregator: 'max',
    registers: this.#registers,
  })
  readonly #collected = new Counter({
    name: 'holdfast_collected_total',
    help: 'Blobs and rows that collection removed.',
    labelNames: ['kind'],
    registers: this.#registers,
  })
  readonly #damagedBodies = new Counter({
    name: 'holdfast_corrupt_bodies_total',
    help: 'Times that a body was found damaged: by reads, as often as they met it, and by the scrub.',
    labelNames: ['found_by'],
    registers: this.#registers,
  })
  readonly #scrubbed = new Counter({
    name: 'holdfast_scrubbed_bytes_total',
    help: 'Bytes of bodies that the scrub has read.',
    registers: this.#registers,
  })
  readonly #scrubEnded = new Gauge({
    name: 'holdfast_scrub_last_pass_timestamp_seconds',
    help: 'When the scrub last came to the end of all bodies.',
    aggregator: 'max',
    registers: this.#registers,
  })

  constructor() {
    // Absent, rather than 0, until the first count.
    this.#blobsPending.remove()
    this.#scrubEnded.remove()
    this.#damagedBodies.inc({ found_by: 'read' }, 0)
    this.#damagedBodies.inc({ found_by: 'scrub' }, 0)
    this.leases({ held: 0, waiting: 0 })
    this.collected('blob', 0)
    this.collected('row', 0)
  }

  request(sample: RequestSample): void {
    const { protocol, operation, status } = sample
    const name = `${protocol} ${operation}`
    let series = this.#operations.get(name)
    if (series === undefined) {
      series = {
        statuses: new Map(),
        duration: this.#duration.labels(protocol, operation),
        received: this.#received.labels(protocol, operation),
        sent: this.#sent.labels(protocol, operation),
      }
      this.#operations.set(name, series)
    }
    let count = series.statuses.get(status)
    if (count === undefined) {
      count = this.#requests.labels(protocol, operation, String(status))
      series.statuses.set(status, count)
    }
    count.inc()
    series.duration.observe(sample.durationSeconds)
    series.received.inc(sample.bytesIn)
    series.sent.inc(sample.bytesOut)
  }

  blobsPending(count: number): void {
    this.#blobsPending.set(count)
  }

  collected(kind: 'blob' | 'row', count: number): void {
    this.#collected.inc({ kind }, count)
  }

  damagedBody(foundBy: 'read' | 'scrub'): void {
    this.#damagedBodies.inc({ found_by: foundBy })
  }

  scrubbed(bytes: number): void {
    this.#scrubbed.inc(bytes)
  }

  scrubEnded(seconds: number): void {
    this.#scrubEnded.set(seconds)
  }

  /** Adds an engine's counters, read at every scrape. */
  addEngine(figures: () => EngineFigures): void {
    this.#addTotal(
      { name: 'holdfast_engine_reads_total', help: 'Read snapshots of the engine.' },
      () => figures().reads,
    )
    this.#addTotal(
      { name: 'holdfast_engine_transactions_total', help: 'Transactions committed.' },
      () => figures().transactions,
    )
    this.#addTotal(
      {
        name: 'holdfast_engine_conflicts_total',
        help: 'Transactions whose reads were out of date when they were to be committed.',
      },
      () => figures().conflicts,
    )
    this.#addTotal(
      {
        name: 'holdfast_engine_retries_total',
        help: 'Times that a transaction was run again.',
      },
      () => figures().retries,
    )
    this.#addTotal(
      {
        name: 'holdfast_engine_batches_total',
        help: 'Synced batches: transactions divided by batches is the mean size of a batch.',
      },
      () => figures().batches,
    )
    this.#addLevel(
      {
        name: 'holdfast_engine_last_batch_transactions',
        help: 'Transactions of the last synced batch.',
        aggregator: 'max',
      },
      () => figures().lastBatchSize,
    )
    this.#addLevel(
      {
        name: 'holdfast_engine_size_bytes',
        help: 'Bytes of the engine on disk, without blobs.',
        aggregator: 'max',
      },
      () => figures().sizeBytes,
    )
  }

  /** Adds the space on the disk of a folder, as it is at every scrape. Unknown space is left out. */
  addDisk(folder: string): void {
    this.#addSpace(
      {
        name: 'holdfast_disk_free_bytes',
        help: 'Bytes that are free on the disk of the data folder, with the reserve for removals.',
        aggregator: 'min',
      },
      async () => {
        const { bavail, bsize } = await statfs(folder)
        return bavail * bsize
      },
    )
    this.#addSpace(
      {
        name: 'holdfast_disk_size_bytes',
        help: 'Bytes of the disk of the data folder.',
        aggregator: 'max',
      },
      async () => {
        const { blocks, bsize } = await statfs(folder)
        return blocks * bsize
      },
    )
  }

  #addSpace(family: Family, bytes: () => Promise<number>): void {
    new Gauge({
      ...family,
      registers: this.#registers,
      async collect() {
        try {
          this.set(await bytes())
        } catch {
          // A scrape must not fail because the disk does; the other metrics tell of that.
          this.remove()
        }
      },
    })
  }

  /** Adds resource usage of this process; `name` distinguishes the server's processes. */
  addProcess(name: string): void {
    const labelNames = ['process'] as const
    const registers = this.#registers
    new Gauge({
      name: 'holdfast_resident_bytes',
      help: 'Resident memory of each process.',
      labelNames,
      registers,
      collect() {
        this.set({ process: name }, process.memoryUsage.rss())
      },
    })
    new Counter({
      name: 'holdfast_cpu_seconds_total',
      help: 'Processor time of each process.',
      labelNames,
      registers,
      collect() {
        const { user, system } = process.cpuUsage()
        this.reset()
        this.inc({ process: name }, (user + system) / 1e6)
      },
    })
  }

  /** Adds gauges of a worker process. */
  addWorker(requestsInProgress: () => number): void {
    this.#addLevel(
      { name: 'holdfast_requests_in_progress', help: 'Requests being served.' },
      requestsInProgress,
    )
    this.#addLevel({ name: 'holdfast_workers', help: 'Worker processes that serve.' }, () => 1)
  }

  /** Adds metrics of the primary process about its workers. */
  addPrimary(workerDeaths: () => number): void {
    this.#addTotal(
      { name: 'holdfast_worker_deaths_total', help: 'Workers that died and were replaced.' },
      workerDeaths,
    )
  }

  leases({ held, waiting }: { readonly held: number; readonly waiting: number }): void {
    this.#leases.set({ state: 'held' }, held)
    this.#leases.set({ state: 'waiting' }, waiting)
  }

  /** The current values. */
  snapshot(): Promise<MetricsSnapshot> {
    return this.#registry.getMetricsAsJSON()
  }

  /** The current values in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** Adds a counter whose value is kept elsewhere. */
  #addTotal(family: Family, total: () => number): void {
    new Counter({
      ...family,
      registers: this.#registers,
      collect() {
        this.reset()
        this.inc(total())
      },
    })
  }

  #addLevel(family: Family, level: () => number): void {
    new Gauge({
      ...family,
      registers: this.#registers,
      collect() {
        this.set(level())
      },
    })
  }
}

/** Only counters, which are kept after a process has ended. */
export function countersOf(snapshots: readonly MetricsSnapshot[]): Promise<MetricsSnapshot> {
  // prom-client's types declare a number, but the value is a word such as `gauge`.
  const isCounter = ({ type }: MetricsSnapshot[number]): boolean => String(type) !== 'gauge'
  return combine(snapshots.map((metrics) => metrics.filter(isCounter))).getMetricsAsJSON()
}

/** Aggregates the snapshots of several processes, in Prometheus' text format. */
export function formatSnapshots(snapshots: readonly MetricsSnapshot[]): Promise<string> {
  return combine(snapshots).metrics()
}

function combine(
  snapshots: readonly MetricsSnapshot[],
): Pick<promClient.Registry, 'getMetricsAsJSON' | 'metrics'> {
  return AggregatorRegistry.aggregate([...snapshots])
}
