// The condition of a put or delete, in parameters. Errors are checked in a fixed order. Numbers are ignored, since
// clients mix `Expected.Name`, `Expected.0.Name` and `Expected.1.Name`.

import type { SimpleDbLimits } from '../../base/limits.ts'
import type { Expectation } from '../../operation/attribute.ts'
import { SimpleDbError } from './error.ts'
import { invalidValue, missingParameter, type Parameters, parseFlag } from './parameters.ts'

const form = /^Expected(?:\.\d+)?\.(Name|Value|Exists)$/

/** The first parameter that is part of a condition. */
export function firstExpected(parameters: Parameters): string | undefined {
  return parameters.all.find(({ name }) => form.test(name))?.name
}

/** The condition of a request; undefined without one. @throws SimpleDbError with a code for each kind of fault */
export function parseExpected(
  parameters: Parameters,
  limits: SimpleDbLimits,
): Expectation | undefined {
  const found: Record<'Name' | 'Value' | 'Exists', string[]> = { Name: [], Value: [], Exists: [] }
  for (const { name, value } of parameters.all) {
    const part = form.exec(name)?.[1]
    if (part === 'Name' || part === 'Value' || part === 'Exists') found[part].push(value)
  }
  const [name, ...moreNames] = found.Name
  const [value, ...moreValues] = found.Value
  const [exists, ...moreExists] = found.Exists
  if (name === undefined && value === undefined && exists === undefined) return undefined
  if (moreNames.length > 0) {
    throw refusal('MultipleExpectedNames', 'Only one Expected.Name can be specified')
  }
  if (moreValues.length > 0) {
    throw refusal('MultipleExpectedValues', 'Only one Expected.Value can be specified')
  }
  if (moreExists.length > 0) {
    throw refusal('MultipleExistsConditions', 'Only one Exists condition can be specified')
  }
  return checked({ name, value, exists }, limits)
}

function checked(
  parts: {
    readonly name: string | undefined
    readonly value: string | undefined
    readonly exists: string | undefined
  },
  { textBytes }: SimpleDbLimits,
): Expectation {
  const { name, value } = parts
  if (name === undefined) throw missingParameter('The request must contain the parameter Name')
  if (name === '') {
    // Without a space after the period, as in Amazon's article on conditional puts.
    throw refusal(
      'InvalidParameterValue',
      'Value () for parameter Name is invalid.The empty string is an illegal attribute name',
    )
  }
  if (Buffer.byteLength(name) > textBytes) {
    throw invalidValue(name, 'Name', `Value exceeds maximum length of ${textBytes}.`)
  }
  const rule = 'Expected.Exists should be either true or false.'
  const exists = parseFlag(parts.exists, 'Expected.Exists', rule)
  if (exists === false && value !== undefined) {
    throw refusal(
      'ExistsAndExpectedValue',
      'Expected.Exists=false and Expected.Value cannot be specified together',
    )
  }
  if (exists !== false && value === undefined) {
    throw refusal(
      'IncompleteExpectedValue',
      'If Expected.Exists = true or unspecified, then Expected.Value has to be specified',
    )
  }
  if (value !== undefined && Buffer.byteLength(value) > textBytes) {
    throw invalidValue(value, 'Value', `Value exceeds maximum length of ${textBytes}`)
  }
  return { name, value }
}

function refusal(code: string, message: string): SimpleDbError {
  return new SimpleDbError({ status: 400, code, message })
}
