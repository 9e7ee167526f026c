// AVG, COUNT, MAX, MIN and SUM over the rows of a query. NULL and MISSING don't count.

import { calculateNumbers } from './arithmetic.ts'
import type { AggregateName } from './ast.ts'
import { Decimal } from './decimal.ts'
import { QueryError } from './error.ts'
import {
  compareValues,
  isNumeric,
  type Numeric,
  numberOfText,
  toDecimal,
  type Value,
} from './value.ts'

/** The state of an aggregate function. The state covers all objects of the query. */
export class Aggregate {
  readonly #name: AggregateName
  #count = 0
  #value: Value = undefined

  constructor(name: AggregateName) {
    this.#name = name
  }

  /** Counts rows whose values don't matter. */
  addRows(count: number): void {
    this.#count += count
  }

  /** @throws QueryError for a value that the function doesn't accept */
  add(value: Value): void {
    if (value === undefined || value === null) return
    this.#count++
    switch (this.#name) {
      case 'count':
        return
      case 'sum':
      case 'avg':
        this.#value = plus(this.#value, numberFor(this.#name, value))
        return
      case 'min':
        if (this.#isBetter(value, -1)) this.#value = value
        return
      case 'max':
        if (this.#isBetter(value, 1)) this.#value = value
        return
    }
  }

  /** The result; NULL if there was no value, except for COUNT. */
  result(): Value {
    if (this.#name === 'count') return BigInt(this.#count)
    const value = this.#value
    if (value === undefined) return null
    if (this.#name !== 'avg' || !isNumeric(value)) return value
    if (typeof value === 'number') return value / this.#count
    return toDecimal(value).divide(Decimal.fromInteger(BigInt(this.#count)))
  }

  #isBetter(value: Value, sign: number): boolean {
    const best = this.#value
    if (best === undefined) return true
    if (typeof value === 'string' && typeof best === 'string') {
      const a = numberOfText(value)
      const b = numberOfText(best)
      const isNumber = a !== undefined && b !== undefined
      return Math.sign((isNumber ? compareValues(a, b) : compareValues(value, best)) ?? 0) === sign
    }
    const order = compareValues(value, best)
    if (order === undefined) {
      throw new QueryError(
        'IncorrectSqlFunctionArgumentType',
        'MIN and MAX take values of one type.',
      )
    }
    return Math.sign(order) === sign
  }
}

function plus(sum: Value, value: Numeric): Numeric {
  return isNumeric(sum) ? calculateNumbers('+', sum, value) : value
}

function numberFor(name: AggregateName, value: Value): Numeric {
  if (isNumeric(value)) return value
  const number = typeof value === 'string' ? numberOfText(value) : undefined
  if (number !== undefined) return number
  throw new QueryError('IncorrectSqlFunctionArgumentType', `${name.toUpperCase()} takes numbers.`)
}
