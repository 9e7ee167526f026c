// The parser of Select: recursive descent over the grammar of SimpleDB's developer guide. The guide
// doesn't define precedence. Here `not` binds tightest, then `and`, `or`, and last `intersection`.

import { selectLimits } from '../base/limits.ts'
import type {
  Comparison,
  Condition,
  Expression,
  Operand,
  Output,
  Select,
  SelectKey,
  SortOrder,
  Test,
} from './ast.ts'
import { invalidLimit, invalidQuery } from './error.ts'
import { type Token, tokenize } from './lex.ts'
import { validateSelect } from './validate.ts'

/** Words that must be quoted in backticks to be names; developer guide, "Select Quoting Rules". */
export const reservedWords: ReadonlySet<string> = new Set([
  'or',
  'and',
  'not',
  'from',
  'where',
  'select',
  'like',
  'null',
  'is',
  'order',
  'by',
  'asc',
  'desc',
  'in',
  'between',
  'intersection',
  'limit',
  'every',
])

const comparisons: readonly Comparison[] = ['=', '!=', '<', '<=', '>', '>=']

/**
 * Parses a Select expression.
 * @throws StoreError `InvalidQueryExpression` with the position and reason in its fields, or the
 *   errors of {@link validateSelect}.
 */
export function parseSelect(expression: string): Select {
  if (expression.length > selectLimits.expressionLength) {
    throw invalidQuery(selectLimits.expressionLength, { kind: 'too long' })
  }
  const select = new Parser(tokenize(expression)).select()
  validateSelect(select)
  return select
}

class Parser {
  readonly #tokens: readonly Token[]
  #index = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  select(): Select {
    this.#expectWord('select')
    const output = this.#output()
    this.#expectWord('from')
    const domain = this.#name('a domain')
    const where = this.#takeWord('where') ? this.#expression() : undefined
    const order = this.#order()
    const limit = this.#takeWord('limit') ? this.#limit(output) : undefined
    if (this.#peek().kind !== 'end') throw this.#unexpected('the end of the expression')
    return {
      output,
      domain,
      ...(where === undefined ? {} : { where }),
      ...(order === undefined ? {} : { order }),
      ...(limit === undefined ? {} : { limit }),
    }
  }

