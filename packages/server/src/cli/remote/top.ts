// `holdfast top`: a server's work at a glance, from its metrics, until it is stopped.

import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError, exitCodes } from '../../base/exit.ts'
import { readAuthorities } from './authority.ts'
import { Interval, Scrape } from './exposition.ts'
import { formatSize, formatSpan } from './format.ts'
import type { TopConfig } from './inspect-config.ts'
import { endpointFor } from './session.ts'

/** Milliseconds in which a scrape must be answered. */
const timeoutMs = 10_000

/** Draws once per interval; on a terminal in place, else one below the other. */
export async function top(config: TopConfig): Promise<number> {
  const endpoint = endpointFor(config.server)
  const { ca } = config.server
  const watched = {
    url: new URL('/_/metrics', endpoint),
    ca: ca === undefined ? undefined : await readAuthorities(ca),
  }
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  process.stdout.once('error', onSignal)
  try {
    const first = await scrape(watched)
    let before = first
    for (let round = 0; config.rounds === undefined || round < config.rounds; round++) {
      await sleep(config.intervalSeconds * 1000, undefined, { signal: stop.signal })
      const after = await scrape(watched)
      const figures = figuresOf(new Interval(before, after), new Interval(first, after))
      if (config.isJson) console.log(JSON.stringify(figures))
      else {
        const clear = process.stdout.isTTY ? '\x1b[H\x1b[J' : ''
        console.log(clear + draw(endpoint, figures, process.stdout.rows ?? 40))
      }
      before = after
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    process.stdout.off('error', onSignal)
  }
  return exitCodes.ok
}

interface Watched {
  readonly url: URL
  /** Certificates that are trusted beside the usual ones; undefined for none. */
  readonly ca: string[] | undefined
}

/** @throws CommandError if the server doesn't answer, or has no metrics */
async function scrape({ url, ca }: Watched): Promise<Scrape> {
  const options = { signal: AbortSignal.timeout(timeoutMs), ...(ca === undefined ? {} : { ca }) }
  const client = url.protocol === 'https:' ? https : http
  const request = client.get(url, options)
  const answer = once(request, 'response').then(([response]: IncomingMessage[]) => response)
  const response = await answer.catch((cause: unknown) => {
    throw new CommandError(`${url.origin} does not answer`, { cause })
  })
  const found = new Scrape(response === undefined ? '' : await text(response), performance.now())
  if (found.sum('holdfast_engine_reads_total') !== undefined) return found
  throw new CommandError(
    `${url.href} has no metrics of Holdfast (HTTP status ${response?.statusCode})`,
  )
}

interface OperationFigures {
  readonly protocol: string
  readonly operation: string
  readonly perSecond: number
  readonly errorsPerSecond: number
  readonly p50Seconds: number | undefined
  readonly p99Seconds: number | undefined
  readonly receivedPerSecond: number
  readonly sentPerSecond: number
}

interface Figures {
  readonly operations: readonly OperationFigures[]
  readonly requestsInProgress: number | undefined
  readonly workers: number | undefined
  readonly transactionsPerSecond: number
  readonly batchSize: number | undefined
  readonly leases: Readonly<Record<string, number>>
  readonly diskFreeBytes: number | undefined
  readonly diskSizeBytes: number | undefined
  readonly diskFullInSeconds: number | undefined
  readonly damagedBodies: number | undefined
  readonly processes: readonly ProcessFigures[]
}

interface ProcessFigures {
  readonly process: string
  /** 1 is one core. */
  readonly cpu: number
  readonly residentBytes: number
}

/** The rates of the latest interval; the disk's is that of the `whole` time, since it changes by fits and starts. */
function figuresOf(interval: Interval, whole: Interval): Figures {
  const { after } = interval
  const names = new Map<string, { protocol: string; operation: string }>()
  for (const { labels } of after.all('holdfast_requests_total')) {
    const { protocol = '', operation = '' } = labels
    names.set(`${protocol} ${operation}`, { protocol, operation })
  }
  const batches = interval.growth('holdfast_engine_batches_total')
  const transactions = interval.growth('holdfast_engine_transactions_total')
  const leases = after
    .all('holdfast_leases')
    .map(({ labels, value }) => [labels['state'] ?? '', value] as const)
  return {
    operations: [...names.values()]
      .map((name) => operationFigures(interval, name))
      .filter(({ perSecond }) => perSecond > 0)
      .sort((a, b) => b.perSecond - a.perSecond),
    requestsInProgress: after.sum('holdfast_requests_in_progress'),
    workers: after.sum('holdfast_workers'),
    transactionsPerSecond: transactions / interval.seconds,
    batchSize: batches === 0 ? undefined : transactions / batches,
    leases: Object.fromEntries(leases),
    ...diskFigures(whole),
    damagedBodies: after.sum('holdfast_corrupt_bodies_total'),
    processes: processFigures(interval),
  }
}

function operationFigures(
  interval: Interval,
  { protocol, operation }: { readonly protocol: string; readonly operation: string },
): OperationFigures {
  const isOne = (labels: Readonly<Record<string, string>>): boolean =>
    labels['protocol'] === protocol && labels['operation'] === operation
  const duration = 'holdfast_request_duration_seconds'
  return {
    protocol,
    operation,
    perSecond: interval.rate('holdfast_requests_total', isOne),
    errorsPerSecond: interval.rate(
      'holdfast_requests_total',
      (labels) => isOne(labels) && Number(labels['status']) >= 400,
    ),
    p50Seconds: interval.quantile(0.5, duration, isOne),
    p99Seconds: interval.quantile(0.99, duration, isOne),
    receivedPerSecond: interval.rate('holdfast_received_bytes_total', isOne),
    sentPerSecond: interval.rate('holdfast_sent_bytes_total', isOne),
  }
}

/** Seconds before which the growth of the stored data tells nothing. */
const telling = 30

function diskFigures({
  before,
  after,
  seconds,
}: Interval): Pick<Figures, 'diskFreeBytes' | 'diskSizeBytes' | 'diskFullInSeconds'> {
  const free = after.sum('holdfast_disk_free_bytes')
  const lost = (before.sum('holdfast_disk_free_bytes') ?? 0) - (free ?? 0)
  const isTelling = lost > 0 && seconds >= telling
  return {
    diskFreeBytes: free,
    diskSizeBytes: after.sum('holdfast_disk_size_bytes'),
    diskFullInSeconds: free === undefined || !isTelling ? undefined : (free / lost) * seconds,
  }
}

function processFigures(interval: Interval): ProcessFigures[] {
  return interval.after.all('holdfast_resident_bytes').map(({ labels, value }) => {
    const { process: name = '' } = labels
    const cpu = interval.rate('holdfast_cpu_seconds_total', (other) => other['process'] === name)
    return { process: name, cpu, residentBytes: value }
  })
}

/** The table of operations, as many as fit, between the server's totals and its processes. */
function draw(endpoint: string, figures: Figures, rows: number): string {
  const sum = (of: (one: OperationFigures) => number): number =>
    figures.operations.reduce((total, one) => total + of(one), 0)
  const head = [
    `${endpoint}  ${figures.workers ?? 1} workers  ${figures.requestsInProgress ?? 0} requests in progress`,
    `${perSecond(sum((one) => one.perSecond))} requests/s  ` +
      `${perSecond(sum((one) => one.errorsPerSecond))} errors/s  ` +
      `${formatSize(sum((one) => one.receivedPerSecond))}/s in  ` +
      `${formatSize(sum((one) => one.sentPerSecond))}/s out`,
    storeLine(figures),
    diskLine(figures),
  ]
  const tail = figures.processes.map(
    ({ process: name, cpu, residentBytes }) =>
      `${name.padEnd(26)} ${`${Math.round(cpu * 100)} %`.padStart(8)} ${formatSize(residentBytes).padStart(11)}`,
  )
  const space = Math.max(3, rows - head.length - tail.length - 5)
  const body = figures.operations.slice(0, space).map(operationLine)
  const title = row(['operation', 'req/s', 'errors/s', 'p50', 'p99', 'in/s', 'out/s'])
  const processes = `${'process'.padEnd(26)} ${'cpu'.padStart(8)} ${'memory'.padStart(11)}`
  return [...head, '', title, ...body, '', processes, ...tail].join('\n')
}

function storeLine({
  transactionsPerSecond,
  batchSize,
  leases,
  damagedBodies = 0,
}: Figures): string {
  const batch = batchSize === undefined ? '' : `, ${batchSize.toFixed(1)} a sync`
  const damaged = damagedBodies > 0 ? `  ${damagedBodies} DAMAGED BODIES` : ''
  return (
    `${perSecond(transactionsPerSecond)} transactions/s${batch}  ` +
    `${leases['held'] ?? 0} leases held, ${leases['waiting'] ?? 0} waiting${damaged}`
  )
}

function diskLine({ diskFreeBytes, diskSizeBytes, diskFullInSeconds }: Figures): string {
  if (diskFreeBytes === undefined || diskSizeBytes === undefined) return ''
  const full =
    diskFullInSeconds === undefined
      ? ''
      : `, full in ${formatSpan(diskFullInSeconds * 1000)} at this rate`
  return `${formatSize(diskFreeBytes)} of ${formatSize(diskSizeBytes)} free on the disk${full}`
}

function operationLine(one: OperationFigures): string {
  return row([
    one.protocol === 's3' ? one.operation : `${one.protocol}:${one.operation}`,
    perSecond(one.perSecond),
    one.errorsPerSecond === 0 ? '' : perSecond(one.errorsPerSecond),
    milliseconds(one.p50Seconds),
    milliseconds(one.p99Seconds),
    one.receivedPerSecond < 1 ? '' : formatSize(one.receivedPerSecond),
    one.sentPerSecond < 1 ? '' : formatSize(one.sentPerSecond),
  ])
}

function row([name = '', ...values]: readonly string[]): string {
  return `${name.padEnd(26)} ${values.map((value) => value.padStart(10)).join(' ')}`.trimEnd()
}

function perSecond(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1)
}

function milliseconds(seconds: number | undefined): string {
  if (seconds === undefined) return ''
  const ms = seconds * 1000
  return `${ms >= 10 ? Math.round(ms) : ms.toFixed(1)} ms`
}
