// The errors of failed exports, as in GetExport.

import type { ExportFailure, FinalRefusal } from '../../../base/refusal/export.ts'
import { tell } from '../../../base/refusal/tell.ts'
import { domainErrors } from './domain.ts'
import { sharedErrors } from './shared.ts'
import { httpError, type WireError, type WireTable } from './wire.ts'

/** The error for a bucket of another owner, or one that the caller may not write to. */
export const bucketDenied: WireError = {
  status: 403,
  code: 'S3AccessDenied',
  message: 'Export failed due to insufficient access to the Amazon S3 bucket.',
}

const failures: WireTable<FinalRefusal> = {
  NoSuchBucket: domainErrors.NoSuchBucket,
  NoSuchDomain: (refusal) => ({
    ...domainErrors.NoSuchDomain(refusal),
    message: `The domain ${refusal.domain} does not exist.`,
  }),
  AccessDenied: () => bucketDenied,
  KeyTooLong: () => httpError('Your key is too long'),
  TransactionTooLarge: sharedErrors.TransactionTooLarge,
}

/** The code and sentence of a failed export. */
export function failureWire(failure: ExportFailure): Pick<WireError, 'code' | 'message'> {
  if (!('refusal' in failure)) return failure
  const { refusal } = failure
  return tell(failures, refusal.code, refusal)
}
