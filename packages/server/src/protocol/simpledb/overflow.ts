// SimpleDB's answer to a head that is too large to be parsed. It loads nothing else of SimpleDB, since every
// server needs it.

import { ownLimits } from '../../base/limits.ts'
import type { BareAnswer } from '../http/server.ts'

/** The whole of a long query, or a piece from its middle; only SimpleDB's clients send any. */
const longQuery = /^(?:(?:GET|POST) \/\?)?[^\s&]*&[^\s:]{512}/

/** True for a piece of a head whose query is too long. */
export function isLongQuery(piece: string): boolean {
  return longQuery.test(piece)
}

export const uriTooLong: BareAnswer = {
  status: 400,
  type: 'text/xml',
  text:
    '<?xml version="1.0"?>\n<Response><Errors><Error><Code>URITooLong</Code>' +
    `<Message>The URI exceeded the maximum limit of ${ownLimits.simpleDbUrlBytes}.</Message>` +
    '</Error></Errors><RequestID></RequestID></Response>',
}
