// Parses expressions by precedence: OR, AND, NOT, comparisons, + and -, *, / and %, signs, primaries.
// Nesting is bounded, and so are chains of operators, whose trees are as deep as the chains are long.

import { contentSelectLimits } from '../base/limits.ts'
import type { ArithmeticOperator, ComparisonOperator, Expression, Name, PathStep } from './ast.ts'
import { QueryError } from './error.ts'
import { isCall, parseCall } from './parse-call.ts'
import type { TokenReader } from './token-reader.ts'

const comparisons: readonly ComparisonOperator[] = ['=', '<>', '<', '<=', '>', '>=']
const sums: readonly ArithmeticOperator[] = ['+', '-']
const products: readonly ArithmeticOperator[] = ['*', '/', '%']

export class ExpressionParser {
  readonly tokens: TokenReader
  readonly #rowNames: readonly Name[]
  #depth = 0
  #links = 0

  /** @param rowNames names that refer to the row itself */
  constructor(tokens: TokenReader, rowNames: readonly Name[]) {
    this.tokens = tokens
    this.#rowNames = rowNames
  }

  /** The name of a row in the result. */
  get rowName(): string | undefined {
    return this.#rowNames.at(-1)?.text
  }

  /** Takes `alias.*`, which means all columns. */
  takeRowWildcard(): boolean {
    const { tokens } = this
    const word = tokens.keyword
    const isRow = this.#rowNames.some(({ text }) => text.toUpperCase() === word)
    if (!isRow || !tokens.isFollowedBy('.') || !tokens.isWildcardAt(2)) return false
    for (let count = 0; count < 3; count++) tokens.skip()
    return true
  }

  /** @throws QueryError `Parse…`, `Unsupported…` */
  parse(): Expression {
    if (++this.#depth > contentSelectLimits.depth) throw tooDeep()
    const expression = this.#or()
    this.#depth--
    return expression
  }

  #or(): Expression {
    return this.#chain('or', 'OR', () => this.#chain('and', 'AND', () => this.#not()))
  }

