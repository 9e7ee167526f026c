// The store's own secret: random, made once, shared by all processes on the store. Continuation
// tokens are sealed with it.

import type { Bytes } from '../base/bytes.ts'
import type { WriteTransaction } from '../engine/engine.ts'
import * as schema from './schema.ts'

/** The secret; `random` becomes it if the store has none yet. */
export async function ensureSecret(tx: WriteTransaction, random: Bytes): Promise<Bytes> {
  const known = await tx.get(schema.secret())
  if (known !== undefined) return known
  tx.put(schema.secret(), random)
  return random
}
