// The options of an embedded server, and what is checked and filled in before it opens.

import type { BucketDefaults } from '../access/bucket-defaults.ts'
import type { AccessKey } from '../access/key.ts'
import { newRootKey, rootOwner } from '../access/new-key.ts'
import type { PublicAccessBlock } from '../access/public-access-block.ts'
import type { SimpleDbLimits } from '../base/limits.ts'
import { type Network, parseNetwork } from '../base/network.ts'
import { isRegionName } from '../base/region.ts'
import type { Log } from '../observe/log.ts'
import type { Acceptance } from '../operation/acceptance.ts'

/** Objects by key: texts, which are stored as UTF-8, or bytes. */
export type SeedObjects = Readonly<Record<string, string | Uint8Array>>

/** A bucket with its first objects. */
export interface SeededBucket {
  readonly bucket: string
  readonly objects: SeedObjects
}

/** An access key. Keys without an owner belong to one owner, called `root`. */
export type KeyOption = Omit<AccessKey, 'owner'> & Partial<Pick<AccessKey, 'owner'>>

/**
 * Buckets by name, or names with the objects of each: `['empty']`, or `{ photos: { 'a.txt': 'text' } }`.
 * Existing buckets are kept, and objects overwritten.
 */
export type BucketsOption = readonly string[] | Readonly<Record<string, SeedObjects>>

/** The options of every embedded server. */
export interface CommonEmbedOptions {
  /** The address to listen at; default 127.0.0.1. */
  readonly host?: string
  /** The port to listen at; default 0, a free one. */
  readonly port?: number
  /** False to listen at nothing until `listen` is called: for a `handler` behind a server of one's own. */
  readonly listen?: boolean
  /** Buckets, with objects, that the root owns; they are there when `open` resolves. */
  readonly buckets?: BucketsOption
  /** The server's own names besides `localhost`. The Host header may be `bucket.NAME`. */
  readonly domains?: readonly string[]
  /** Names under which buckets with a website are served to browsers: `bucket.NAME`; default none. */
  readonly websiteDomains?: readonly string[]
  /** The only region accepted in signatures; default: any. */
  readonly region?: string
  /** Whether S3's Signature Version 2 is accepted beside Version 4; default true. */
  readonly acceptsSignatureV2?: boolean
  /**
   * Networks such as `10.0.0.0/8` whose proxies are believed: the address and scheme of a client are
   * those in their `X-Forwarded-For` and `X-Forwarded-Proto`, or `Forwarded`. None if left out.
   */
  readonly trustedProxies?: readonly string[]
  /** The access settings of new buckets: today's of AWS, or those before 2023; default `aws`. */
  readonly bucketDefaults?: BucketDefaults
  /** Blocks public access to all buckets, in addition to each one's own block; default none. */
  readonly accountBlock?: PublicAccessBlock
  readonly log?: Log
  /** Limits of domains in place of SimpleDB's own. */
  readonly simpleDbLimits?: Partial<SimpleDbLimits>
  /** The lag of item reads without ConsistentRead, in milliseconds; default 0. */
  readonly eventualLagMs?: number
}

/** The options of a server on a data folder. */
export interface FolderEmbedOptions extends CommonEmbedOptions {
  /**
   * Created if missing; otherwise a data folder, or empty. Other processes may have it open, including
   * `holdfast serve`.
   */
  readonly dataFolder: string
  /** At least one; the owner of the first is the root. */
  readonly keys: readonly KeyOption[]
  /** The scrub's read rate in MiB/s; 0 for no scrub; default 8. */
  readonly scrubMibPerSecond?: number
  /**
   * The accepted mismatches of a data folder's rows (`engine/`) and bodies (`blobs/`), as with the
   * command's `--accept-lost-rows` and `--accept-lost-blobs`; default none.
   */
  readonly accepts?: readonly Acceptance[]
  /**
   * Called once if other processes on the data folder declared this one dead, for example after it was
   * stopped for more than a minute. From then on all writes are refused: close the server and reopen it.
   */
  readonly onDeposed?: () => void
}

/** The options of a server whose store ends with it: in memory, or in a temporary folder. */
export type PassingEmbedOptions = CommonEmbedOptions & {
  /** The first one's owner is the root; default: one random key. */
  readonly keys?: readonly KeyOption[]
} & (
    | {
        readonly memory: true
        /** The most memory that the store may take, in bytes; default 1 GiB. */
        readonly memoryLimitBytes?: number
      }
    | { readonly temporary: true }
  )

/** Any options of `open`. */
export type EmbedOptions = FolderEmbedOptions | PassingEmbedOptions

/** Where the store is. */
export type StorePlace = 'folder' | 'memory' | 'temporary'

/** The place that `options` name. @throws TypeError unless they name exactly one */
export function placeOf(options: EmbedOptions): StorePlace {
  const places: StorePlace[] = []
  if ('dataFolder' in options && options.dataFolder !== undefined) places.push('folder')
  if ('memory' in options && options.memory === true) places.push('memory')
  if ('temporary' in options && options.temporary === true) places.push('temporary')
  const [place] = places
  if (place !== undefined && places.length === 1) return place
  throw new TypeError(
    'open() needs one of dataFolder: "…", memory: true, and temporary: true, to say where the store is',
  )
}

/** The keys of `options`, each with its owner. @throws TypeError if they can't be used */
export function keysOf(options: EmbedOptions, place: StorePlace): readonly AccessKey[] {
  const { keys } = options
  if (keys === undefined && place !== 'folder') return [newRootKey()]
  if (keys === undefined || keys.length === 0) {
    throw new TypeError(
      'open() needs at least one access key: keys: [{ accessKeyId, secretAccessKey }]',
    )
  }
  const ids = new Set(keys.map(({ accessKeyId }) => accessKeyId))
  if (ids.size < keys.length) throw new TypeError('open() was given two keys with one accessKeyId')
  return keys.map(({ owner = rootOwner, ...key }) => ({ ...key, owner }))
}

/** The networks of trusted proxies. @throws TypeError for a malformed one */
export function proxiesOf({ trustedProxies = [] }: EmbedOptions): readonly Network[] {
  return trustedProxies.map((text) => {
    const network = parseNetwork(text)
    if (network === undefined) throw new TypeError(`${text} is not a network such as 10.0.0.0/8`)
    return network
  })
}

/** The only region that signatures may name, if there is one. @throws TypeError for a malformed name */
export function regionOf({ region }: EmbedOptions): string | undefined {
  if (region === undefined || isRegionName(region)) return region
  throw new TypeError(`${region} is not the name of a region such as us-east-1`)
}

/** Each bucket with its objects. */
export function bucketsOf({ buckets = [] }: EmbedOptions): readonly SeededBucket[] {
  if (isNames(buckets)) return buckets.map((bucket) => ({ bucket, objects: {} }))
  return Object.entries(buckets).map(([bucket, objects]) => ({ bucket, objects }))
}

function isNames(buckets: BucketsOption): buckets is readonly string[] {
  return Array.isArray(buckets)
}
