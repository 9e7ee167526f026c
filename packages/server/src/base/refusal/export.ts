// Why an export failed: kept in its row, and told by GetExport.

import type { RefusalOf } from '../errors.ts'

/** The refusals that end an export: trying again would not help. */
export type FinalRefusal = RefusalOf<
  'NoSuchBucket' | 'NoSuchDomain' | 'AccessDenied' | 'KeyTooLong' | 'TransactionTooLarge'
>

/** Why an export failed. Rows of older versions hold a sentence. */
export type ExportFailure =
  | { readonly refusal: FinalRefusal }
  | { readonly code: string; readonly message: string }
