// The comparison of two sides: one pass over both listings, with one entry of each in memory.

import { HeadObjectCommand } from '@aws-sdk/client-s3'
import type { Asking } from './listing.ts'
import { entriesOf, etagOfFile, type Place, type Reading, type SideEntry } from './side.ts'

/** The state of one name on both sides. */
export type Pairing =
  | { readonly kind: 'both'; readonly from: SideEntry; readonly to: SideEntry }
  | { readonly kind: 'source'; readonly from: SideEntry }
  | { readonly kind: 'target'; readonly to: SideEntry }

/** Pairs the entries of two places by their names, in the names' order. */
export async function* pair(
  { from, to }: { readonly from: Place; readonly to: Place },
  reading: { readonly from: Reading; readonly to: Reading },
): AsyncGenerator<Pairing> {
  const sources = entriesOf(from, reading.from)
  const targets = entriesOf(to, reading.to)
  try {
    let source = await sources.next()
    let target = await targets.next()
    while (source.done !== true || target.done !== true) {
      const order = source.done === true ? 1 : target.done === true ? -1 : byName(source, target)
      if (order < 0 && source.done !== true) yield { kind: 'source', from: source.value }
      else if (order > 0 && target.done !== true) yield { kind: 'target', to: target.value }
      else if (source.done !== true && target.done !== true) {
        yield { kind: 'both', from: source.value, to: target.value }
      }
      if (order <= 0) source = await sources.next()
      if (order >= 0) target = await targets.next()
    }
  } finally {
    await Promise.all([sources.return(undefined), targets.return(undefined)])
  }
}

function byName(
  { value: a }: { readonly value: SideEntry },
  { value: b }: { readonly value: SideEntry },
): number {
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))
}

/** The method of comparing contents. */
export type Comparison = 'size' | 'time' | 'content'

/** True if the target has the source's content, by that comparison. */
export async function isSame(
  asking: Asking,
  places: { readonly from: Place; readonly to: Place },
  { from, to }: { readonly from: SideEntry; readonly to: SideEntry },
  comparison: Comparison,
): Promise<boolean> {
  if (from.sizeBytes !== to.sizeBytes) return false
  if (comparison === 'size') return true
  if (comparison === 'content' || (from.etag !== undefined && to.etag !== undefined)) {
    const etags = await etagsOf(asking, places, { from, to })
    if (etags.from === etags.to) return true
    // The same content has different ETags if only one of them was uploaded in parts.
    if (isPlain(etags.from) === isPlain(etags.to)) return false
  }
  return timeOf(from, to) <= to.modified.getTime()
}

/** The source's time, in whole seconds for a downloaded file, as in HTTP. */
function timeOf(from: SideEntry, to: SideEntry): number {
  const ms = from.modified.getTime()
  return to.etag === undefined ? ms - (ms % 1000) : ms
}

function isPlain(etag: string): boolean {
  return !etag.includes('-')
}

/** The ETags of both. For a file, computed as for an upload with the part size of the other. */
async function etagsOf(
  asking: Asking,
  places: { readonly from: Place; readonly to: Place },
  { from, to }: { readonly from: SideEntry; readonly to: SideEntry },
): Promise<{ readonly from: string; readonly to: string }> {
  if (from.etag !== undefined && to.etag !== undefined) return { from: from.etag, to: to.etag }
  if (places.from.kind === 'local' && to.etag !== undefined) {
    const partBytes = await partBytesOf(asking, places.to, to)
    return { from: await etagOfFile(`${places.from.folder}${from.name}`, partBytes), to: to.etag }
  }
  if (places.to.kind === 'local' && from.etag !== undefined) {
    const partBytes = await partBytesOf(asking, places.from, from)
    return { from: from.etag, to: await etagOfFile(`${places.to.folder}${to.name}`, partBytes) }
  }
  throw new Error('two files are compared without an object')
}

/** The part size of an object's upload; undefined for an object without parts. */
async function partBytesOf(
  { s3, signal }: Asking,
  place: Place,
  { name, etag = '' }: SideEntry,
): Promise<number | undefined> {
  if (place.kind === 'local' || isPlain(etag)) return undefined
  const { bucket, key } = place.folder
  const command = new HeadObjectCommand({ Bucket: bucket, Key: key + name, PartNumber: 1 })
  return (await s3.send(command, { abortSignal: signal })).ContentLength
}
