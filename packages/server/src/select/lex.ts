// Splits a Select expression into tokens. Quotes are taken off here: `text` of a name or a literal is
// what the client meant.

import { selectLimits } from '../base/limits.ts'
import { invalidQuery } from './error.ts'

/** A piece of the expression. Words keep the case they were written in. */
export interface Token {
  readonly kind: 'word' | 'name' | 'literal' | 'number' | 'symbol' | 'end'
  readonly text: string
  /** Where it begins: UTF-16 units from the start of the expression. */
  readonly position: number
}

const blank = /[ \t\r\n\f\v]*/y
const word = /[A-Za-z_$][A-Za-z0-9_$]*/y
const number = /[0-9]+(?![A-Za-z0-9_$])/y
const symbol = /!=|>=|<=|[=<>(),*]/y
const quoted = {
  '`': { pattern: /`[^`]*(?:``[^`]*)*`/y, kind: 'name', what: 'name' },
  "'": { pattern: /'[^']*(?:''[^']*)*'/y, kind: 'literal', what: 'value' },
  '"': { pattern: /"[^"]*(?:""[^"]*)*"/y, kind: 'literal', what: 'value' },
} as const

/** The tokens of `expression`; the last is of kind `end`. @throws StoreError `InvalidQueryExpression` */
export function tokenize(expression: string): readonly Token[] {
  const tokens: Token[] = []
  let position = matchAt(blank, expression, 0)?.length ?? 0
  while (position < expression.length) {
    const { token, length } = tokenAt(expression, position)
    if (tokens.length === selectLimits.tokens)
      throw invalidQuery(position, 'the expression is too long')
    tokens.push(token)
    position += length
    position += matchAt(blank, expression, position)?.length ?? 0
  }
  tokens.push({ kind: 'end', text: '', position })
  return tokens
}

function tokenAt(expression: string, position: number): { token: Token; length: number } {
  const first = expression[position]
  if (first === '`' || first === "'" || first === '"') {
    return quotedAt(expression, position, first)
  }
  for (const [kind, pattern] of [
    ['word', word],
    ['number', number],
    ['symbol', symbol],
  ] as const) {
    const text = matchAt(pattern, expression, position)
    if (text !== undefined) return { token: { kind, text, position }, length: text.length }
  }
  throw invalidQuery(position, 'this character has no meaning here')
}

function quotedAt(
  expression: string,
  position: number,
  quote: keyof typeof quoted,
): { token: Token; length: number } {
  const { pattern, kind, what } = quoted[quote]
  const text = matchAt(pattern, expression, position)
  if (text === undefined) throw invalidQuery(position, `the ${what} that begins here has no end`)
  const inner = text.slice(1, -1).replaceAll(quote + quote, quote)
  if (kind === 'name' && inner === '') throw invalidQuery(position, 'a name is empty')
  return { token: { kind, text: inner, position }, length: text.length }
}

function matchAt(pattern: RegExp, expression: string, position: number): string | undefined {
  pattern.lastIndex = position
  return pattern.exec(expression)?.[0]
}
