// Metrics in Prometheus' text format, as a server answers them, and the rates between two scrapes.

/** One value of a metric. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The values of one scrape. */
export class Scrape {
  /** Milliseconds on a monotonic clock. */
  readonly at: number
  readonly #samples = new Map<string, Sample[]>()

  /** Reads the text; lines that are no samples are skipped. */
  constructor(text: string, at: number) {
    this.at = at
    for (const line of text.split('\n')) {
      const sample = parse(line)
      if (sample === undefined) continue
      const others = this.#samples.get(sample.name)
      if (others === undefined) this.#samples.set(sample.name, [sample])
      else others.push(sample)
    }
  }

  /** All values of a metric, or none. */
  all(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? []
  }

  /** The sum of the values whose labels `matches`; undefined if the metric is absent. */
  sum(
    name: string,
    matches: (labels: Sample['labels']) => boolean = () => true,
  ): number | undefined {
    const samples = this.#samples.get(name)
    if (samples === undefined) return undefined
    let sum = 0
    for (const { labels, value } of samples) if (matches(labels)) sum += value
    return sum
  }
}

function parse(line: string): Sample | undefined {
  const [, name, labelled = '', value] =
    /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line) ?? []
  if (name === undefined || value === undefined) return undefined
  const labels: Record<string, string> = {}
  for (const [, label = '', text = ''] of labelled.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    labels[label] = text.replace(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character))
  }
  return { name, labels, value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value) }
}

/** The changes between two scrapes of one server. A counter that began again counts from 0. */
export class Interval {
  readonly before: Scrape
  readonly after: Scrape
  readonly seconds: number

  constructor(before: Scrape, after: Scrape) {
    this.before = before
    this.after = after
    this.seconds = Math.max(0.001, (after.at - before.at) / 1000)
  }

  /** How often a second a counter grew. */
  rate(name: string, matches?: (labels: Sample['labels']) => boolean): number {
    return this.growth(name, matches) / this.seconds
  }

  growth(name: string, matches?: (labels: Sample['labels']) => boolean): number {
    const [before, after] = [this.before.sum(name, matches), this.after.sum(name, matches)]
    if (after === undefined) return 0
    return before === undefined || before > after ? after : after - before
  }

  /**
   * A quantile of a histogram's values in this interval, by linear interpolation in its bucket, as Prometheus
   * computes it; undefined if there were none.
   */
  quantile(
    share: number,
    name: string,
    matches: (labels: Sample['labels']) => boolean = () => true,
  ): number | undefined {
    const bucket = `${name}_bucket`
    const bounds = new Set(this.after.all(bucket).map(({ labels }) => Number(boundOf(labels))))
    const sorted = [...bounds].sort((a, b) => a - b)
    const counts = sorted.map((bound) =>
      this.growth(bucket, (labels) => Number(boundOf(labels)) === bound && matches(labels)),
    )
    const total = counts.at(-1) ?? 0
    if (total === 0) return undefined
    const wanted = share * total
    const index = counts.findIndex((count) => count >= wanted)
    const [low, high] = [sorted[index - 1] ?? 0, sorted[index] ?? 0]
    if (high === Number.POSITIVE_INFINITY) return low
    const [below, within] = [counts[index - 1] ?? 0, counts[index] ?? 0]
    return within === below ? high : low + ((high - low) * (wanted - below)) / (within - below)
  }
}

function boundOf({ le = '' }: Sample['labels']): string {
  return le === '+Inf' ? 'Infinity' : le
}