  #chain(kind: 'and' | 'or', word: string, next: () => Expression): Expression {
    const first = next()
    if (!this.tokens.isKeyword(word)) return first
    const operands = [first]
    while (this.tokens.takeKeyword(word)) operands.push(next())
    return { kind, operands }
  }

  #not(): Expression {
    let isNegative = false
    while (this.tokens.takeKeyword('NOT')) isNegative = !isNegative
    const operand = this.#comparison()
    return isNegative ? { kind: 'not', operand } : operand
  }

  #comparison(): Expression {
    let left = this.#sum()
    for (let links = 0; ; links++) {
      this.#countLink(links)
      const operator = comparisons.find((sign) => this.tokens.takeSign(sign))
      if (operator !== undefined) {
        left = { kind: 'compare', operator, left, right: this.#sum() }
        continue
      }
      const test = this.#test(left)
      if (test === undefined) return left
      left = test
    }
  }

  /** IS, BETWEEN, IN and LIKE after an operand, each optionally with NOT before it. */
  #test(operand: Expression): Expression | undefined {
    const { tokens } = this
    if (tokens.takeKeyword('IS')) {
      const isNegative = tokens.takeKeyword('NOT')
      const what = tokens.takeKeyword('NULL') ? 'null' : 'missing'
      if (what === 'missing') tokens.expectKeyword('MISSING')
      return negatedIf(isNegative, { kind: 'is', operand, what })
    }
    const isNegative = tokens.takeKeyword('NOT')
    if (tokens.takeKeyword('BETWEEN')) {
      const low = this.#sum()
      tokens.expectKeyword('AND')
      return negatedIf(isNegative, { kind: 'between', operand, low, high: this.#sum() })
    }
    if (tokens.takeKeyword('IN')) {
      return negatedIf(isNegative, { kind: 'in', operand, choices: this.#choices() })
    }
    if (tokens.takeKeyword('LIKE')) {
      const pattern = this.#sum()
      const mark = tokens.takeKeyword('ESCAPE') ? this.#sum() : undefined
      return negatedIf(isNegative, { kind: 'like', operand, pattern, mark })
    }
    if (isNegative) throw tokens.unexpected()
    return undefined
  }

  #choices(): Expression[] {
    const isBracket = this.tokens.takeSign('[')
    if (!isBracket) this.tokens.expectSign('(')
    if (this.tokens.isKeyword('SELECT')) {
      throw new QueryError('ParseUnsupportedSelect', 'A query inside a query is not supported.')
    }
    const choices: Expression[] = []
    do choices.push(this.parse())
    while (this.tokens.takeSign(','))
    this.tokens.expectSign(isBracket ? ']' : ')')
    return choices
  }

  #sum(): Expression {
    let left = this.#product()
    for (let links = 0; ; links++) {
      this.#countLink(links)
      const operator = sums.find((sign) => this.tokens.takeSign(sign))
      if (operator !== undefined) {
        left = { kind: 'arithmetic', operator, left, right: this.#product() }
      } else if (this.tokens.takeSign('||')) {
        left = { kind: 'concatenate', left, right: this.#product() }
      } else {
        return left
      }
    }
  }

  #product(): Expression {
    let left = this.#sign()
    for (let links = 0; ; links++) {
      this.#countLink(links)
      const operator = products.find((sign) => this.tokens.takeSign(sign))
      if (operator === undefined) return left
      left = { kind: 'arithmetic', operator, left, right: this.#sign() }
    }
  }

  #sign(): Expression {
    let isNegative = false
    for (;;) {
      if (this.tokens.takeSign('-')) isNegative = !isNegative
      else if (!this.tokens.takeSign('+')) break
    }
    const operand = this.#primary()
    return isNegative ? { kind: 'negate', operand } : operand
  }

  #primary(): Expression {
    const { tokens } = this
    if (tokens.isLiteral) return { kind: 'literal', value: tokens.takeLiteral() }
    if (tokens.takeSign('(')) {
      if (tokens.isKeyword('SELECT')) {
        throw new QueryError('ParseUnsupportedSelect', 'A query inside a query is not supported.')
      }
      const expression = this.parse()
      tokens.expectSign(')')
      return expression
    }
    if (tokens.takeKeyword('TRUE')) return { kind: 'literal', value: true }
    if (tokens.takeKeyword('FALSE')) return { kind: 'literal', value: false }
    if (tokens.takeKeyword('NULL')) return { kind: 'literal', value: null }
    if (tokens.takeKeyword('MISSING')) return { kind: 'literal', value: undefined }
    if (isCall(tokens)) return parseCall(this)
    return this.#path()
  }

  #path(): Expression {
    const { tokens } = this
    const root = tokens.takeName()
    if (root === undefined) {
      if (tokens.isEnd) throw new QueryError('ParseExpectedExpression')
      throw tokens.unexpected()
    }
    const steps: PathStep[] = this.#isRow(root) ? [] : [{ kind: 'name', name: root }]
    for (;;) {
      if (tokens.takeSign('.')) {
        if (tokens.isSign('*')) throw new QueryError('ParseAsteriskIsNotAloneInSelectList')
        steps.push({ kind: 'name', name: tokens.expectName() })
      } else if (tokens.takeSign('[')) {
        steps.push(tokens.expectSubscript())
      } else {
        return { kind: 'path', steps }
      }
      if (steps.length > contentSelectLimits.depth) throw tooDeep()
    }
  }

  #isRow(name: Name): boolean {
    return this.#rowNames.some((known) =>
      known.isQuoted || name.isQuoted
        ? known.text === name.text
        : known.text.toUpperCase() === name.text.toUpperCase(),
    )
  }

  /** @param links the number of operators in the chain so far; each makes the tree deeper */
  #countLink(links: number): void {
    if (links === 0) return
    const { chain, operators } = contentSelectLimits
    if (links > chain || ++this.#links > operators) throw tooDeep()
  }
}

function tooDeep(): QueryError {
  return new QueryError('UnsupportedSqlStructure', 'The SQL expression is nested too deeply.')
}

function negatedIf(isNegative: boolean, operand: Expression): Expression {
  return isNegative ? { kind: 'not', operand } : operand
}
