// AWS's refusals that more than one way of signing gives, in AWS's words.

import { ownLimits } from '../../base/limits.ts'
import { SignError } from './error.ts'

/** AWS's reason where a signature differs, with what it computed so that clients can find the difference. */
export function signatureDoesNotMatch(facts: {
  readonly accessKeyId: string
  readonly stringToSign: string
  readonly signature: string
  readonly canonicalRequest?: string
}): SignError {
  const fields = {
    AWSAccessKeyId: facts.accessKeyId,
    SignatureProvided: facts.signature,
    ...shown('StringToSign', facts.stringToSign),
    ...shown('CanonicalRequest', facts.canonicalRequest),
  }
  return new SignError(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    { fields },
  )
}

/** A text as itself and in hex; nothing of one so long that showing it would cost more than it tells. */
function shown(name: string, text: string | undefined): Record<string, string> {
  if (text === undefined || text.length > ownLimits.signatureFactBytes) return {}
  return { [name]: text, [`${name}Bytes`]: hexBytes(text) }
}

function hexBytes(text: string): string {
  return Buffer.from(text, 'latin1')
    .toString('hex')
    .replace(/..(?!$)/g, '$& ')
}

/** No such access key. */
export function invalidAccessKeyId(accessKeyId: string): SignError {
  return new SignError(
    'InvalidAccessKeyId',
    'The AWS Access Key Id you provided does not exist in our records.',
    { fields: { AWSAccessKeyId: accessKeyId } },
  )
}

/** Temporary keys don't exist here, so every session token is foreign. */
export function invalidToken(token: string): SignError {
  return new SignError('InvalidToken', 'The provided token is malformed or otherwise invalid.', {
    fields: { 'Token-0': token },
  })
}

/** Headers that change what a request does, named with commas, are not covered by its signature. */
export function headersNotSigned(names: string): SignError {
  return new SignError(
    'AccessDenied',
    'There were headers present in the request which were not signed',
    { fields: { HeadersNotSigned: names } },
  )
}

/** A signature in a header needs the time at which it was made. */
export function dateRequired(): SignError {
  return new SignError(
    'AccessDenied',
    'AWS authentication requires a valid Date or x-amz-date header',
  )
}

/** Signature Version 4A and the like, and Version 2 where it is switched off. */
export function mechanismNotSupported(): SignError {
  return new SignError(
    'InvalidRequest',
    'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
  )
}

/** A bad argument, named as AWS names it. */
export function invalidArgument(message: string, name: string, value: string): SignError {
  return new SignError('InvalidArgument', message, {
    fields: { ArgumentName: name, ArgumentValue: value },
  })
}

/** The clock of the client, or ours, is wrong; the SDKs correct theirs by `ServerTime`. */
export function requestTimeTooSkewed(facts: {
  readonly requestTime: string
  readonly nowMs: number
  readonly maximumMs: number
}): SignError {
  return new SignError(
    'RequestTimeTooSkewed',
    'The difference between the request time and the current time is too large.',
    {
      fields: {
        RequestTime: facts.requestTime,
        ServerTime: isoSeconds(facts.nowMs),
        MaxAllowedSkewMilliseconds: String(facts.maximumMs),
      },
    },
  )
}

/** A moment as AWS writes it into error fields: 2013-05-24T00:00:00Z. */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
