// Refusals common to all protocols: of authorization, of the HTTP message, and of the engine.

/** Refusals of the engine, and of the disk space and memory that all requests share. */
export type EngineRefusal =
  /** `resource` is exhausted for now; a retry may succeed. */
  | {
      readonly code: 'SlowDown'
      readonly resource: 'ids' | 'memory' | 'queries' | 'readers' | 'writers'
    }
  | { readonly code: 'StoreClosed' }
  /** Other processes declared this one dead; it ends. */
  | { readonly code: 'DeclaredDead' }
  | { readonly code: 'ReadTooLong'; readonly limitMs: number }
  /** `reserve`: nearly full, so only removals proceed; `blobs`: full for large bodies. */
  | {
      readonly code: 'InsufficientStorage'
      readonly space: 'disk' | 'reserve' | 'blobs' | 'memory'
    }
  | { readonly code: 'CommitFailed' }
  /** The engine failed earlier and must be reopened. */
  | { readonly code: 'StoreFailed' }
  | { readonly code: 'TransactionTooLarge'; readonly rows: number; readonly sizeBytes: number }
  | { readonly code: 'RowKeyTooLong'; readonly sizeBytes: number; readonly maximumBytes: number }

/** Refusals of the HTTP message. */
export type MessageRefusal =
  | {
      readonly code: 'InvalidUri'
      readonly uri: string
      /** `host`: the target names a host other than the Host header's. */
      readonly problem: 'syntax' | 'host'
    }
  | { readonly code: 'HeaderSectionTooLarge'; readonly maximumBytes: number }
  /** The Host header is missing, or names no host. */
  | { readonly code: 'InvalidHost' }
  | { readonly code: 'TransferEncodingInHttp10' }
  /** A header that may occur only once. */
  | { readonly code: 'RepeatedHeader'; readonly name: string }
  | { readonly code: 'TooManyParameters' }
  | { readonly code: 'InvalidContentLength' }
  /** `chunk`: the body ended inside the aws-chunked framing. */
  | { readonly code: 'IncompleteBody'; readonly part: 'body' | 'chunk' }
  /** A body in chunks that are mostly framing. */
  | { readonly code: 'WastefulChunks' }
  | { readonly code: 'RequestTimeout' }
  | { readonly code: 'MessageTooLong'; readonly maximumBytes: number }

/** Work that S3 does only for requests with a key, whatever its policies and lists allow: by name, or as an action. */
export type KeyedWork =
  | 'copy'
  | 'multipart upload'
  | 'lease'
  | 'SelectObjectContent'
  | 's3:GetBucketOwnershipControls'
  | 's3:PutBucketOwnershipControls'

export type SharedRefusal =
  | EngineRefusal
  | MessageRefusal
  | {
      readonly code: 'AccessDenied'
      /** Set for principals, on resources in a bucket. */
      readonly action?: string | undefined
      /** The bucket's region. */
      readonly region?: string | undefined
      /** The setting that refuses every caller. */
      readonly setting?: 'BlockPublicAcls' | 'BlockPublicPolicy' | undefined
      /** The work that an anonymous request asked for. */
      readonly keyedWork?: KeyedWork | undefined
    }
