// The sentences of refused requests for the server itself.

import type { Refusal } from '../../base/errors.ts'
import { messageWords } from '../http/wording.ts'

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
      return messageWords.headerSectionTooLarge
    case 'InvalidHost':
      return messageWords.invalidHost
    case 'TransferEncodingInHttp10':
      return messageWords.transferEncodingInHttp10
    case 'RepeatedHeader':
      return messageWords.repeatedHeader(refusal.name)
    default:
      return undefined
  }
}
