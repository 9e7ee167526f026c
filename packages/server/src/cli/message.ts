// Messages between the primary and its workers. Both are this program, so the shapes of messages aren't checked.

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

/** A message from the primary to a worker. */
export type ToWorker =
  | { readonly kind: 'start'; readonly setup: WorkerSetup }
  /** Requests a `pong`, which shows that the worker's event loop runs. */
  | { readonly kind: 'ping' }
  /** A connection; the message has a socket. */
  | { readonly kind: 'connection' }
  | { readonly kind: 'stop'; readonly graceMs: number }
  | { readonly kind: 'keys'; readonly keys: readonly AccessKey[] }
  /** New connections get this certificate. */
  | { readonly kind: 'tls'; readonly tls: TlsTexts }
  | { readonly kind: 'count'; readonly id: number }
  | { readonly kind: 'exposition'; readonly id: number; readonly text: string }

/** A message from a worker to the primary. */
export type ToPrimary =
  | { readonly kind: 'ready' }
  /** The worker has received the connection. */
  | { readonly kind: 'taken' }
  /** The number of connections closed since the last message of this kind. */
  | { readonly kind: 'closed'; readonly count: number }
  /** The worker could not start. `message` is for the operator. */
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: number }
  | { readonly kind: 'pong' }
  /** The worker needs the metrics of the whole server. */
  | { readonly kind: 'scrape'; readonly id: number }
  | { readonly kind: 'counted'; readonly id: number; readonly metrics: MetricsSnapshot }
