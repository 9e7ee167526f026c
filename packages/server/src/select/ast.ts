// What a Select expression says, once it is parsed: the grammar of SimpleDB's developer guide,
// "Using Select to Create Amazon SimpleDB Queries". Texts are as the client meant them, unquoted.

/** What may be sorted by, and what every index is over. */
export type SelectKey =
  | { readonly kind: 'itemName' }
  | { readonly kind: 'attribute'; readonly name: string }

/** What a condition is about: `every(name)` asks for all values of an attribute at once. */
export type Operand = SelectKey | { readonly kind: 'every'; readonly name: string }

/** How two values compare, by their UTF-8 bytes. */
export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='

/** How a value compares with a constant. */
export interface CompareTest {
  readonly kind: 'compare'
  readonly comparison: Comparison
  readonly value: string
}

/** `pattern` as written: `%` stands for any run of characters, `\%` for itself. */
export interface LikeTest {
  readonly kind: 'like'
  readonly pattern: string
  readonly isNegated: boolean
}

/** Both ends are included. */
export interface BetweenTest {
  readonly kind: 'between'
  readonly low: string
  readonly high: string
  readonly isNegated: boolean
}

/** That a value is one of these. */
export interface InTest {
  readonly kind: 'in'
  readonly values: readonly string[]
  readonly isNegated: boolean
}

/** `is null`: that there is no value. Negated, `is not null`. */
export interface NullTest {
  readonly kind: 'null'
  readonly isNegated: boolean
}

/** Tests with a `not` of their own. */
export type NegatableTest = LikeTest | BetweenTest | InTest

/** Tests of one value. */
export type ValueTest = CompareTest | NegatableTest

/** A condition on one value, or on there being any. */
export type Test = ValueTest | NullTest

/** One condition. */
export interface Condition {
  readonly kind: 'condition'
  readonly operand: Operand
  readonly test: Test
}

/** Conditions joined. A list has two parts or more, none of the list's own kind. */
export type Expression =
  | Condition
  | { readonly kind: 'and' | 'or' | 'intersection'; readonly parts: readonly Expression[] }
  | { readonly kind: 'not'; readonly part: Expression }

/** What is answered of each item that is found. */
export type Output =
  | { readonly kind: 'all' }
  | { readonly kind: 'itemName' }
  | { readonly kind: 'count' }
  | { readonly kind: 'attributes'; readonly names: readonly string[] }

/** The order asked for. */
export interface SortOrder {
  readonly key: SelectKey
  readonly isDescending: boolean
}

/** A whole Select expression. */
export interface Select {
  readonly output: Output
  readonly domain: string
  readonly where?: Expression
  readonly order?: SortOrder
  /** Items of a page; for `count(*)`, the most to count. At least 1. */
  readonly limit?: number
}
