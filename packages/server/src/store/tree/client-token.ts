// Client tokens: a request that a client repeats under the same token, since it lost the answer, is
// answered as before instead of being done twice. A token is kept for a day, in the transaction of
// what it stands for.

import { createHash } from 'node:crypto'
import { type Bytes, compareBytes } from '../../base/bytes.ts'
import { StoreError } from '../../base/errors.ts'
import type { BucketId } from '../../base/terms.ts'
import type { WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import * as schema from './schema.ts'

/** Milliseconds that a token is remembered. */
const tokenLifeMs = 86_400_000

/** A token, and all that the request asks for. */
export interface ClientToken {
  readonly bucketId: BucketId
  readonly token: string
  readonly parameters: readonly (string | number | boolean | undefined)[]
}

type PackedToken = [parameters: Bytes, expiresAt: number]

/**
 * Remembers a token until a day after `now`, in milliseconds since the epoch. Returns when the same
 * request was done under it before, or undefined if it wasn't.
 * @throws StoreError `IdempotencyParameterMismatch` if another request was.
 */
export async function takeClientToken(
  tx: WriteTransaction,
  { bucketId, token, parameters }: ClientToken,
  now: number,
): Promise<number | undefined> {
  const key = schema.clientToken(bucketId, hash(token))
  const wanted = hash(JSON.stringify(parameters.map((value) => value ?? null)))
  const value = await tx.get(key)
  if (value !== undefined) {
    const [known, expiresAt] = unpack<PackedToken>(value)
    if (expiresAt > now) {
      if (compareBytes(known, wanted) === 0) return expiresAt - tokenLifeMs
      throw new StoreError({ code: 'IdempotencyParameterMismatch' })
    }
    tx.delete(schema.tokenExpiry(expiresAt, key))
  }
  const expiresAt = now + tokenLifeMs
  const packed: PackedToken = [wanted, expiresAt]
  tx.put(key, pack(packed))
  tx.put(schema.tokenExpiry(expiresAt, key), new Uint8Array())
  return undefined
}

/** Forgets up to `limit` tokens that have expired, and returns how many. */
export async function forgetClientTokens(
  tx: WriteTransaction,
  now: number,
  limit: number,
): Promise<number> {
  const rows: Bytes[] = []
  for await (const { key } of tx.range(schema.tokensExpiredBefore(now))) {
    rows.push(key)
    if (rows.length === limit) break
  }
  for (const row of rows) {
    tx.delete(row)
    tx.delete(schema.expiredToken(row))
  }
  return rows.length
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