  #output(): Output {
    if (this.#takeSymbol('*')) return { kind: 'all' }
    if (this.#takeCall('itemname')) {
      this.#expectSymbol(')')
      return { kind: 'itemName' }
    }
    if (this.#takeCall('count')) {
      this.#expectSymbol('*')
      this.#expectSymbol(')')
      return { kind: 'count' }
    }
    const names = [this.#name('*, itemName(), count(*) or an attribute')]
    while (this.#takeSymbol(',')) names.push(this.#name('an attribute'))
    return { kind: 'attributes', names }
  }

  #order(): SortOrder | undefined {
    if (!this.#takeWord('order')) return undefined
    this.#expectWord('by')
    const key = this.#key()
    const isDescending = this.#takeWord('desc')
    if (!isDescending) this.#takeWord('asc')
    return { key, isDescending }
  }

  #limit(output: Output): number {
    const { kind, text } = this.#peek()
    if (kind !== 'number') throw this.#unexpected('a whole number')
    this.#index++
    const limit = Math.min(Number(text), Number.MAX_SAFE_INTEGER)
    if (limit < 1) throw invalidLimit(text)
    if (limit > selectLimits.pageItems && output.kind !== 'count') throw invalidLimit(text)
    return limit
  }

  #expression(): Expression {
    return this.#joined('intersection', () =>
      this.#joined('or', () => this.#joined('and', () => this.#factor())),
    )
  }

  #joined(kind: 'and' | 'or' | 'intersection', part: () => Expression): Expression {
    const first = part()
    if (!this.#isWord(kind)) return first
    const parts = first.kind === kind ? [...first.parts] : [first]
    while (this.#takeWord(kind)) {
      const next = part()
      if (next.kind === kind) parts.push(...next.parts)
      else parts.push(next)
    }
    return { kind, parts }
  }

  #factor(): Expression {
    if (this.#depth === selectLimits.depth) {
      throw invalidQuery(this.#peek().position, { kind: 'nested too deeply' })
    }
    this.#depth++
    try {
      if (this.#takeWord('not')) return { kind: 'not', part: this.#factor() }
      if (!this.#takeSymbol('(')) return this.#condition()
      const inner = this.#expression()
      this.#expectSymbol(')')
      return inner
    } finally {
      this.#depth--
    }
  }

  #condition(): Condition {
    return { kind: 'condition', operand: this.#operand(), test: this.#test() }
  }

  #operand(): Operand {
    if (!this.#isWord('every')) return this.#key()
    this.#index++
    this.#expectSymbol('(')
    const name = this.#name('an attribute')
    this.#expectSymbol(')')
    return { kind: 'every', name }
  }

  #key(): SelectKey {
    if (!this.#takeCall('itemname')) return { kind: 'attribute', name: this.#name('an attribute') }
    this.#expectSymbol(')')
    return { kind: 'itemName' }
  }

  #test(): Test {
    const { kind, text } = this.#peek()
    const comparison = comparisons.find((candidate) => kind === 'symbol' && candidate === text)
    if (comparison !== undefined) {
      this.#index++
      return { kind: 'compare', comparison, value: this.#literal() }
    }
    if (this.#takeWord('is')) {
      const isNegated = this.#takeWord('not')
      this.#expectWord('null')
      return { kind: 'null', isNegated }
    }
    const isNegated = this.#takeWord('not')
    if (this.#takeWord('like')) return { kind: 'like', pattern: this.#literal(), isNegated }
    if (this.#takeWord('between')) {
      const low = this.#literal()
      this.#expectWord('and')
      return { kind: 'between', low, high: this.#literal(), isNegated }
    }
    if (this.#takeWord('in')) return { kind: 'in', values: this.#literals(), isNegated }
    throw this.#unexpected(isNegated ? 'like, between or in' : 'a comparison')
  }

  #literals(): readonly string[] {
    this.#expectSymbol('(')
    const values = [this.#literal()]
    while (this.#takeSymbol(',')) values.push(this.#literal())
    this.#expectSymbol(')')
    return values
  }

  #literal(): string {
    const { kind, text } = this.#peek()
    if (kind !== 'literal') throw this.#unexpected('a value in quotes')
    this.#index++
    return text
  }

  #name(what: string): string {
    const { kind, text } = this.#peek()
    const isName = kind === 'name' || (kind === 'word' && !reservedWords.has(text.toLowerCase()))
    if (!isName) throw this.#unexpected(what)
    this.#index++
    return text
  }

  #peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#index + ahead, this.#tokens.length - 1)]
    if (token === undefined) throw new Error('the token list lacks its end token')
    return token
  }

  #isWord(word: string, ahead = 0): boolean {
    const { kind, text } = this.#peek(ahead)
    return kind === 'word' && text.toLowerCase() === word
  }

  #isSymbol(symbol: string, ahead = 0): boolean {
    const { kind, text } = this.#peek(ahead)
    return kind === 'symbol' && text === symbol
  }

  #takeWord(word: string): boolean {
    if (!this.#isWord(word)) return false
    this.#index++
    return true
  }

  #takeSymbol(symbol: string): boolean {
    if (!this.#isSymbol(symbol)) return false
    this.#index++
    return true
  }

  /**
   * Consumes a function name with its opening parenthesis. Without the parenthesis it is an
   * ordinary name.
   */
  #takeCall(name: string): boolean {
    if (!this.#isWord(name) || !this.#isSymbol('(', 1)) return false
    this.#index += 2
    return true
  }

  #expectWord(word: string): void {
    if (!this.#takeWord(word)) throw this.#unexpected(word)
  }

  #expectSymbol(symbol: string): void {
    if (!this.#takeSymbol(symbol)) throw this.#unexpected(symbol)
  }

  #unexpected(expected: string): Error {
    return invalidQuery(this.#peek().position, { kind: 'unexpected token', expected })
  }
}
