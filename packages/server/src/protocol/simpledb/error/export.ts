// How GetExport tells why an export failed.

import type { ExportFailure, FinalRefusal } from '../../../base/refusal/export.ts'
import { tell } from '../../../base/refusal/tell.ts'
import { domainErrors } from './domain.ts'
import { sharedErrors } from './shared.ts'
import { httpError, type WireError, type WireTable } from './wire.ts'

/** A bucket of another owner, or one that the caller has no right to write to. */
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

/** Why an export failed. */
export function failureWire(failure: ExportFailure): Pick<WireError, 'code' | 'message'> {
  if (!('refusal' in failure)) return failure
  const { refusal } = failure
  return tell(failures, refusal.code, refusal)
}
