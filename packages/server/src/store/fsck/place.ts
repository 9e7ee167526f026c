// Finds the objects that have given bodies, by bucket and key. Rows lead only downwards, from buckets to
// bodies, so each level above the bodies costs a scan of the tree. Used for damage, which is rare. Only
// rows on a path to a body are kept in memory.

import { type Bytes, text } from '../../base/bytes.ts'
import type { BucketId, DirectoryId } from '../../base/terms.ts'
import type { Range, Row } from '../../engine/engine.ts'
import { decodePart } from '../body/body.ts'
import * as bodySchema from '../body/schema.ts'
import type { PartRecord } from '../body/upload.ts'
import { type Body, unpack } from '../row/record.ts'
import type { BucketRecord } from '../tree/bucket.ts'
import { decodeDirectory, decodeEntry, recordOf, splitKey } from '../tree/entry.ts'
import * as treeSchema from '../tree/schema.ts'

/** Reads of the store: each of the newest state, or all of one snapshot. */
export interface Rows {
  get(key: Bytes): Promise<Bytes | undefined>
  range(range: Range): AsyncIterable<Row>
}

/** The maximum number of names found per body. */
const namesOfBody = 10
/** The maximum number of paths followed at once. Copies of copies could lead to too many names to report. */
const waysAtOnce = 10_000
/** The number of levels of the longest key. */
const levels = 1025

/** A body's name in findings: `body 12`, `blob 3-17`. */
export function nameOfBody(body: Extract<Body, { kind: 'row' | 'blob' }>): string {
  return `${body.kind === 'row' ? 'body' : 'blob'} ${body.id}`
}

/** A directory with a body below it, and the rest of the key after the directory's own name. */
interface Way {
  readonly directory: DirectoryId
  readonly suffix: Bytes
  readonly body: string
}

/**
 * The objects that have one of `bodies`, which are named as by {@link nameOfBody}. Up to ten objects per
 * body, as `bucket/key`, including uploads in progress. A body without objects is not in the map.
 */
export async function findObjects(
  rows: Rows,
  bodies: ReadonlySet<string>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = new Map<string, string[]>()
  const found = (body: string, name: string): void => {
    const known = names.get(body)
    if (known === undefined) names.set(body, [name])
    else if (known.length < namesOfBody && !known.includes(name)) known.push(name)
  }
  const buckets: { readonly name: string; readonly root: DirectoryId; readonly id: BucketId }[] = []
  for await (const { key, value } of rows.range(treeSchema.buckets(new Uint8Array()))) {
    buckets.push({ ...unpack<BucketRecord>(value), name: text(treeSchema.bucketName(key)) })
  }
  const roots = new Map(buckets.map(({ root, name }) => [root, name]))
  await findUploads(rows, bodies, { buckets, found })
  let ways = await findEntries(rows, bodies)
  for (let level = 0; ways.length > 0 && level < levels; level++) {
    for (const { directory, suffix, body } of ways) {
      const bucket = roots.get(directory)
      if (bucket !== undefined) found(body, `${bucket}/${text(suffix)}`)
    }
    ways = await climb(rows, ways)
  }
  return names
}

async function findUploads(
  rows: Rows,
  bodies: ReadonlySet<string>,
  into: {
    readonly buckets: readonly { readonly name: string; readonly id: BucketId }[]
    readonly found: (body: string, name: string) => void
  },
): Promise<void> {
  const parts = new Map<number, string>()
  for await (const { key, value } of rows.range(bodySchema.allParts())) {
    const body = nameOfBody({ kind: 'blob', id: unpack<PartRecord>(value).blobId })
    if (bodies.has(body)) parts.set(bodySchema.parsePart(key).upload, body)
  }
  if (parts.size === 0) return
  for await (const row of rows.range(bodySchema.allUploads())) {
    const { bucketId, key, number } = bodySchema.parseUpload(row.key)
    const body = parts.get(number)
    const bucket = into.buckets.find(({ id }) => id === bucketId)
    if (body === undefined || bucket === undefined) continue
    into.found(body, `${bucket.name}/${text(key)} (an upload in progress)`)
  }
}

/** The entries of objects that have one of the bodies, directly or in a manifest. */
async function findEntries(rows: Rows, bodies: ReadonlySet<string>): Promise<Way[]> {
  const manifests = new Map<number, Set<string>>()
  for await (const { key, value } of rows.range(bodySchema.allManifestParts())) {
    const body = nameOfBody({ kind: 'blob', id: decodePart(value).blobId })
    if (!bodies.has(body)) continue
    const { id } = bodySchema.parseManifestPart(key)
    const known = manifests.get(id)
    if (known === undefined) manifests.set(id, new Set([body]))
    else known.add(body)
  }
  const among = (body: Body): Iterable<string> => {
    if (body.kind === 'empty') return []
    if (body.kind === 'manifest') return manifests.get(body.id) ?? []
    const name = nameOfBody(body)
    return bodies.has(name) ? [name] : []
  }
  const ways: Way[] = []
  for await (const { key, value } of rows.range(treeSchema.allEntries())) {
    const entry = decodeEntry(value)
    if (entry.kind !== 'object') continue
    for (const body of among(recordOf(entry).body)) {
      if (ways.length === waysAtOnce) return ways
      const { id, name } = treeSchema.parseEntry(key)
      ways.push({ directory: id, suffix: Buffer.from(name), body })
    }
  }
  return ways
}

/** The ways one level up: through folders that lead to the directories, and overlays above them. */
async function climb(rows: Rows, ways: readonly Way[]): Promise<Way[]> {
  const from = Map.groupBy(ways, ({ directory }) => directory)
  const up: Way[] = []
  const push = (way: Way): void => {
    if (up.length < waysAtOnce) up.push(way)
  }
  for await (const { key, value } of rows.range(treeSchema.directories())) {
    const { base } = decodeDirectory(value)
    const directory = treeSchema.directoryId(key)
    for (const way of base === undefined ? [] : (from.get(base) ?? [])) {
      // A row of the overlay hides the same row of its base.
      const { folders, name } = splitKey(way.suffix)
      const hiding = treeSchema.entry(directory, folders[0] ?? name)
      if ((await rows.get(hiding)) === undefined) push({ ...way, directory })
    }
  }
  for await (const { key, value } of rows.range(treeSchema.allEntries())) {
    const entry = decodeEntry(value)
    if (entry.kind !== 'folder') continue
    const below = from.get(entry.child)
    if (below === undefined) continue
    const { id, name } = treeSchema.parseEntry(key)
    for (const { suffix, body } of below) {
      push({ directory: id, suffix: Buffer.concat([name, suffix]), body })
    }
  }
  return up
}
