// The metrics of all processes of a server: running workers, ended ones, and the
// primary. A module of its own, because the primary starts its workers before it loads the metrics library.

import {
  countersOf,
  formatSnapshots,
  type MetricsSnapshot,
  ProcessMetrics,
} from '../../observe/prometheus.ts'

/** The counts of one server. */
export class AggregateMetrics {
  readonly #own = new ProcessMetrics()
  /** The sums of processes that ended. */
  #departed: Promise<MetricsSnapshot> = Promise.resolve([])

  /** @param workerDeaths tells how many workers died so far */
  constructor(workerDeaths: () => number) {
    this.#own.addProcess('primary')
    this.#own.addPrimary(workerDeaths)
  }

  /** Keeps the counters of a process that ended, but not its gauges. */
  keep(departed: MetricsSnapshot): void {
    this.#departed = this.#departed.then((before) => countersOf([before, departed]))
  }

  /** All counts, with those of the workers there are, in Prometheus' text format. */
  async text(workers: readonly MetricsSnapshot[]): Promise<string> {
    // At one moment: a worker that ends meanwhile must not be counted twice.
    const [own, departed] = await Promise.all([this.#own.snapshot(), this.#departed])
    return formatSnapshots([own, departed, ...workers])
  }
}
