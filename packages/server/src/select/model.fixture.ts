// A reference implementation of Select, written for clarity, and generators of random domains and
// expressions to test against it.

import fc from 'fast-check'
import { compareBytes, utf8 } from '../base/bytes.ts'
import type { Condition, Expression, Output, Select, SelectKey, SortOrder, Test } from './ast.ts'
import type { Attributes } from './memory-source.fixture.ts'
import type { SelectItem } from './source.ts'
import { validateSelect } from './validate.ts'

/** Every item that `select` finds, in its order if it has one, ignoring its limit. */
export function answerOf(items: readonly SelectItem[], select: Select): readonly SelectItem[] {
  const { where, order, output } = select
  const found = items.filter(
    (item) => (where === undefined || holds(where, item)) && isAnswered(output, item),
  )
  if (order === undefined) return found
  const places = found.flatMap((item) => {
    const value = sortValue(item, where, order)
    return value === undefined ? [] : [{ item, value }]
  })
  places.sort((a, b) => byBytes(a.value, b.value) || a.item.number - b.item.number)
  if (order.isDescending) places.reverse()
  return places.map(({ item }) => item)
}

/** True if `item` satisfies `where`. Tries every choice of one value per attribute. */
export function holds(where: Expression, item: SelectItem): boolean {
  switch (where.kind) {
    case 'intersection':
      return where.parts.every((part) => holds(part, item))
    case 'not':
      return !holds(where.part, item)
    default: {
      const known = new Map(innerScopes(where).map((scope) => [scope, holds(scope, item)]))
      return choicesOf(where, item).some((choice) => holdsFor(where, item, choice, known))
    }
  }
}

type Choice = ReadonlyMap<string, string>

/** The nested scopes within a scope; their results are the same for every choice. */
function innerScopes(scope: Expression): readonly Expression[] {
  if (scope.kind === 'condition') return []
  if (scope.kind === 'and' || scope.kind === 'or') return scope.parts.flatMap(innerScopes)
  return [scope]
}

function choicesOf(scope: Expression, item: SelectItem): readonly Choice[] {
  let choices: Choice[] = [new Map()]
  for (const name of namesIn(scope)) {
    const values = item.attributes.get(name)
    if (values === undefined) continue
    choices = choices.flatMap((choice) =>
      values.map((value) => new Map([...choice, [name, value]])),
    )
  }
  return choices
}

function namesIn(scope: Expression): ReadonlySet<string> {
  if (scope.kind === 'condition') {
    return new Set(scope.operand.kind === 'attribute' ? [scope.operand.name] : [])
  }
  if (scope.kind === 'and' || scope.kind === 'or') {
    return new Set(scope.parts.flatMap((part) => [...namesIn(part)]))
  }
  return new Set()
}

function holdsFor(
  expression: Expression,
  item: SelectItem,
  choice: Choice,
  known: ReadonlyMap<Expression, boolean>,
): boolean {
  switch (expression.kind) {
    case 'and':
      return expression.parts.every((part) => holdsFor(part, item, choice, known))
    case 'or':
      return expression.parts.some((part) => holdsFor(part, item, choice, known))
    case 'condition':
      return conditionHolds(expression, item, choice)
    default:
      return known.get(expression) === true
  }
}

function conditionHolds({ operand, test }: Condition, item: SelectItem, choice: Choice): boolean {
  const all = operand.kind === 'itemName' ? [item.name] : (item.attributes.get(operand.name) ?? [])
  if (test.kind === 'null') return (all.length === 0) !== test.isNegated
  if (operand.kind === 'itemName') return passes(test, item.name)
  if (operand.kind === 'every') return all.length > 0 && all.every((value) => passes(test, value))
  const value = choice.get(operand.name)
  return value !== undefined && passes(test, value)
}

