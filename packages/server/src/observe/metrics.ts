// Metrics: the interface used by every layer. `compose.ts` chooses the implementation.

/** One completed or aborted request. */
export interface RequestSample {
  /** `s3`, `simpledb`, `admin`. */
  readonly protocol: string
  /** The operation's documented name, or `Unknown`. */
  readonly operation: string
  /** HTTP status; 499 when the client disconnected before the response. */
  readonly status: number
  readonly durationSeconds: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** Records samples; never throws. */
export interface Metrics {
  request(sample: RequestSample): void
  /** Sets the number of blobs awaiting garbage collection. */
  blobsPending(count: number): void
  /** Counts blobs and rows removed by garbage collection. */
  collected(kind: 'blob' | 'row', count: number): void
  /** Sets the numbers of held and waiting leases. */
  leases(counts: { readonly held: number; readonly waiting: number }): void
  /** Counts a body that was found damaged, by a request or by the scrub. */
  damagedBody(foundBy: 'read' | 'scrub'): void
  /** Counts bytes that the scrub read. */
  scrubbed(bytes: number): void
  /** Tells when the scrub last came to the end of all bodies, in seconds since the epoch. */
  scrubEnded(seconds: number): void
}

/** Discards everything: for tests and for embedding. */
export const silentMetrics: Metrics = {
  request: () => undefined,
  blobsPending: () => undefined,
  collected: () => undefined,
  leases: () => undefined,
  damagedBody: () => undefined,
  scrubbed: () => undefined,
  scrubEnded: () => undefined,
}
