// The sentences of refused requests for the server itself.

import type { Refusal } from '../../base/errors.ts'

/** A request that no route takes. */
export class AdminError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'AdminError'
    this.status = status
  }
}

/** The sentence for a refused head; undefined for other refusals, which no route makes. */
export function headProblem(refusal: Refusal): string | undefined {
  switch (refusal.code) {
    case 'HeaderSectionTooLarge':
      return 'Your request header and query parameters used to make the request exceed the maximum allowed size.'
    case 'InvalidHost':
      return 'The request must have one Host header that names a host.'
    case 'TransferEncodingInHttp10':
      return 'An HTTP/1.0 request can not have a Transfer-Encoding header.'
    case 'RepeatedHeader':
      return `The request must not have more than one ${refusal.name} header.`
    default:
      return undefined
  }
}
