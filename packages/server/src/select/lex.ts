// The lexer of Select. It removes quotes: `text` of a name or a literal is its unquoted value.

import { selectLimits } from '../base/limits.ts'
import { invalidQuery } from './error.ts'

/** A token. Words keep their original case. */
export interface Token {
  readonly kind: 'word' | 'name' | 'literal' | 'number' | 'symbol' | 'end'
  readonly text: string
  /** Start of the token, in UTF-16 units from the start of the expression. */
  readonly position: number
}

const blank = /[ \t\r\n\f\v]*/y
const word = /[A-Za-z_$][A-Za-z0-9_$]*/y
const number = /[0-9]+(?![A-Za-z0-9_$])/y
const symbol = /!=|>=|<=|[=<>(),*]/y
const quoted = {
  '`': { pattern: /`[^`]*(?:``[^`]*)*`/y, kind: 'name', fault: { kind: 'open name' } },
  "'": { pattern: /'[^']*(?:''[^']*)*'/y, kind: 'literal', fault: { kind: 'open value' } },
  '"': { pattern: /"[^"]*(?:""[^"]*)*"/y, kind: 'literal', fault: { kind: 'open value' } },
} as const

/**
 * Splits `expression` into tokens; the last has kind `end`. @throws StoreError
 * `InvalidQueryExpression`
 */
export function tokenize(expression: string): readonly Token[] {
  const tokens: Token[] = []
  let position = matchAt(blank, expression, 0)?.length ?? 0
  while (position < expression.length) {
    const { token, length } = tokenAt(expression, position)
    if (tokens.length === selectLimits.tokens) throw invalidQuery(position, { kind: 'too long' })
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
  throw invalidQuery(position, { kind: 'unknown character' })
}

function quotedAt(
  expression: string,
  position: number,
  quote: keyof typeof quoted,
): { token: Token; length: number } {
  const { pattern, kind, fault } = quoted[quote]
  const text = matchAt(pattern, expression, position)
  if (text === undefined) throw invalidQuery(position, fault)
  const inner = text.slice(1, -1).replaceAll(quote + quote, quote)
  if (kind === 'name' && inner === '') throw invalidQuery(position, { kind: 'empty name' })
  return { token: { kind, text: inner, position }, length: text.length }
}

function matchAt(pattern: RegExp, expression: string, position: number): string | undefined {
  pattern.lastIndex = position
  return pattern.exec(expression)?.[0]
}
