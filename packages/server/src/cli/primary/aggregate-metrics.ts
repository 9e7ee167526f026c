// The metrics of a server: of the primary, and of running and ended workers. A separate module, because the primary
// starts its workers before it loads the metrics library.

import {
  countersOf,
  formatSnapshots,
  type MetricsSnapshot,
  ProcessMetrics,
} from '../../observe/prometheus.ts'

/** The metrics of one server. */
export class AggregateMetrics {
  readonly #own = new ProcessMetrics()
  /** The sums of ended processes. */
  #departed: Promise<MetricsSnapshot> = Promise.resolve([])

  /** @param workerDeaths returns the number of workers that have died */
  constructor(workerDeaths: () => number) {
    this.#own.addProcess('primary')
    this.#own.addPrimary(workerDeaths)
  }

  /** Adds the counters, but not the gauges, of an ended process. */
  keep(departed: MetricsSnapshot): void {
    this.#departed = this.#departed.then((before) => countersOf([before, departed]))
  }

  /** All metrics, with those of running workers, in Prometheus' text format. */
  async text(workers: readonly MetricsSnapshot[]): Promise<string> {
    // Taken together, so that a worker that ends meanwhile is not counted twice.
    const [own, departed] = await Promise.all([this.#own.snapshot(), this.#departed])
    return formatSnapshots([own, departed, ...workers])
  }
}
