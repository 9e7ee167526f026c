// The tokens of an expression, read one after the other.

import type { Name, PathStep } from './ast.ts'
import { QueryError } from './error.ts'
import { type Token, tokensOf } from './token.ts'
import type { Value } from './value.ts'

/** Words that are names only if quoted. */
const reserved = new Set([
  ...['AND', 'AS', 'BETWEEN', 'CASE', 'CAST', 'CROSS', 'ELSE', 'END', 'ESCAPE', 'EXCEPT', 'FALSE'],
  ...['FROM', 'GROUP', 'HAVING', 'IN', 'INNER', 'INTERSECT', 'IS', 'JOIN', 'LEFT', 'LIKE', 'LIMIT'],
  ...[
    'MISSING',
    'NOT',
    'NULL',
    'OFFSET',
    'OR',
    'ORDER',
    'OUTER',
    'RIGHT',
    'SELECT',
    'THEN',
    'TRUE',
  ],
  ...['UNION', 'WHEN', 'WHERE'],
])

export class TokenReader {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(text: string) {
    this.#tokens = tokensOf(text)
  }

  get #token(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', at: 0 }
  }

  get isEnd(): boolean {
    return this.#token.kind === 'end'
  }

  /** The current word in upper case; undefined if it is quoted, or no word. */
  get keyword(): string | undefined {
    const token = this.#token
    return token.kind === 'name' ? token.upper : undefined
  }

  /** True if the next token is that sign. */
  isFollowedBy(sign: string): boolean {
    const token = this.#tokens[this.#at + 1]
    return token?.kind === 'sign' && token.text === sign
  }

  /** True if the token at that distance is an asterisk. */
  isWildcardAt(distance: number): boolean {
    const token = this.#tokens[this.#at + distance]
    return token?.kind === 'sign' && token.text === '*'
  }

  skip(): void {
    this.#at++
  }

  isKeyword(word: string): boolean {
    return this.keyword === word
  }

  takeKeyword(word: string): boolean {
    if (this.keyword !== word) return false
    this.#at++
    return true
  }

  expectKeyword(word: string): void {
    if (!this.takeKeyword(word)) {
      throw new QueryError('ParseExpectedKeyword', `Expected ${word}${this.#place()}.`)
    }
  }

  isSign(text: string): boolean {
    const token = this.#token
    return token.kind === 'sign' && token.text === text
  }

  takeSign(text: string): boolean {
    if (!this.isSign(text)) return false
    this.#at++
    return true
  }

  expectSign(text: string): void {
    if (!this.takeSign(text)) {
      throw new QueryError('ParseExpectedTokenType', `Expected ${text}${this.#place()}.`)
    }
  }

  /** Takes a name: quoted, or not a reserved word. */
  takeName(): Name | undefined {
    const token = this.#token
    if (token.kind === 'quoted') {
      this.#at++
      return { text: token.text, isQuoted: true }
    }
    if (token.kind !== 'name' || reserved.has(token.upper)) return undefined
    this.#at++
    return { text: token.text, isQuoted: false }
  }

  /** Takes a name after a dot, where no word is reserved. */
  expectName(): Name {
    const token = this.#token
    if (token.kind !== 'name' && token.kind !== 'quoted') {
      throw new QueryError('ParseInvalidPathComponent', `Expected a name${this.#place()}.`)
    }
    this.#at++
    return { text: token.text, isQuoted: token.kind === 'quoted' }
  }

  /** True if the current token is a literal. */
  get isLiteral(): boolean {
    return this.#token.kind === 'literal'
  }

  /** Takes a literal; returns MISSING if the current token is none. */
  takeLiteral(): Value {
    const token = this.#token
    if (token.kind !== 'literal') return undefined
    this.#at++
    return token.value
  }

  /** Takes the content of brackets: a position or a name. */
  expectSubscript(): PathStep {
    const value = this.takeLiteral()
    this.expectSign(']')
    if (typeof value === 'string') return { kind: 'name', name: { text: value, isQuoted: true } }
    if (typeof value === 'bigint' && value <= 0xffff_ffffn) {
      return { kind: 'index', index: Number(value) }
    }
    throw new QueryError('ParseInvalidPathComponent')
  }

  /** The error for the current token. */
  unexpected(): QueryError {
    const token = this.#token
    if (token.kind === 'name' && reserved.has(token.upper)) {
      return new QueryError('ParseUnexpectedKeyword', `Unexpected ${token.upper}${this.#place()}.`)
    }
    if (token.kind === 'end') {
      return new QueryError('ParseUnexpectedTerm', 'The SQL expression ends too early.')
    }
    return new QueryError('ParseUnexpectedToken', `Unexpected token${this.#place()}.`)
  }

  #place(): string {
    return this.isEnd ? ' at the end' : ` at position ${this.#token.at + 1}`
  }
}
