// The input of a protocol for each request, and its result for the log and metrics.

/** The circumstances of one request. */
export interface Exchange {
  /** Unique and unguessable enough to be quoted to support; shown to the client. */
  readonly requestId: string
  /** Aborted when the client has gone or the server gives the request up. */
  readonly signal: AbortSignal
  /** Aborted when the server is told to stop: a request that only waits should end. */
  readonly stopping?: AbortSignal
  /** True when the client waits for `100 Continue` before it sends its body. */
  readonly isContinueExpected: boolean
}

/** The outcome of a request. */
export interface ExchangeResult {
  /** As the metrics name it; `s3` if left out. */
  readonly protocol?: 'simpledb'
  /** As the protocol documents it, or `Unknown`. */
  readonly operation: string
  /** HTTP status; 499 when the client left before the answer. */
  readonly status: number
  /** Bytes of body that were received. */
  readonly bytesIn: number
  /** Bytes of body that were sent. */
  readonly bytesOut: number
  /** The access key that signed the request, if the signature holds. */
  readonly accessKeyId?: string | undefined
}

/** HTTP status that stands in logs and metrics for a client that left before the answer. */
export const clientClosedRequest = 499
