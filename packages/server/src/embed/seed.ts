// The first content of an embedded store: buckets, and objects in them.

import type { AccessKey } from '../access/key.ts'
import { ensureBucket } from '../operation/ensure-bucket.ts'
import { putObject } from '../operation/object.ts'
import type { Services } from '../operation/operation.ts'
import { run } from '../operation/run.ts'
import type { SeededBucket } from './options.ts'

/** Creates the buckets that are missing, and puts the objects, for the owner of `key`. @throws StoreError */
export async function seedBuckets(
  services: Services,
  key: AccessKey,
  buckets: readonly SeededBucket[],
): Promise<void> {
  const { accessKeyId, owner } = key
  const { signal } = new AbortController()
  const caller = { principal: { accessKeyId, owner }, requestId: 'seed', signal }
  for (const { bucket, objects } of buckets) {
    await ensureBucket(services, caller, bucket)
    for (const [key, content] of Object.entries(objects)) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content
      await run(services, caller, putObject, {
        bucket,
        key,
        headers: {},
        metadata: {},
        storageClass: 'STANDARD',
        body: { source: once(bytes), sizeBytes: bytes.byteLength },
        conditions: {},
      })
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes
}
