// The store's secret key: random, generated once, and shared by all processes of the store. It
// seals continuation tokens.

import type { Bytes } from '../../base/bytes.ts'
import type { WriteTransaction } from '../../engine/engine.ts'
import * as schema from './schema.ts'

/** Returns the secret; `random` becomes the secret if the store has none. */
export async function ensureSecret(tx: WriteTransaction, random: Bytes): Promise<Bytes> {
  const known = await tx.get(schema.secret())
  if (known !== undefined) return known
  tx.put(schema.secret(), random)
  return random
}
