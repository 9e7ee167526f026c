// Every bound that the server keeps, with its unit and where it comes from.

/** S3's limits; https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html unless said otherwise. */
export const s3Limits = {
  /** UTF-8 bytes of a key. */
  keyBytes: 1024,
  /** Bytes of all names and values of user metadata together (PutObject). */
  userMetadataBytes: 2048,
  /** Bytes of all names and values of system headers together, such as Content-Disposition (PutObject). */
  systemMetadataBytes: 2048,
  /** Bytes of one PUT, one part, or the source of one CopyObject (5 GiB). */
  singlePutBytes: 5_368_709_120,
  /** Bytes of one object (5 TiB). */
  objectBytes: 5_497_558_138_880,
  /** Bytes of every part but the last, at least (5 MiB). */
  minimumPartBytes: 5_242_880,
  /** Parts of an upload, numbered from 1. */
  parts: 10_000,
  /** Entries of a page of a listing. */
  pageEntries: 1000,
  /** Keys of one DeleteObjects request. */
  deleteKeys: 1000,
  /** Buckets of one owner. */
  bucketsPerOwner: 10_000,
  /** Seconds that a presigned URL may live: seven days. */
  presignSeconds: 604_800,
  /** Milliseconds that a request's date may differ from the server's clock. */
  clockSkewMs: 900_000,
  /** Bytes of a DeleteObjects or CompleteMultipartUpload body: what the most entries can need, escaped. */
  xmlBodyBytes: 8_388_608,
  /** Bytes of a bucket policy without white space outside its texts. */
  policyBytes: 20_480,
  /** Grants of one access control list. */
  grants: 100,
  /** Bytes of the form fields before the file in a POST upload. */
  postFieldBytes: 20_480,
  /** Tags of an object, and of a bucket (userguide/object-tagging.html, userguide/CostAllocTagging.html). */
  objectTags: 10,
  bucketTags: 50,
  /** Rules of a bucket's CORS configuration (userguide/ManageCorsUsing.html). */
  corsRules: 100,
  /** Routing rules of a website (userguide/how-to-page-redirect.html). */
  routingRules: 50,
  /** Characters of a rule's id. */
  ruleIdLength: 255,
  /** UTF-16 units of a tag's key and of its value. */
  tagKeyLength: 128,
  tagValueLength: 256,
} as const

/**
 * SimpleDB's limits, which a server may be given others for;
 * https://docs.aws.amazon.com/AmazonSimpleDB/latest/DeveloperGuide/SDBLimits.html
 */
export const simpleDbLimits = {
  /** Domains of one owner. */
  domainsPerOwner: 250,
  /** Bytes of all item names, attribute names and values of one domain (10 GB). */
  domainBytes: 10_737_418_240,
  /** Name and value pairs of one domain. */
  domainPairs: 1_000_000_000,
  /** Name and value pairs of one item. */
  itemPairs: 256,
  /** Name and value pairs of one call, for each of its items. */
  submittedPairs: 256,
  /** Items of one batch. */
  submittedItems: 25,
  /** Bytes of the body of a batch request (1 MB). */
  batchRequestBytes: 1_048_576,
  /** UTF-8 bytes of an item's name, an attribute's name, and a value. */
  textBytes: 1024,
  /** Bytes of a page of Select (1 MB). */
  selectPageBytes: 1_048_576,
  /** Milliseconds for a page: SimpleDB's 5 s, less some for an engine's read to end in time. */
  selectMs: 4000,
  /** Exports in 24 hours, of one domain and of one owner. */
  exportsPerDomain: 5,
  exportsPerOwner: 25,
} as const

/** Limits that a server uses in place of {@link simpleDbLimits}. */
export type SimpleDbLimits = { readonly [Name in keyof typeof simpleDbLimits]: number }

/** SimpleDB's limits of Select; its developer guide, "Limits", unless said otherwise. */
export const selectLimits = {
  /** UTF-8 bytes of an item's name, an attribute's name, or a value. */
  valueBytes: 1024,
  /** Attributes named in an output list. */
  outputs: 256,
  /** Different attributes in the conditions. */
  predicates: 20,
  /** Comparisons in the conditions; each value of `in` counts, tests for null don't. */
  comparisons: 20,
  /** Tests for null in the conditions: our own. */
  nullTests: 256,
  /** Parentheses and `not`s within each other: our own. */
  depth: 100,
  /** Words, names, values and signs in an expression, our own: some times what the limits above need. */
  tokens: 10_000,
  /** UTF-16 units of an expression, our own: 256 names and 20 values of full length, all quoted. */
  expressionLength: 1_048_576,
  /** Items of a page, where the expression doesn't say, and at most. */
  defaultPageItems: 100,
  pageItems: 2500,
  /** Bytes of a page. */
  pageBytes: 1_048_576,
  /** Milliseconds for a page: SimpleDB's 5 s, less some for an engine's read to end in time. */
  queryMs: 4000,
  /** Entries of an index that are looked at to find out whether it is short. */
  probeEntries: 1000,
} as const

