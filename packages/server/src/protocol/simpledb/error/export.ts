// How GetExport tells why an export failed: also with refusals of the bucket that it wrote to.

import type { ExportFailure, FinalRefusal } from '../../../base/refusal/export.ts'

type FailureTable = {
  readonly [Code in FinalRefusal['code']]: (
    refusal: Extract<FinalRefusal, { readonly code: Code }>,
  ) => Failure
}

interface Failure {
  readonly failureCode?: string
  readonly failureMessage?: string
}

const failures: FailureTable = {
  NoSuchBucket: ({ code }) => failure(code, 'The specified bucket does not exist'),
  NoSuchDomain: ({ code, domain }) => failure(code, `The domain ${domain} does not exist.`),
  AccessDenied: ({ code }) => failure(code, 'Access Denied'),
  KeyTooLong: ({ code }) => failure(code, 'Your key is too long'),
  TransactionTooLarge: ({ rows, sizeBytes }) =>
    failure(
      'InvalidRequest',
      `The request changes too much at once: ${rows} rows, ${sizeBytes} bytes.`,
    ),
}

/** The fields about the failure of an export; none unless it failed. */
export function failureOf(found: ExportFailure | undefined): Failure {
  if (found === undefined) return {}
  if (!('refusal' in found)) return failure(found.code, found.message)
  return tell(found.refusal.code, found.refusal)
}

function failure(failureCode: string, failureMessage: string): Failure {
  return { failureCode, failureMessage }
}

type Told = {
  readonly [Code in FinalRefusal['code']]: Extract<FinalRefusal, { readonly code: Code }>
}

function tell<Code extends FinalRefusal['code']>(code: Code, refusal: Told[Code]): Failure {
  return failures[code](refusal)
}
