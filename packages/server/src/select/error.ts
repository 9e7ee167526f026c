// The refusals of Select.

import { StoreError } from '../base/errors.ts'
import { selectLimits } from '../base/limits.ts'
import type { QueryFault } from '../base/refusal/simpledb.ts'

/** A syntax error. `position` counts UTF-16 units from 0. */
export function invalidQuery(position: number, fault: QueryFault): StoreError {
  return new StoreError({ code: 'InvalidQueryExpression', position, fault })
}

/** A value that no attribute can have: it is longer. */
export function invalidLiteral(): StoreError {
  return new StoreError({ code: 'InvalidLiteral' })
}

/** Conditions on too many attributes. */
export function tooManyPredicates(): StoreError {
  return new StoreError({ code: 'InvalidNumberPredicates' })
}

/** Too many comparisons. */
export function tooManyValueTests(): StoreError {
  return new StoreError({ code: 'InvalidNumberValueTests' })
}

/** Too many attributes in the output list. */
export function tooManyOutputs(): StoreError {
  return new StoreError({ code: 'TooManyRequestedAttributes' })
}

/** The sort attribute has no condition. */
export function invalidSort(): StoreError {
  return new StoreError({ code: 'InvalidSortExpression' })
}

/** A limit outside 1 to 2,500. */
export function invalidLimit(limit: string): StoreError {
  return new StoreError({ code: 'InvalidLimit', limit, maximum: selectLimits.pageItems })
}

/** An attribute name that exceeds the size limit. */
export function nameTooLong(name: string): StoreError {
  const maximumBytes = selectLimits.valueBytes
  return new StoreError({
    code: 'TextTooLong',
    subject: 'selected attribute',
    text: name,
    maximumBytes,
  })
}

/** A malformed token, or a token of another query. */
export function invalidNextToken(): StoreError {
  return new StoreError({ code: 'InvalidNextToken' })
}

/** A token of another version of the server. */
export function unsupportedNextToken(): StoreError {
  return new StoreError({ code: 'UnsupportedNextToken' })
}