/** Limits of SelectObjectContent; S3's guide, "Filtering and retrieving data using Amazon S3 Select", unless said otherwise. */
export const contentSelectLimits = {
  /** UTF-8 bytes of an expression (256 KB). */
  expressionBytes: 262_144,
  /** Bytes of a record of the input, or of the result (1 MB). */
  recordBytes: 1_048_576,
  /** Columns of a record: our own, a record of empty fields has a million. */
  columns: 65_536,
  /** Columns of a result: our own. */
  projections: 4096,
  /** Expressions within each other, and steps of a path: our own. */
  depth: 100,
  /** Objects and arrays of JSON within each other: our own, so that no value overflows the stack. */
  jsonDepth: 500,
  /** Operators of one expression: our own, each may be a call within another. */
  operators: 20_000,
  /** Operators of one chain without parentheses, which make a tree as deep: our own. */
  chain: 1000,
  /** Queries of a process that run at once, and milliseconds that others wait for one to end: our own. */
  queries: 4,
  waitMs: 5000,
  /** MiB of the heap of one query: our own. The buffers beside it take a few more. */
  heapMegabytes: 192,
  /** Bytes of the columns of a Parquet row group that a query reads, as they are stored: our own. */
  rowGroupBytes: 67_108_864,
  /** Bytes of one page of such a column, decompressed: our own. */
  parquetPageBytes: 33_554_432,
  /** Milliseconds without a message after which the answer shows that the query goes on: our own. */
  keepAliveMs: 1000,
  /** Bytes of a message of records, at most. */
  messageBytes: 262_144,
  /** Bytes of the object that a query has been given and not yet used. */
  aheadBytes: 4_194_304,
} as const

/** Limits of our own, each so that memory and time stay bounded. */
export const ownLimits = {
  /** Bytes of a request's headers, of which S3 documents 8 KiB, and their number: 2 KB of metadata may be 1,000. */
  headerBytes: 32_768,
  headers: 2000,
  /** Bytes of a URL: one with a 1,024-byte key escaped needs 3 KiB. */
  urlBytes: 16_384,
  /** Bytes of a URL of SimpleDB, whose older clients send everything by GET: Amazon took about 250 KB. */
  simpleDbUrlBytes: 262_144,
  /** Bytes of heads, received in part, that a process holds at once; those with the most are cut off. */
  partialHeadBytes: 67_108_864,
  /** Open connections of a process; beyond, those that wait for a request the longest are closed. */
  connections: 10_000,
  /**
   * Requests that may be unanswered before their connection isn't read any more; and those of one process, each
   * of some KiB, before only connections without any are read.
   */
  unansweredPerConnection: 4,
  unansweredRequests: 10_000,
  /** Times that a transaction is tried before it gives up with SlowDown. */
  transactionAttempts: 64,
  /** Keys that one transaction may change, and bytes of their keys and values: a commit must stay short. */
  transactionChanges: 100_000,
  transactionBytes: 67_108_864,
  /** Keys that DeleteObjects removes in one transaction, and names of all their paths: others wait for it. */
  deletionKeys: 100,
  deletionDepth: 2000,
  /** Bytes of an object that was uploaded in parts and is read for the ETag of its copy: under a second. */
  rehashedBytes: 536_870_912,
  /** Transactions, keys changed, and bytes of one commit: it holds the writer's lock and blocks the event loop. */
  batchTransactions: 300,
  batchChanges: 5000,
  batchBytes: 8_388_608,
  /** Entries that a rename or copy of a folder looks at to find its longest key, where its bound is too high. */
  boundRows: 10_000,
  /** Transactions of one process that may wait for a commit. */
  waitingTransactions: 10_000,
  /** Bytes of the disk that only removals may use, or an eighth of a smaller disk: a large one rewrites thousands of pages. */
  reserveBytes: 67_108_864,
  /** Milliseconds between two heartbeats of a process, by which others know that it lives. */
  heartbeatMs: 5000,
  /** Milliseconds without one after which a process of which the system says nothing counts as dead. */
  heartbeatOverdueMs: 60_000,
  /** Milliseconds after the last heartbeat of a dead process in which a file of its own may be written. */
  heartbeatSlackMs: 60_000,
  /** Milliseconds that an engine read may last (an open snapshot keeps freed pages). */
  engineReadMs: 5000,
  /** Bytes of the form in a request's body: 256 pairs of 2,048 bytes, escaped, need 1.6 MB. */
  formBytes: 4_194_304,
  /** Bytes of forms without a key that a process holds at once, half of them at most from one address. */
  keylessBytes: 33_554_432,
  /** Bytes of a form that don't count: those of most requests. */
  freeFormBytes: 16_384,
  /** Milliseconds that a form may take, and without a byte: its signature is verified when it is whole. */
  keylessMs: 60_000,
  keylessIdleMs: 20_000,
  /** Bytes and parameters of URL and form that are parsed at once; beyond them, parsing waits for its turn. */
  quickFormBytes: 65_536,
  quickFormParameters: 2000,
  /** Bytes of an export's JSON. */
  exportBytes: 65_536,
  /** Parameters of one request: 25 items of 256 pairs with their flags have 19,225. */
  parameters: 25_000,
  /** Bytes of a body chunk that a slow client may leave unread before the source is paused. */
  streamBufferBytes: 524_288,
  /** Milliseconds without a byte after which a request body is given up. */
  bodyIdleMs: 60_000,
  /** Milliseconds that a client may take none of a waiting response chunk before it is given up. */
  responseIdleMs: 300_000,
  /** Bytes of an unread body that are read and dropped after an early answer to keep the connection. */
  drainBytes: 262_144,
  /** Bytes, and milliseconds, for which a connection that will be closed is still read, so that the client sees the answer. */
  lingerBytes: 16_777_216,
  lingerMs: 5000,
  /** Bytes of all such connections of a process; half of them at most from one address. Others are closed at once. */
  lingeringBytes: 67_108_864,
  /** Elements of one XML body: 10,000 parts with every checksum S3 knows need 150,000. */
  xmlElements: 200_000,
  /** Attributes of one XML body: an ACL of 100 grants has 200. */
  xmlAttributes: 1000,
  /** Depth of elements in an XML body: S3's deepest, a lifecycle filter, has 6. */
  xmlDepth: 16,
  /** Comments and processing instructions of an XML body, which have no more bytes together than one part may. */
  xmlAsides: 1000,
  /** Bytes of one part of an XML body, such as a text, a tag or a comment: a key, all escaped, has 6 KiB. */
  xmlPartBytes: 65_536,
  /** Headers that a preflight request may ask for; a browser asks for a few. */
  preflightHeaders: 128,
  /** Bytes of settings, as stored, that a process keeps decoded, for each kind of setting. */
  settingCacheBytes: 8_388_608,
  /** Bytes of an XML body that isn't a list, and of any that is parsed without waiting for its turn. */
  smallXmlBytes: 65_536,
  /** Bytes of one line of aws-chunked framing, and trailer lines of one body. */
  chunkLineBytes: 4096,
  trailerLines: 16,
  /** Chunks of one aws-chunked body that are too small; S3 takes none, but short bodies in a few do no harm. */
  smallChunks: 1024,
  /** Bytes of documents that a process holds at once: eight of the largest; a quarter at most for one owner. */
  documentBytes: 67_108_864,
  /** Bytes of the policies whose compiled forms a process keeps: a few hundred of the largest. */
  compiledPolicyBytes: 8_388_608,
  /** Bytes of a canonical request, or string to sign, that a refusal shows. */
  signatureFactBytes: 16_384,
  /** Derived signing keys that are remembered. */
  signingKeys: 1000,
} as const

