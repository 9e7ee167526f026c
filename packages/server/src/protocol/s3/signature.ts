// The facts about a request's signature on which policies may depend.

import type { SignatureFacts } from '../../access/context.ts'
import { parseDateHeader, parseTimestamp } from '../sign/timestamp.ts'
import type { Verified } from '../sign/verifier.ts'

const authTypes = { header: 'REST-HEADER', query: 'REST-QUERY-STRING', form: 'POST' } as const

/** A text of the request by its name: a header or field in lower case, or a parameter. */
type Lookup = (name: string) => string | undefined

/** The facts about a verified signature; undefined for an anonymous request. */
export function signatureOf(
  { method, version }: Pick<Verified<unknown>, 'method' | 'version'>,
  texts: { readonly header: Lookup; readonly parameter: Lookup },
): SignatureFacts | undefined {
  if (method === 'anonymous' || version === undefined) return undefined
  return {
    version,
    authType: authTypes[method],
    // Few policies ask for it, so it is parsed only then.
    get signedAt() {
      if (method === 'query') return parseTimestamp(texts.parameter('X-Amz-Date') ?? '')
      const amzDate = texts.header('x-amz-date')
      return parseDateHeader(amzDate ?? texts.header('date') ?? '')
    },
  }
}
