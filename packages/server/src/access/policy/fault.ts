// The refusal of a malformed policy.

import { StoreError } from '../../base/errors.ts'
import type { PolicyFault } from '../../base/refusal/policy.ts'

export function malformed(fault: PolicyFault, options?: { readonly cause?: unknown }): StoreError {
  return new StoreError({ code: 'MalformedPolicy', fault }, options)
}

/** True for an object of JSON. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
