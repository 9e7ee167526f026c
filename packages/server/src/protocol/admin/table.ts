// The routes by which the server describes itself, one per path.

import type { Clock } from '../../base/clock.ts'
import { prometheusType } from '../../observe/prometheus.ts'
import { Scrape } from '../../observe/scrape.ts'
import { pageHeaders, pageText } from './page.ts'

/** A response, whose body is text. */
export interface AdminAnswer {
  readonly status: number
  readonly text: string
}

/** A route. */
export interface AdminRoute {
  /** The operation's name in logs and metrics. */
  readonly name: string
  /** A route for GET answers HEAD too. */
  readonly method: string
  readonly path: string
  /** The media type of the response. */
  readonly type: string
  /** Headers beside those of every response. */
  readonly headers?: Readonly<Record<string, string>>
  answer(asked: Asked): AdminAnswer | Promise<AdminAnswer>
}

/** The facts about a request that answers depend on. */
export interface Asked {
  /** True during shutdown. */
  readonly isStopping: boolean
  readonly host: string | undefined
  readonly isSecure: boolean
}

/** The facts that the routes show. */
export interface AdminSource {
  readonly clock: Clock
  /** The text of `/_/metrics`. Simultaneous requests share a call, and calls are about 100 ms apart at least. */
  readonly exposition: () => Promise<string>
}

/** The least interval of collections of metrics in this process. The primary collects more rarely. */
const scrapeIntervalMs = 100

/** Creates the table. */
export function adminRoutes({ clock, exposition }: AdminSource): readonly AdminRoute[] {
  const scrape = new Scrape({ collect: exposition, clock, intervalMs: scrapeIntervalMs })
  return [
    {
      name: 'Health',
      method: 'GET',
      path: '/_/health',
      type: 'text/plain',
      answer: ({ isStopping }) =>
        isStopping ? { status: 503, text: 'stopping\n' } : { status: 200, text: 'ok\n' },
    },
    {
      name: 'Metrics',
      method: 'GET',
      path: '/_/metrics',
      type: prometheusType,
      answer: async () => ({ status: 200, text: await scrape.text() }),
    },
    {
      name: 'Page',
      method: 'GET',
      path: '/',
      type: 'text/html; charset=utf-8',
      headers: pageHeaders(),
      answer: (asked) => ({ status: asked.isStopping ? 503 : 200, text: pageText(asked) }),
    },
  ]
}
