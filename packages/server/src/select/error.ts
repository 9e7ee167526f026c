// The errors of Select, with SimpleDB's texts (developer guide, "API Error Codes"). The position
// and the reason of a syntax error are separate fields.

import { StoreError } from '../base/errors.ts'

/** A syntax error. `position` counts UTF-16 units from 0. */
export function invalidQuery(position: number, reason: string): StoreError {
  return new StoreError(
    'InvalidQueryExpression',
    'The specified query expression syntax is not valid.',
    { fields: { Position: String(position), Reason: reason } },
  )
}

/** A value that no attribute can have: it is longer. */
export function invalidLiteral(): StoreError {
  return new StoreError('InvalidLiteral', 'Illegal literal in the filter expression.')
}

/** Conditions on too many attributes. */
export function tooManyPredicates(): StoreError {
  return new StoreError('InvalidNumberPredicates', 'Too many predicates in the query expression.')
}

/** Too many comparisons. */
export function tooManyValueTests(): StoreError {
  return new StoreError(
    'InvalidNumberValueTests',
    'Too many value tests per predicate in the query expression.',
  )
}

/** Too many attributes in the output list. */
export function tooManyOutputs(): StoreError {
  return new StoreError('TooManyRequestedAttributes', 'Too many attributes requested.')
}

/** The sort attribute has no condition. */
export function invalidSort(): StoreError {
  return new StoreError(
    'InvalidSortExpression',
    'Invalid sort expression. The sort attribute must be present in at least one of the ' +
      'predicates, and the predicate cannot contain the is null operator.',
  )
}

/** A limit outside 1 to 2,500. */
export function invalidLimit(value: string): StoreError {
  return new StoreError(
    'InvalidParameterValue',
    `Value (${value}) for parameter MaxNumberOfItems is invalid. ` +
      'MaxNumberOfItems must be between 1 and 2500.',
  )
}

/** An attribute name that exceeds the size limit. */
export function nameTooLong(name: string): StoreError {
  return new StoreError(
    'InvalidParameterValue',
    `Value (${name}) for parameter AttributeName is invalid. ` +
      'Value exceeds maximum length of 1024.',
  )
}

/** A malformed token, or a token of another query. */
export function invalidNextToken(): StoreError {
  return new StoreError('InvalidNextToken', 'The specified next token is not valid.')
}

/** A token of another version of the server. */
export function unsupportedNextToken(): StoreError {
  return new StoreError(
    'UnsupportedNextToken',
    'The specified next token is no longer supported. Please resubmit your query.',
  )
}