function passes(test: Test, value: string): boolean {
  switch (test.kind) {
    case 'compare': {
      const order = byBytes(value, test.value)
      if (test.comparison === '=') return order === 0
      if (test.comparison === '!=') return order !== 0
      if (test.comparison === '<') return order < 0
      if (test.comparison === '<=') return order <= 0
      return test.comparison === '>' ? order > 0 : order >= 0
    }
    case 'between':
      return (byBytes(test.low, value) <= 0 && byBytes(value, test.high) <= 0) !== test.isNegated
    case 'in':
      return test.values.includes(value) !== test.isNegated
    case 'like':
      return isLike(value, test.pattern) !== test.isNegated
    case 'null':
      throw new Error('not a test of a value')
  }
}

/** Simulates the pattern as an automaton over positions of `value`. */
function isLike(value: string, pattern: string): boolean {
  let ends = new Set([0])
  for (let index = 0; index < pattern.length; index++) {
    const isEscaped = pattern.startsWith('\\%', index)
    if (isEscaped) index++
    const character = pattern.charAt(index)
    if (character === '%' && !isEscaped) {
      const first = Math.min(...ends)
      ends = new Set(Array.from({ length: value.length + 1 - first }, (_, more) => first + more))
    } else {
      ends = new Set([...ends].filter((end) => value[end] === character).map((end) => end + 1))
    }
    if (ends.size === 0) return false
  }
  return ends.has(value.length)
}

function byBytes(a: string, b: string): number {
  return compareBytes(utf8(a), utf8(b))
}

function isAnswered(output: Output, { attributes }: SelectItem): boolean {
  return output.kind !== 'attributes' || output.names.some((name) => attributes.has(name))
}

/** The first value, in sort order, that the conditions on the key allow. */
function sortValue(
  item: SelectItem,
  where: Expression | undefined,
  { key, isDescending }: SortOrder,
): string | undefined {
  const all = key.kind === 'itemName' ? [item.name] : (item.attributes.get(key.name) ?? [])
  const allowed = all.filter((value) => where === undefined || (allows(where, key, value) ?? true))
  allowed.sort(byBytes)
  return isDescending ? allowed.at(-1) : allowed[0]
}

function allows(expression: Expression, key: SelectKey, value: string): boolean | undefined {
  switch (expression.kind) {
    case 'condition': {
      const { operand, test } = expression
      const isAbout =
        key.kind === 'itemName'
          ? operand.kind === 'itemName'
          : operand.kind !== 'itemName' && operand.name === key.name
      return isAbout && test.kind !== 'null' ? passes(test, value) : undefined
    }
    case 'or': {
      const all = expression.parts.map((part) => allows(part, key, value))
      return all.includes(undefined) ? undefined : all.includes(true)
    }
    case 'and': {
      const plain = expression.parts.filter((part) => !hasOwnChoice(part))
      const said = plain.map((part) => allows(part, key, value)).filter((one) => one !== undefined)
      if (said.length > 0) return !said.includes(false)
      return firstSaid(expression.parts.filter(hasOwnChoice), key, value)
    }
    case 'intersection':
      return firstSaid(expression.parts, key, value)
    case 'not':
      return undefined
  }
}

function firstSaid(
  parts: readonly Expression[],
  key: SelectKey,
  value: string,
): boolean | undefined {
  return parts.map((part) => allows(part, key, value)).find((said) => said !== undefined)
}

function hasOwnChoice(part: Expression): boolean {
  if (part.kind === 'condition') return false
  if (part.kind === 'and' || part.kind === 'or') return part.parts.some(hasOwnChoice)
  return true
}

/**
 * A record with the ordinary object prototype, so that it compares equal to the parser's records.
 */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true })
}

/** An item of a random domain. */
export interface RandomItem {
  readonly name: string
  readonly attributes: Attributes
}

const letter = fc.constantFrom(
  'a',
  'b',
  'c',
  '%',
  '\\',
  "'",
  '\0',
  '\u0001',
  'é',
  '\uffff',
  '\u{10000}',
)
const shortText = fc.string({ unit: letter, maxLength: 3 })
const longText = fc
  .constantFrom('a', 'b', '\0', '\u0001')
  .chain((tail) => fc.constantFrom('a'.repeat(1023) + tail, tail.repeat(1024)))
