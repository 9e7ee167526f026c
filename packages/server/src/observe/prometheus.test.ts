import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countersOf, formatSnapshots, ProcessMetrics } from './prometheus.ts'

const sample = { protocol: 's3', operation: 'GetObject', status: 200, bytesIn: 0, bytesOut: 10 }
const labels = 'protocol="s3",operation="GetObject"'

const figures = {
  reads: 1,
  transactions: 2,
  conflicts: 0,
  retries: 0,
  batches: 1,
  lastBatchSize: 2,
  sizeBytes: 4096,
}

function counted(): ProcessMetrics {
  const metrics = new ProcessMetrics()
  metrics.request({ ...sample, durationSeconds: 0.0004 })
  metrics.request({ ...sample, durationSeconds: 0.0005 })
  metrics.request({ ...sample, durationSeconds: 0.3, status: 404 })
  metrics.request({ ...sample, durationSeconds: 100 })
  return metrics
}

/** A worker that was just started. */
function worker(name: string, engine: Partial<typeof figures> = {}): ProcessMetrics {
  const metrics = new ProcessMetrics()
  metrics.addEngine(() => ({ ...figures, ...engine }))
  metrics.addProcess(name)
  metrics.addWorker(() => 1)
  return metrics
}

/** The values of an exposition by series. */
function valuesOf(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(/^(?!#)(\S+) (\S+)$/gm)].map(([, series = '', value]) => [
      series,
      Number(value),
    ]),
  )
}

test('requests are counted by operation and status, and their times in cumulative buckets', async () => {
  const values = valuesOf(await counted().text())
  assert.equal(values.get(`holdfast_requests_total{${labels},status="200"}`), 3)
  assert.equal(values.get(`holdfast_requests_total{${labels},status="404"}`), 1)
  const bucket = (bound: string): number | undefined =>
    values.get(`holdfast_request_duration_seconds_bucket{le="${bound}",${labels}}`)
  assert.equal(bucket('0.0005'), 2)
  assert.equal(bucket('0.25'), 2)
  assert.equal(bucket('0.5'), 3)
  assert.equal(bucket('60'), 3)
  assert.equal(bucket('+Inf'), 4)
  assert.equal(values.get(`holdfast_request_duration_seconds_count{${labels}}`), 4)
  assert.equal(values.get(`holdfast_sent_bytes_total{${labels}}`), 40)
  assert.equal(values.get('holdfast_collected_total{kind="blob"}'), 0)
})

test('the metrics of processes are added, except values that all of them share', async () => {
  const sweeper = worker('2', { reads: 5 })
  sweeper.blobsPending(3)
  sweeper.request({ ...sample, durationSeconds: 0.0004 })
  const all = [worker('1'), sweeper, counted()].map((metrics) => metrics.snapshot())
  const values = valuesOf(await formatSnapshots(await Promise.all(all)))
  assert.equal(values.get('holdfast_engine_reads_total'), 6)
  assert.equal(values.get('holdfast_engine_transactions_total'), 4)
  assert.equal(values.get('holdfast_engine_size_bytes'), 4096)
  assert.equal(values.get('holdfast_engine_last_batch_transactions'), 2)
  assert.equal(values.get('holdfast_blobs_pending'), 3)
  assert.equal(values.get('holdfast_workers'), 2)
  assert.equal(values.get('holdfast_requests_in_progress'), 2)
  assert.equal(values.get(`holdfast_requests_total{${labels},status="200"}`), 4)
  const bucket = `holdfast_request_duration_seconds_bucket{le="0.0005",${labels}}`
  assert.equal(values.get(bucket), 3)
  for (const name of ['1', '2']) {
    assert.ok(Number(values.get(`holdfast_resident_bytes{process="${name}"}`)) > 0)
    assert.ok(Number(values.get(`holdfast_cpu_seconds_total{process="${name}"}`)) > 0)
  }
})

test('only counters are kept of processes that ended', async () => {
  const ended = worker('1')
  ended.blobsPending(3)
  ended.request({ ...sample, durationSeconds: 0.3 })
  let departed = await countersOf([await ended.snapshot()])
  departed = await countersOf([departed, await ended.snapshot(), []])
  const values = valuesOf(await formatSnapshots([departed]))
  assert.equal(values.get('holdfast_engine_reads_total'), 2)
  assert.equal(values.get(`holdfast_requests_total{${labels},status="200"}`), 2)
  assert.equal(values.get(`holdfast_request_duration_seconds_count{${labels}}`), 2)
  for (const name of ['workers', 'requests_in_progress', 'blobs_pending', 'engine_size_bytes']) {
    assert.equal(values.get(`holdfast_${name}`), undefined, name)
  }
  assert.equal(values.get('holdfast_resident_bytes{process="1"}'), undefined)
})

test('engine, process and workers are asked anew for every snapshot', async () => {
  const metrics = new ProcessMetrics()
  let reads = 1
  let deaths = 0
  metrics.addEngine(() => ({ ...figures, reads }))
  metrics.addPrimary(() => deaths)
  assert.equal(valuesOf(await metrics.text()).get('holdfast_engine_reads_total'), 1)
  reads = 4
  deaths = 1
  const values = valuesOf(await metrics.text())
  assert.equal(values.get('holdfast_engine_reads_total'), 4)
  assert.equal(values.get('holdfast_worker_deaths_total'), 1)
})

test('the pending blobs are unknown until they are counted, and then no more than that', async () => {
  const metrics = new ProcessMetrics()
  assert.equal(valuesOf(await metrics.text()).get('holdfast_blobs_pending'), undefined)
  metrics.blobsPending(3)
  metrics.blobsPending(0)
  assert.equal(valuesOf(await metrics.text()).get('holdfast_blobs_pending'), 0)
})
