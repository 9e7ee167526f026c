// The first content of a store: buckets that a server is started with, and objects in them.

import { isStoreError } from '../base/errors.ts'
import { createBucket } from './bucket.ts'
import { putObject } from './object.ts'
import type { Caller, Services } from './operation.ts'
import { run } from './run.ts'

/** Objects by key. */
export type SeedObjects = Readonly<Record<string, string | Uint8Array>>

/**
 * Creates a bucket if the caller has none of that name, and puts objects into it.
 * @throws StoreError `BucketAlreadyExists` if it is another owner's, `InvalidBucketName`
 */
export async function seedBucket(
  services: Services,
  caller: Caller,
  seed: { readonly bucket: string; readonly objects?: SeedObjects },
): Promise<void> {
  const { bucket, objects = {} } = seed
  const { region } = services
  // Without it, a server with a fixed region other than us-east-1 refuses the bucket.
  const location = region === 'us-east-1' ? {} : { locationConstraint: region }
  try {
    await run(services, caller, createBucket, { bucket, ...location })
  } catch (error) {
    if (!isStoreError(error, 'BucketAlreadyOwnedByYou')) throw error
  }
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

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes
}
