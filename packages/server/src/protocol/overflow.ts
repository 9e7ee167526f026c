// The response to a head that is too large for the parser. The protocol is guessed from the last piece, since
// the earlier ones are gone.

import type { BareAnswer } from './http/server.ts'
import { headersTooLarge } from './s3/overflow.ts'
import { isLongQuery, uriTooLong } from './simpledb/overflow.ts'

/** The response to a head whose last piece, `piece`, made it too large. */
export function overflowAnswer(piece: Uint8Array): BareAnswer {
  const text = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1')
  return isLongQuery(text) ? uriTooLong : headersTooLarge
}
