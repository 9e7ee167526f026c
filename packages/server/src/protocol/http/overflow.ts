// The answer to a head that is too large to be parsed. Which protocol it speaks can be told only from the piece
// of it that was too much, since the ones before are gone.
import { ownLimits } from '../../base/limits.ts'

/** An answer without a request. */
export interface BareAnswer {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** The answer when `piece`, the last that was read, made a head too large. */
export function overflowAnswer(piece: Uint8Array): BareAnswer {
  const text = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1')
  return isLongQuery(text) ? uriTooLong : headersTooLarge
}

/** The whole of a long query, or a piece from its middle; only SimpleDB's clients send any. */
const longQuery = /^(?:(?:GET|POST) \/\?)?[^\s&]*&[^\s:]{512}/

function isLongQuery(text: string): boolean {
  return longQuery.test(text)
}

const uriTooLong: BareAnswer = {
  status: 400,
  type: 'text/xml',
  text:
    '<?xml version="1.0"?>\n<Response><Errors><Error><Code>URITooLong</Code>' +
    `<Message>The URI exceeded the maximum limit of ${ownLimits.simpleDbUrlBytes}.</Message>` +
    '</Error></Errors><RequestID></RequestID></Response>',
}

const headersTooLarge: BareAnswer = {
  status: 400,
  type: 'application/xml',
  text:
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>RequestHeaderSectionTooLarge</Code>' +
    '<Message>Your request header and query parameters used to make the request exceed the maximum allowed size.</Message>' +
    `<MaxSizeAllowed>${ownLimits.headerBytes}</MaxSizeAllowed></Error>`,
}