/** How the exports that were asked for are done. */
export const exportLimits = {
  /** Exports under way at once; of one owner, as long as half of the places are free. Else an owner has one. */
  atOnce: 32,
  ofOwnerAtOnce: 4,
  /** Milliseconds that an export rests that couldn't go on: the first time, and at most after others. */
  firstRestMs: 1000,
  longestRestMs: 16_000,
} as const

/** Limits of leases. */
export const leaseLimits = {
  /** Milliseconds that a lease lives without a renewal. */
  minimumTtlMs: 1000,
  maximumTtlMs: 3_600_000,
  /** Milliseconds that one request may wait for its lease; a proxy gives up after 60 s by default. */
  waitMs: 60_000,
  /** Milliseconds that a place in the queue is kept for a client that doesn't ask again. */
  placeMs: 15_000,
  /** The same while its request waits, in case that its process dies; it is kept anew in half that time. */
  waitingPlaceMs: 30_000,
  /** Requests of one owner that may wait in one process: for leases, and writes, which may hold their bodies. */
  waitingLeases: 1000,
  waitingWrites: 500,
  /**
   * Requests of one owner that are tried at once in one process, and nodes of their leases: the time of a
   * commit, and of the attempts before it, grows with them, and the commits of others wait for it.
   */
  triedAtOnce: 32,
  nodesTriedAtOnce: 1000,
  /** Nodes of leases that one owner's requests in one process may have before their first attempt. */
  nodesInTurn: 100_000,
  /** Places in queues that are kept in one transaction. */
  placesKeptAtOnce: 100,
  /** Milliseconds that a write waits for another's lease; the SDKs try again after that. */
  writeWaitMs: 2000,
  /** Milliseconds for which an ended lease is remembered: one that was lost, one that was given back. */
  lostMs: 86_400_000,
  releasedMs: 900_000,
  /** Expired leases that one transaction ends, beside a bound of their nodes. */
  endedAtOnce: 16,
  /** Paths of one lease, and nodes of the tree that they and their ancestors are. */
  paths: 100,
  nodes: 1000,
  /** Characters (UTF-16) of a label. */
  labelLength: 256,
  /** Leases of a bucket, held and waiting together; may be overshot by what is under way. */
  leasesPerBucket: 10_000,
  /** Bytes of a request's JSON. */
  bodyBytes: 65_536,
  /** Leases of a page of a listing, and nodes of all of them together. */
  pageLeases: 1000,
  pageNodes: 10_000,
} as const
