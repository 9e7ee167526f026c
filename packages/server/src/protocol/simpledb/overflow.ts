// SimpleDB's responses to heads that are too large for the parser. This file imports little else of SimpleDB, since
// every server loads it.

import { ownLimits } from '../../base/limits.ts'
import type { BareAnswer } from '../http/server.ts'
import { exportPath } from './detect.ts'

const requestLine = /^(?:\r?\n)*([A-Z]+) (?:https?:\/\/[^/?#\s]*)?(\S*)( ?)/i

/**
 * Matches parameters that only SimpleDB has. `Action` may be after the kept bytes. S3's long queries on `/`, of a bucket
 * in the host name, have none of these.
 */
const ownParameter =
  /[?&](?:Action|Version|Timestamp|Signature(?:Version|Method)|DomainName|ItemName|SelectExpression|NextToken|ConsistentRead|MaxNumberOfDomains|(?:Attribute|AttributeName|Item|Expected)(?:\.[\w.]*)?)=/

const formType = /^content-type: *application\/x-www-form-urlencoded\b/im

/** The response to a head that begins with `head`, as Latin-1; undefined if the head isn't SimpleDB's. */
export function simpleDbOverflow(head: string): BareAnswer | undefined {
  const [line = '', method = '', target = '', lineEnd = ''] = requestLine.exec(head) ?? []
  const isComplete = lineEnd !== ''
  if (target.startsWith(exportPath)) return isComplete ? exportHeadTooLarge : exportUriTooLong
  if (!isQuery(target)) return undefined
  if (!isComplete) return ownParameter.test(target) ? uriTooLong : undefined
  const isForm = method === 'POST' && formType.test(head.slice(line.length))
  return isForm || ownParameter.test(target) ? headTooLarge : undefined
}

function isQuery(target: string): boolean {
  return target === '/' || target === '' || target.startsWith('/?') || target.startsWith('?')
}

const headMessage =
  'Your request header and query parameters used to make the request exceed the maximum allowed size.'

const uriTooLong = errorAnswer('URITooLong', uriMessage(ownLimits.simpleDbUrlBytes))
const headTooLarge = errorAnswer(
  'InvalidHttpRequest',
  `The HTTP request is invalid. Reason: ${headMessage}`,
)
const exportUriTooLong = exportAnswer(uriMessage(ownLimits.urlBytes))
const exportHeadTooLarge = exportAnswer(headMessage)

/** The sentence for a URL of more than `maximumBytes`. */
export function uriMessage(maximumBytes: number): string {
  return `The URI exceeded the maximum limit of ${maximumBytes}.`
}

function errorAnswer(code: string, message: string): BareAnswer {
  const text =
    `<?xml version="1.0"?>\n<Response><Errors><Error><Code>${code}</Code>` +
    `<Message>${message}</Message></Error></Errors><RequestID></RequestID></Response>`
  return { status: 400, type: 'text/xml', text }
}

function exportAnswer(message: string): BareAnswer {
  return { status: 400, type: 'application/json', text: JSON.stringify({ message }) }
}
