// What the server counts: the interface that every layer is given. What exposes it is made in `compose.ts`.

/** One request that was answered, or given up. */
export interface RequestSample {
  /** `s3`, `simpledb`, `admin`. */
  readonly protocol: string
  /** The operation's name as the protocol documents it, or `Unknown`. */
  readonly operation: string
  /** HTTP status; 499 when the client left before the answer. */
  readonly status: number
  readonly durationSeconds: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** Takes samples; never throws. */
export interface Metrics {
  request(sample: RequestSample): void
  /** Sets the number of blobs that wait for collection. */
  blobsPending(count: number): void
  /** Counts blobs and rows that the collection removed. */
  collected(kind: 'blob' | 'row', count: number): void
  /** Sets the numbers of leases that are held and that wait. */
  leases(counts: { readonly held: number; readonly waiting: number }): void
  /** Counts a body that was found damaged, by a request or by the scrub. */
  damagedBody(foundBy: 'read' | 'scrub'): void
  /** Counts bytes that the scrub read. */
  scrubbed(bytes: number): void
  /** Tells when the scrub last came to the end of all bodies, in seconds since the epoch. */
  scrubEnded(seconds: number): void
}

/** Counts nothing: for tests and for embedding. */
export const silentMetrics: Metrics = {
  request: () => undefined,
  blobsPending: () => undefined,
  collected: () => undefined,
  leases: () => undefined,
  damagedBody: () => undefined,
  scrubbed: () => undefined,
  scrubEnded: () => undefined,
}
