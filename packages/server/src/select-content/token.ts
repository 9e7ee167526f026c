// Cuts an expression into tokens.

import { Decimal } from './decimal.ts'
import { QueryError } from './error.ts'
import { Timestamp } from './timestamp.ts'
import type { Value } from './value.ts'

export type Token =
  /** `upper` is the name in upper case, for comparison with keywords. */
  | { readonly kind: 'name'; readonly text: string; readonly upper: string; readonly at: number }
  | { readonly kind: 'quoted'; readonly text: string; readonly at: number }
  | { readonly kind: 'literal'; readonly value: Value; readonly at: number }
  | { readonly kind: 'sign'; readonly text: string; readonly at: number }
  | { readonly kind: 'end'; readonly at: number }

const blank = /(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)+/y
const name = /[\p{L}_$][\p{L}\p{N}_$]*/uy
const number = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const sign = /<=|>=|<>|!=|\|\||[-+*/%=<>(),.[\]]/y

/** The tokens of an expression. The last is an end token. @throws QueryError `LexerInvalid…` */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  let end = -1
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  for (;;) {
    end = at
    at += match(blank)?.length ?? 0
    if (at >= text.length) break
    const start = at
    const character = text.charAt(at)
    if (character === "'" || character === '"' || character === '`') {
      const { value, end: after } = quotedText(text, at, character)
      at = after
      if (character === '"') tokens.push({ kind: 'quoted', text: value, at: start })
      else if (character === "'") tokens.push({ kind: 'literal', value, at: start })
      else tokens.push({ kind: 'literal', value: ionValue(value), at: start })
      continue
    }
    const word = match(name)
    if (word !== undefined) {
      at += word.length
      tokens.push({ kind: 'name', text: word, upper: word.toUpperCase(), at: start })
      continue
    }
    // A dot directly after a name continues its path, even before a digit.
    const digits = match(number)
    if (
      digits !== undefined &&
      !(character === '.' && at === end && continuesPath(tokens.at(-1)))
    ) {
      at += digits.length
      tokens.push({ kind: 'literal', value: numberValue(digits), at: start })
      continue
    }
    const symbol = match(sign)
    if (symbol === undefined) {
      throw new QueryError('LexerInvalidChar', `Unexpected character at position ${start + 1}.`)
    }
    at += symbol.length
    tokens.push({ kind: 'sign', text: symbol === '!=' ? '<>' : symbol, at: start })
  }
  tokens.push({ kind: 'end', at: text.length })
  return tokens
}

function continuesPath(token: Token | undefined): boolean {
  if (token?.kind === 'sign') return token.text === ']'
  return token?.kind === 'name' || token?.kind === 'quoted'
}

/** The text between two quotes. A doubled quote denotes one. */
function quotedText(text: string, start: number, quote: string): { value: string; end: number } {
  let value = ''
  for (let from = start + 1; ; ) {
    const end = text.indexOf(quote, from)
    if (end === -1) {
      throw new QueryError(
        'LexerInvalidLiteral',
        `The ${quote} at position ${start + 1} has no end.`,
      )
    }
    value += text.slice(from, end)
    if (text.charAt(end + 1) !== quote || quote === '`') return { value, end: end + 1 }
    value += quote
    from = end + 2
  }
}

/** The value of a number: an integer, a decimal, or with an exponent a float. */
function numberValue(text: string): Value {
  if (/^\d+$/.test(text)) return checkedInteger(text)
  if (/[eE]/.test(text)) return Number(text)
  const decimal = Decimal.parse(text)
  if (decimal === undefined) throw new QueryError('LexerInvalidLiteral')
  return decimal
}

function checkedInteger(text: string): Value {
  if (text.length > 1000) throw new QueryError('LexerInvalidLiteral')
  const value = BigInt(text)
  return BigInt.asIntN(64, value) === value ? value : Decimal.fromInteger(value)
}

/** The value of a literal in backticks: a timestamp, number, text, boolean or null in Ion's notation. */
function ionValue(text: string): Value {
  const trimmed = text.trim()
  const timestamp = Timestamp.parse(trimmed)
  if (timestamp !== undefined && /[T-]/.test(trimmed)) return timestamp
  if (trimmed === 'true' || trimmed === 'false') return trimmed === 'true'
  if (/^null(\.[a-z]+)?$/.test(trimmed)) return null
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed)) {
    const value = numberValue(trimmed.replace(/^[+-]/, ''))
    return trimmed.startsWith('-') ? negated(value) : value
  }
  if (/^"[^"\\]*"$/.test(trimmed)) return trimmed.slice(1, -1)
  throw new QueryError('LexerInvalidIONLiteral')
}

function negated(value: Value): Value {
  if (typeof value === 'bigint' || typeof value === 'number') return -value
  return value instanceof Decimal ? value.negated() : value
}
