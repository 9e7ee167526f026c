import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counters, combineSamples, countersOf, engineSamples, formatSamples } from './prometheus.ts'

const sample = { protocol: 's3', operation: 'GetObject', status: 200, bytesIn: 0, bytesOut: 10 }

function counted(): Counters {
  const counters = new Counters()
  counters.request({ ...sample, durationSeconds: 0.0004 })
  counters.request({ ...sample, durationSeconds: 0.0005 })
  counters.request({ ...sample, durationSeconds: 0.3, status: 404 })
  counters.request({ ...sample, durationSeconds: 100 })
  return counters
}

test('requests are counted by operation and status, and their times in cumulative buckets', () => {
  const samples = counted().samples()
  const labels = 'protocol="s3",operation="GetObject"'
  assert.equal(samples[`holdfast_requests_total{${labels},status="200"}`], 3)
  assert.equal(samples[`holdfast_requests_total{${labels},status="404"}`], 1)
  const bucket = (bound: string): number | undefined =>
    samples[`holdfast_request_duration_seconds_bucket{${labels},le="${bound}"}`]
  assert.equal(bucket('0.0005'), 2)
  assert.equal(bucket('0.25'), 2)
  assert.equal(bucket('0.5'), 3)
  assert.equal(bucket('60'), 3)
  assert.equal(bucket('+Inf'), 4)
  assert.equal(samples[`holdfast_request_duration_seconds_count{${labels}}`], 4)
  assert.equal(samples[`holdfast_sent_bytes_total{${labels}}`], 40)
})

test('the samples of processes are added, but for what all of them see alike', () => {
  const figures = {
    reads: 1,
    transactions: 2,
    conflicts: 0,
    retries: 0,
    batches: 1,
    lastBatchSize: 2,
    sizeBytes: 4096,
  }
  const both = combineSamples([engineSamples(figures), engineSamples({ ...figures, reads: 5 })])
  assert.equal(both['holdfast_engine_reads_total'], 6)
  assert.equal(both['holdfast_engine_transactions_total'], 4)
  assert.equal(both['holdfast_engine_size_bytes'], 4096)
  const kept = countersOf({ ...both, 'holdfast_cpu_seconds_total{process="1"}': 3 })
  assert.equal(kept['holdfast_engine_reads_total'], 6)
  assert.equal(kept['holdfast_engine_size_bytes'], undefined)
  assert.equal(kept['holdfast_cpu_seconds_total{process="1"}'], undefined)
})

test('every family is written once, with its type, and its series together', () => {
  const counters = counted()
  counters.request({ ...sample, operation: 'PutObject', durationSeconds: 1 })
  counters.blobsPending(3)
  const text = formatSamples(counters.samples())
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type])
  assert.deepEqual(types, [
    ['holdfast_requests_total', 'counter'],
    ['holdfast_request_duration_seconds', 'histogram'],
    ['holdfast_received_bytes_total', 'counter'],
    ['holdfast_sent_bytes_total', 'counter'],
    ['holdfast_blobs_pending', 'gauge'],
    ['holdfast_collected_total', 'counter'],
  ])
  assert.match(text, /^holdfast_blobs_pending 3$/m)
  for (const line of text.trim().split('\n')) {
    assert.match(
      line,
      /^(# (HELP|TYPE) .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [\d.e+-]+)$/,
    )
  }
})