/** A small set of values, so that collisions are frequent. */
const value = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('', 'a', 'ab', 'b', 'ba', 'c', 'a%') },
  { weight: 4, arbitrary: shortText },
  { weight: 1, arbitrary: longText },
)
const attributeName = fc.constantFrom('a', 'b', 'select', 'x`y')
const values = fc.uniqueArray(value, { minLength: 1, maxLength: 4 })

/** Items with several values of few attributes. */
export const randomDomain: fc.Arbitrary<readonly RandomItem[]> = fc.uniqueArray(
  record({
    name: value.filter((name) => name !== ''),
    attributes: fc.dictionary(attributeName, values, {
      minKeys: 1,
      maxKeys: 4,
      noNullPrototype: true,
    }),
  }),
  { selector: ({ name }) => name, maxLength: 24 },
)

const comparison = fc.constantFrom('=', '!=', '<', '<=', '>', '>=')
/** Includes literals longer than any value can be. */
const literal = fc.oneof(
  { weight: 20, arbitrary: value },
  { weight: 1, arbitrary: longText.map((text) => `${text}a`) },
)
const pattern = fc.oneof(
  literal,
  literal.map((text) => `${text}%`),
  literal.map((text) => `%${text}`),
  fc.array(value, { maxLength: 4 }).map((parts) => parts.join('%')),
)
const isNegated = fc.boolean()

const test: fc.Arbitrary<Test> = fc.oneof(
  { weight: 4, arbitrary: record({ kind: fc.constant('compare'), comparison, value: literal }) },
  record({ kind: fc.constant('like'), pattern, isNegated }),
  record({ kind: fc.constant('between'), low: literal, high: literal, isNegated }),
  record({
    kind: fc.constant('in'),
    values: fc.array(literal, { minLength: 1, maxLength: 3 }),
    isNegated,
  }),
  record({ kind: fc.constant('null'), isNegated }),
)

const key: fc.Arbitrary<SelectKey> = fc.oneof(
  { weight: 1, arbitrary: record({ kind: fc.constant('itemName') }) },
  { weight: 5, arbitrary: record({ kind: fc.constant('attribute'), name: attributeName }) },
)
const operand = fc.oneof(
  { weight: 6, arbitrary: key },
  { weight: 1, arbitrary: record({ kind: fc.constant('every'), name: attributeName }) },
)
const condition = record({ kind: fc.constant('condition'), operand, test })

/** Conditions joined in every way, in the normal form that the parser produces. */
export const randomExpression: fc.Arbitrary<Expression> = fc.letrec<{ expression: Expression }>(
  (tie) => ({
    expression: fc.oneof(
      { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
      condition,
      joined('and', tie('expression')),
      joined('or', tie('expression')),
      joined('intersection', tie('expression')),
      record({ kind: fc.constant('not'), part: tie('expression') }),
    ),
  }),
).expression

function joined(
  kind: 'and' | 'or' | 'intersection',
  part: fc.Arbitrary<Expression>,
): fc.Arbitrary<Expression> {
  return fc.array(part, { minLength: 2, maxLength: 3 }).map((parts) => ({
    kind,
    parts: parts.flatMap((one) => (one.kind === kind ? one.parts : [one])),
  }))
}

const output: fc.Arbitrary<Output> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Output>({ kind: 'all' }) },
  fc.constant<Output>({ kind: 'itemName' }),
  record({
    kind: fc.constant('attributes'),
    names: fc.array(attributeName, { minLength: 1, maxLength: 2 }),
  }),
)

/** Valid Select expressions over such items. */
export const randomSelect: fc.Arbitrary<Select> = fc
  .record(
    {
      output,
      domain: fc.constantFrom('items', 'my-domain'),
      where: randomExpression,
      order: record({ key, isDescending: fc.boolean() }),
    },
    { requiredKeys: ['output', 'domain'], noNullPrototype: true },
  )
  .map(withoutInvalidOrder)

/** Drops an order whose attribute has no condition, since that is invalid. */
function withoutInvalidOrder(select: Select): Select {
  try {
    validateSelect(select)
    return select
  } catch {
    const { output, domain, where } = select
    const some = { output, domain }
    if (where === undefined) return some
    try {
      validateSelect({ ...some, where })
      return { ...some, where }
    } catch {
      return some
    }
  }
}
