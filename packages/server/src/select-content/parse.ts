// Parses a query: SELECT list, FROM, WHERE, LIMIT.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-select.html

import { contentSelectLimits } from '../base/limits.ts'
import type { Expression, Name, Projection, Query, SourceStep } from './ast.ts'
import { QueryError } from './error.ts'
import { ExpressionParser } from './parse-expression.ts'
import { TokenReader } from './token-reader.ts'
import { containsAggregate, hasLoosePath } from './walk.ts'

const unsupportedClauses = new Set([
  'CROSS',
  'EXCEPT',
  'GROUP',
  'HAVING',
  'INNER',
  'INTERSECT',
  'JOIN',
  'LEFT',
  'OFFSET',
  'ORDER',
  'OUTER',
  'RIGHT',
  'UNION',
])

/**
 * Parses a query.
 * @throws QueryError `ExpressionTooLong`, `Lexer…`, `Parse…`, `Unsupported…`
 */
export function parseQuery(text: string): Query {
  if (Buffer.byteLength(text) > contentSelectLimits.expressionBytes) {
    throw new QueryError('ExpressionTooLong')
  }
  const tokens = new TokenReader(text)
  const from = sourceOf(text)
  if (!tokens.takeKeyword('SELECT')) {
    throw new QueryError('ParseUnsupportedSelect', 'The SQL expression does not begin with SELECT.')
  }
  const parser = new ExpressionParser(tokens, from.names)
  const projections = parseProjections(tokens, parser)
  if (!tokens.takeKeyword('FROM')) {
    throw tokens.isEnd ? new QueryError('ParseSelectMissingFrom') : tokens.unexpected()
  }
  skipSource(tokens)
  const where = tokens.takeKeyword('WHERE') ? parser.parse() : undefined
  const limit = tokens.takeKeyword('LIMIT') ? parseLimit(tokens) : undefined
  refuseRest(tokens)
  if (where !== undefined && containsAggregate(where)) {
    throw new QueryError('UnsupportedSqlStructure', 'WHERE cannot contain an aggregate function.')
  }
  const isAggregate = checkAggregates(projections)
  const { steps, rowName } = from
  return { projections, source: steps, rowName, where, limit, isAggregate }
}

function parseProjections(
  tokens: TokenReader,
  parser: ExpressionParser,
): readonly Projection[] | undefined {
  if (tokens.isKeyword('FROM')) throw new QueryError('ParseEmptySelect')
  if (tokens.takeSign('*')) {
    if (tokens.isSign(',')) throw new QueryError('ParseAsteriskIsNotAloneInSelectList')
    return undefined
  }
  if (parser.takeRowWildcard()) {
    if (tokens.isSign(',')) throw new QueryError('ParseAsteriskIsNotAloneInSelectList')
    return undefined
  }
  const projections: Projection[] = []
  do {
    if (tokens.isSign('*')) throw new QueryError('ParseAsteriskIsNotAloneInSelectList')
    const expression = parser.parse()
    projections.push({ expression, name: takeAlias(tokens) ?? nameOf(expression, parser) })
    if (projections.length > contentSelectLimits.projections) {
      throw new QueryError('UnsupportedSqlStructure', 'The SELECT list is too long.')
    }
  } while (tokens.takeSign(','))
  return projections
}

function takeAlias(tokens: TokenReader): string | undefined {
  const isExplicit = tokens.takeKeyword('AS')
  const name = tokens.takeName()
  if (name === undefined && isExplicit) throw new QueryError('ParseExpectedIdentForAlias')
  return name?.text
}

/** The name of a column without an alias. */
function nameOf(expression: Expression, parser: ExpressionParser): string | undefined {
  if (expression.kind !== 'path') return undefined
  const last = expression.steps.at(-1)
  if (last === undefined) return parser.rowName
  return last.kind === 'name' ? last.name.text : undefined
}

function parseLimit(tokens: TokenReader): number {
  if (tokens.isSign('-')) throw new QueryError('EvaluatorNegativeLimit')
  const value = tokens.takeLiteral()
  if (typeof value !== 'bigint') {
    throw new QueryError('ParseExpectedNumber', 'LIMIT takes a whole number.')
  }
  return Number(value)
}

