// SimpleDB's response to a head that is too large for the parser. This file imports nothing else of SimpleDB, since
// every server loads it.

import { ownLimits } from '../../base/limits.ts'
import type { BareAnswer } from '../http/server.ts'

/** Matches a long query, or a piece from its middle. Only SimpleDB's clients send such queries. */
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
