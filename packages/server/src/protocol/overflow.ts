// The answer to a head that is too large to be parsed, in the form of its protocol. Only the head's beginning
// is known.

import type { BareAnswer } from './http/server.ts'
import { headersTooLarge } from './s3/overflow.ts'
import { simpleDbOverflow } from './simpledb/overflow.ts'

/** The answer to a head that begins with `head`. */
export function overflowAnswer(head: string): BareAnswer {
  return simpleDbOverflow(head) ?? headersTooLarge
}
