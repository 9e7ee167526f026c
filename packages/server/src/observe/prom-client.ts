// Imports the needed modules of prom-client one by one. Its index also loads OpenTelemetry, a push
// gateway and summaries, which takes a tenth of the start-up time of every process.

import { createRequire } from 'node:module'
import type * as promClient from 'prom-client'

const load = createRequire(import.meta.url)

export const Registry: typeof promClient.Registry = load('prom-client/lib/registry.js')
export const AggregatorRegistry: typeof promClient.AggregatorRegistry = load(
  'prom-client/lib/cluster.js',
)
export const Counter: typeof promClient.Counter = load('prom-client/lib/counter.js')
export const Gauge: typeof promClient.Gauge = load('prom-client/lib/gauge.js')
export const Histogram: typeof promClient.Histogram = load('prom-client/lib/histogram.js')
