// The syntax tree of a Select expression. The grammar is that of SimpleDB's developer guide, "Using
// Select to Create Amazon SimpleDB Queries". Names and literals are unquoted.

/** A sort key, which is also the key of an index. */
export type SelectKey =
  | { readonly kind: 'itemName' }
  | { readonly kind: 'attribute'; readonly name: string }

/** The left side of a condition; `every(name)` means all values of an attribute at once. */
export type Operand = SelectKey | { readonly kind: 'every'; readonly name: string }

/** Comparisons of two values by their UTF-8 bytes. */
export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='

/** Compares a value with a constant. */
export interface CompareTest {
  readonly kind: 'compare'
  readonly comparison: Comparison
  readonly value: string
}

/** `pattern` as written: `%` matches any run of characters, `\%` a percent sign. */
export interface LikeTest {
  readonly kind: 'like'
  readonly pattern: string
  readonly isNegated: boolean
}

/** Both bounds are inclusive. */
export interface BetweenTest {
  readonly kind: 'between'
  readonly low: string
  readonly high: string
  readonly isNegated: boolean
}

/** True if the value is one of these. */
export interface InTest {
  readonly kind: 'in'
  readonly values: readonly string[]
  readonly isNegated: boolean
}

/** `is null`: there is no value. Negated: `is not null`. */
export interface NullTest {
  readonly kind: 'null'
  readonly isNegated: boolean
}

/** Tests that can be negated with `not`. */
export type NegatableTest = LikeTest | BetweenTest | InTest

/** Tests of one value. */
export type ValueTest = CompareTest | NegatableTest

/** A test of one value, or of the presence of any. */
export type Test = ValueTest | NullTest

export interface Condition {
  readonly kind: 'condition'
  readonly operand: Operand
  readonly test: Test
}

/** An expression tree. A list has at least two parts, none of the list's own kind. */
export type Expression =
  | Condition
  | { readonly kind: 'and' | 'or' | 'intersection'; readonly parts: readonly Expression[] }
  | { readonly kind: 'not'; readonly part: Expression }

/** The values returned for each item. */
export type Output =
  | { readonly kind: 'all' }
  | { readonly kind: 'itemName' }
  | { readonly kind: 'count' }
  | { readonly kind: 'attributes'; readonly names: readonly string[] }

export interface SortOrder {
  readonly key: SelectKey
  readonly isDescending: boolean
}

/** A complete Select expression. */
export interface Select {
  readonly output: Output
  readonly domain: string
  readonly where?: Expression
  readonly order?: SortOrder
  /** The largest number of items on a page, or, for `count(*)`, to count. At least 1. */
  readonly limit?: number
}