function refuseRest(tokens: TokenReader): void {
  if (tokens.isEnd) return
  const keyword = tokens.keyword
  if (keyword !== undefined && unsupportedClauses.has(keyword)) {
    throw new QueryError('UnsupportedSqlStructure', `${keyword} is not supported.`)
  }
  throw tokens.unexpected()
}

/** True if the list has aggregates, false if it has columns. @throws QueryError if it has both */
function checkAggregates(projections: readonly Projection[] | undefined): boolean {
  if (projections === undefined) return false
  if (!projections.some(({ expression }) => containsAggregate(expression))) return false
  if (projections.some(({ expression }) => hasLoosePath(expression))) {
    throw new QueryError(
      'UnsupportedSqlStructure',
      'A column beside aggregate functions would need GROUP BY, which is not supported.',
    )
  }
  return true
}

interface Source {
  readonly steps: readonly SourceStep[]
  /** The names that refer to the row. */
  readonly names: readonly Name[]
  readonly rowName: string | undefined
}

/** Finds and parses FROM before the SELECT list, whose names depend on it. */
function sourceOf(text: string): Source {
  const tokens = new TokenReader(text)
  let depth = 0
  while (!tokens.isEnd && !(depth === 0 && tokens.isKeyword('FROM'))) {
    if (tokens.isSign('(')) depth++
    if (tokens.isSign(')')) depth--
    tokens.skip()
  }
  if (!tokens.takeKeyword('FROM')) return { steps: [], names: [], rowName: undefined }
  return takeSource(tokens)
}

function skipSource(tokens: TokenReader): void {
  takeSource(tokens)
}

function takeSource(tokens: TokenReader): Source {
  if (tokens.isSign('(')) {
    throw new QueryError('ParseUnsupportedSelect', 'A query inside a query is not supported.')
  }
  const table = tokens.takeName()
  if (table?.text.toLowerCase() !== 's3object') {
    throw new QueryError('InvalidTableAlias', 'FROM must name S3Object.')
  }
  const steps: SourceStep[] = []
  for (;;) {
    const step = takeSourceStep(tokens)
    if (step === undefined) break
    if (steps.push(step) > contentSelectLimits.depth) {
      throw new QueryError('UnsupportedSqlStructure', 'The path of FROM is too long.')
    }
  }
  const [first, ...rest] = steps
  if (first !== undefined && first.kind !== 'elements') {
    throw new QueryError('ParseInvalidPathComponent', 'A path of FROM begins with S3Object[*].')
  }
  const isExplicit = tokens.takeKeyword('AS')
  const alias = tokens.takeName()
  if (alias === undefined && isExplicit) throw new QueryError('ParseExpectedIdentForAlias')
  if (tokens.isSign(',')) {
    throw new QueryError('UnsupportedSqlStructure', 'FROM can name one source only.')
  }
  const implied = impliedName(rest)
  const names = [table, ...(alias === undefined ? [] : [alias])]
  if (alias === undefined && implied !== undefined) names.push(implied)
  return { steps: rest, names, rowName: alias === undefined ? implied?.text : undefined }
}

/** The name of a row if FROM has no alias: the path's last name, or `_1` after a wildcard. */
function impliedName(steps: readonly SourceStep[]): Name | undefined {
  const last = steps.at(-1)
  if (last === undefined) return undefined
  return last.kind === 'name' ? last.name : { text: '_1', isQuoted: false }
}

function takeSourceStep(tokens: TokenReader): SourceStep | undefined {
  if (tokens.takeSign('.')) {
    if (tokens.takeSign('*')) return { kind: 'members' }
    return { kind: 'name', name: tokens.expectName() }
  }
  if (!tokens.takeSign('[')) return undefined
  if (tokens.takeSign('*')) {
    tokens.expectSign(']')
    return { kind: 'elements' }
  }
  return tokens.expectSubscript()
}
