// The reasons for which an export fails. Its row stores the reason; GetExport returns it.

import type { RefusalOf } from '../errors.ts'

/** The refusals that end an export, since a retry would not help. */
export type FinalRefusal = RefusalOf<
  'NoSuchBucket' | 'NoSuchDomain' | 'AccessDenied' | 'KeyTooLong' | 'TransactionTooLarge'
>

/** The reason for an export's failure. Rows of older versions hold a sentence. */
export type ExportFailure =
  | { readonly refusal: FinalRefusal }
  | { readonly code: string; readonly message: string }
