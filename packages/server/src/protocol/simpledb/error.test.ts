import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Refusal, StoreError } from '../../base/errors.ts'
import { reportError } from './error.ts'

test('refusals of Select have the texts of the developer guide', () => {
  const name = 'é'.repeat(513)
  const cases: [Refusal, code: string, message: string][] = [
    [
      {
        code: 'InvalidQueryExpression',
        position: 26,
        fault: { kind: 'unexpected token', expected: 'a value in quotes' },
      },
      'InvalidQueryExpression',
      'The specified query expression syntax is not valid.',
    ],
    [
      { code: 'InvalidSortExpression' },
      'InvalidSortExpression',
      'Invalid sort expression. The sort attribute must be present in at least one of the ' +
        'predicates, and the predicate cannot contain the is null operator.',
    ],
    [
      { code: 'InvalidLimit', limit: '2501', maximum: 2500 },
      'InvalidParameterValue',
      'Value (2501) for parameter MaxNumberOfItems is invalid. ' +
        'MaxNumberOfItems must be between 1 and 2500.',
    ],
    [
      { code: 'InvalidNumberPredicates' },
      'InvalidNumberPredicates',
      'Too many predicates in the query expression.',
    ],
    [
      { code: 'InvalidNumberValueTests' },
      'InvalidNumberValueTests',
      'Too many value tests per predicate in the query expression.',
    ],
    [
      { code: 'TooManyRequestedAttributes' },
      'TooManyRequestedAttributes',
      'Too many attributes requested.',
    ],
    [
      { code: 'TextTooLong', subject: 'selected attribute', text: name, maximumBytes: 1024 },
      'InvalidParameterValue',
      `Value (${name}) for parameter AttributeName is invalid. Value exceeds maximum length of 1024.`,
    ],
    [
      { code: 'UnsupportedNextToken' },
      'UnsupportedNextToken',
      'The specified next token is no longer supported. Please resubmit your query.',
    ],
  ]
  for (const [refusal, code, message] of cases) {
    const report = reportError(new StoreError(refusal))
    assert.deepEqual(report, { status: 400, code, message, isFault: false })
  }
})

test('a fault, and a refusal of another protocol, tell nothing of themselves', () => {
  const faults = [
    new Error('secret'),
    new StoreError({ code: 'CommitFailed' }, { cause: 'secret' }),
    new StoreError({ code: 'NoSuchUpload', uploadId: 'secret' }),
    undefined,
  ]
  for (const fault of faults) {
    const report = reportError(fault)
    assert.deepEqual([report.status, report.code, report.isFault], [500, 'InternalError', true])
    assert.doesNotMatch(JSON.stringify(report), /secret/)
  }
})
