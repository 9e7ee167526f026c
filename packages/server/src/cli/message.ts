// Messages between the primary process and its workers. Both are this program, so messages are
// trusted to have these shapes.

import type { AccessKey } from '../access/key.ts'
import type { ServeConfig } from '../config.ts'
import type { MetricsSnapshot } from '../observe/prometheus.ts'

/** PEM texts of a certificate chain and its private key. */
export interface TlsTexts {
  readonly cert: string
  readonly key: string
}

/** The settings of a worker. */
export interface WorkerSetup {
  readonly config: ServeConfig
  readonly keys: readonly AccessKey[]
  readonly tls: TlsTexts | undefined
  /** The worker's name in logs and metrics. */
  readonly name: string
}

/** From the primary to a worker. */
export type ToWorker =
  | { readonly kind: 'start'; readonly setup: WorkerSetup }
  /** Asks for a `pong`: the worker's event loop still turns. */
  | { readonly kind: 'ping' }
  /** Comes with a socket. */
  | { readonly kind: 'connection' }
  | { readonly kind: 'stop'; readonly graceMs: number }
  | { readonly kind: 'keys'; readonly keys: readonly AccessKey[] }
  /** New connections get this certificate. */
  | { readonly kind: 'tls'; readonly tls: TlsTexts }
  | { readonly kind: 'count'; readonly id: number }
  | { readonly kind: 'exposition'; readonly id: number; readonly text: string }

/** From a worker to the primary. */
export type ToPrimary =
  | { readonly kind: 'ready' }
  /** The worker has the connection that it was sent. */
  | { readonly kind: 'taken' }
  /** The number of its connections that were closed since its last message of this kind. */
  | { readonly kind: 'closed'; readonly count: number }
  /** The worker couldn't start; the reason is for the operator. */
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: number }
  | { readonly kind: 'pong' }
  /** The worker was asked for the metrics of the whole server. */
  | { readonly kind: 'scrape'; readonly id: number }
  | { readonly kind: 'counted'; readonly id: number; readonly metrics: MetricsSnapshot }
