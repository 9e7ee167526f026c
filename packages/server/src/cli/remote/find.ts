// `holdfast find`: lists the objects below a name that meet all conditions, one per line.

import { exitCodes } from '../../base/exit.ts'
import { printable } from './format.ts'
import type { Filter, FindConfig } from './inspect-config.ts'
import { listObjects, type ObjectEntry } from './listing.ts'
import { lastName, show } from './name.ts'
import { withServer } from './session.ts'

/** Prints the names, in the order of the keys. */
export async function find(config: FindConfig): Promise<number> {
  const { name, filter, isJson } = config
  const now = Date.now()
  await withServer(config.server, async (session) => {
    for await (const entry of listObjects(session, name)) {
      session.signal.throwIfAborted()
      if (!meets(filter, entry, now)) continue
      const { key, sizeBytes, modified, etag } = entry
      const object = { bucket: name.bucket, key }
      if (isJson) console.log(JSON.stringify({ ...object, sizeBytes, modified, etag }))
      else console.log(printable(show(object)))
    }
  })
  return exitCodes.ok
}

/** True if an object meets every condition. `now` is in milliseconds since the Unix epoch. */
export function meets(filter: Filter, entry: ObjectEntry, now: number): boolean {
  const { key, sizeBytes } = entry
  const ageMs = now - entry.modified.getTime()
  return (
    (filter.name?.matches(lastName(key)) ?? true) &&
    (filter.path?.matches(key) ?? true) &&
    (filter.largerBytes === undefined || sizeBytes > filter.largerBytes) &&
    (filter.smallerBytes === undefined || sizeBytes < filter.smallerBytes) &&
    (filter.newerMs === undefined || ageMs < filter.newerMs) &&
    (filter.olderMs === undefined || ageMs > filter.olderMs)
  )
}
