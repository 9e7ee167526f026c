// The answer to a head that is too large to be parsed. Its protocol can be told only from the piece that was
// too much, since the pieces before are gone.

import type { BareAnswer } from './http/server.ts'
import { headersTooLarge } from './s3/overflow.ts'
import { isLongQuery, uriTooLong } from './simpledb/overflow.ts'

/** The answer after `piece`, the last that was read, made a head too large. */
export function overflowAnswer(piece: Uint8Array): BareAnswer {
  const text = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1')
  return isLongQuery(text) ? uriTooLong : headersTooLarge
}
