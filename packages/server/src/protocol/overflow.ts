// The response to a head that is too large for the parser, in the form of its protocol. Only the beginning of the
// head is known.

import type { BareAnswer } from './http/server.ts'
import { headersTooLarge } from './s3/overflow.ts'
import { simpleDbOverflow } from './simpledb/overflow.ts'

/** The response to a head that begins with `head`. */
export function overflowAnswer(head: string): BareAnswer {
  return simpleDbOverflow(head) ?? headersTooLarge
}
