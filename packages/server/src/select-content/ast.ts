// The syntax tree of an expression.

import type { DatePart } from './timestamp.ts'
import type { Value } from './value.ts'

/** A name as written. Quoted names are case-sensitive, others are not. */
export interface Name {
  readonly text: string
  readonly isQuoted: boolean
}

/** A step from a value to one inside it. */
export type PathStep =
  | { readonly kind: 'name'; readonly name: Name }
  | { readonly kind: 'index'; readonly index: number }

/** A step of a path in FROM: as above, or a wildcard over all elements or members. */
export type SourceStep = PathStep | { readonly kind: 'elements' } | { readonly kind: 'members' }

/** A type that CAST converts to. */
export interface CastType {
  readonly name: 'bool' | 'int' | 'string' | 'float' | 'decimal' | 'timestamp'
  /** The significant digits of a decimal, and its digits after the point. */
  readonly precision?: number | undefined
  readonly scale?: number | undefined
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>='
export type AggregateName = 'avg' | 'count' | 'max' | 'min' | 'sum'

/** A part of a date that EXTRACT reads. */
export type ExtractPart = DatePart | 'timezone_hour' | 'timezone_minute'

export interface AggregateExpression {
  readonly kind: 'aggregate'
  readonly name: AggregateName
  /** Undefined for `COUNT(*)`. */
  readonly argument: Expression | undefined
}

export type Expression =
  | { readonly kind: 'literal'; readonly value: Value }
  /** Steps from the row to a value in it. */
  | { readonly kind: 'path'; readonly steps: readonly PathStep[] }
  | { readonly kind: 'negate'; readonly operand: Expression }
  | {
      readonly kind: 'arithmetic'
      readonly operator: ArithmeticOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'concatenate'; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'compare'
      readonly operator: ComparisonOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Expression[] }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'is'; readonly operand: Expression; readonly what: 'null' | 'missing' }
  | {
      readonly kind: 'between'
      readonly operand: Expression
      readonly low: Expression
      readonly high: Expression
    }
  | { readonly kind: 'in'; readonly operand: Expression; readonly choices: readonly Expression[] }
  | {
      readonly kind: 'like'
      readonly operand: Expression
      readonly pattern: Expression
      /** The escape character. */
      readonly mark: Expression | undefined
    }
  | {
      readonly kind: 'case'
      readonly subject: Expression | undefined
      readonly branches: readonly { readonly when: Expression; readonly result: Expression }[]
      readonly otherwise: Expression | undefined
    }
  | { readonly kind: 'cast'; readonly operand: Expression; readonly type: CastType }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly Expression[] }
  | { readonly kind: 'extract'; readonly part: ExtractPart; readonly operand: Expression }
  | {
      readonly kind: 'dateAdd' | 'dateDiff'
      readonly part: DatePart
      readonly left: Expression
      readonly right: Expression
    }
  | {
      readonly kind: 'trim'
      readonly side: 'both' | 'leading' | 'trailing'
      readonly characters: Expression | undefined
      readonly operand: Expression
    }
  | AggregateExpression

/** One column of the result. */
export interface Projection {
  readonly expression: Expression
  /** The alias, or the last name of a path; undefined if the column is named by its position. */
  readonly name: string | undefined
}

/** A whole query. */
export interface Query {
  /** Undefined for `SELECT *`. */
  readonly projections: readonly Projection[] | undefined
  /** The steps from the object's top-level values to the rows. */
  readonly source: readonly SourceStep[]
  /** The name under which `SELECT *` writes a row that is not an object. */
  readonly rowName: string | undefined
  readonly where: Expression | undefined
  readonly limit: number | undefined
  /** Whether the result is one row of aggregates. */
  readonly isAggregate: boolean
}
