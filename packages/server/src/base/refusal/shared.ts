// Refusals that requests of every protocol can meet: those of authorization, of the HTTP message, and of
// the engine below.

/** The engine's, and those of the space and memory that all requests share. */
export type EngineRefusal =
  /** Too much at once of what `resource` names; the same request may succeed later. */
  | {
      readonly code: 'SlowDown'
      readonly resource: 'ids' | 'memory' | 'queries' | 'readers' | 'writers'
    }
  | { readonly code: 'StoreClosed' }
  /** Other processes took this one for dead; it ends. */
  | { readonly code: 'DeclaredDead' }
  | { readonly code: 'ReadTooLong'; readonly limitMs: number }
  /** `reserve`: nearly full, so that only removals go on; `blobs`: full for large bodies. */
  | { readonly code: 'InsufficientStorage'; readonly space: 'disk' | 'reserve' | 'blobs' }
  | { readonly code: 'CommitFailed' }
  /** The engine failed before, and has to be opened again. */
  | { readonly code: 'StoreFailed' }
  | { readonly code: 'TransactionTooLarge'; readonly rows: number; readonly sizeBytes: number }
  | { readonly code: 'RowKeyTooLong'; readonly sizeBytes: number; readonly maximumBytes: number }

/** Those of the HTTP message. */
export type MessageRefusal =
  | {
      readonly code: 'InvalidUri'
      readonly uri: string
      /** `host`: it names another host than the Host header. */
      readonly problem: 'syntax' | 'host'
    }
  | { readonly code: 'HeaderSectionTooLarge'; readonly maximumBytes: number }
  /** The Host header is missing, or names no host. */
  | { readonly code: 'InvalidHost' }
  | { readonly code: 'TransferEncodingInHttp10' }
  /** A header that may be there once only. */
  | { readonly code: 'RepeatedHeader'; readonly name: string }
  | { readonly code: 'TooManyParameters' }
  | { readonly code: 'InvalidContentLength' }
  /** `chunk`: it broke off inside the aws-chunked framing. */
  | { readonly code: 'IncompleteBody'; readonly part: 'body' | 'chunk' }
  /** A body in chunks that are mostly framing. */
  | { readonly code: 'WastefulChunks' }
  | { readonly code: 'RequestTimeout' }
  | { readonly code: 'MessageTooLong'; readonly maximumBytes: number }

export type SharedRefusal =
  | EngineRefusal
  | MessageRefusal
  | {
      readonly code: 'AccessDenied'
      /** Given to principals, for resources in a bucket. */
      readonly action?: string | undefined
      /** Of the bucket. */
      readonly region?: string | undefined
    }
