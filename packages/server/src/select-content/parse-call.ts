// Parses calls of functions, and the forms with keywords inside: CAST, CASE, TRIM, SUBSTRING and dates.

import type { AggregateName, CastType, Expression, ExtractPart } from './ast.ts'
import { QueryError } from './error.ts'
import { functionArities } from './function.ts'
import type { ExpressionParser } from './parse-expression.ts'
import type { DatePart } from './timestamp.ts'
import type { TokenReader } from './token-reader.ts'
import { containsAggregate } from './walk.ts'

const types: ReadonlyMap<string, CastType['name']> = new Map([
  ['BOOL', 'bool'],
  ['BOOLEAN', 'bool'],
  ['INT', 'int'],
  ['INTEGER', 'int'],
  ['BIGINT', 'int'],
  ['SMALLINT', 'int'],
  ['STRING', 'string'],
  ['VARCHAR', 'string'],
  ['CHAR', 'string'],
  ['FLOAT', 'float'],
  ['DOUBLE', 'float'],
  ['REAL', 'float'],
  ['DECIMAL', 'decimal'],
  ['NUMERIC', 'decimal'],
  ['TIMESTAMP', 'timestamp'],
])

const aggregates: ReadonlyMap<string, AggregateName> = new Map([
  ['AVG', 'avg'],
  ['COUNT', 'count'],
  ['MAX', 'max'],
  ['MIN', 'min'],
  ['SUM', 'sum'],
])

const dateParts: ReadonlyMap<string, DatePart> = new Map([
  ['YEAR', 'year'],
  ['MONTH', 'month'],
  ['DAY', 'day'],
  ['HOUR', 'hour'],
  ['MINUTE', 'minute'],
  ['SECOND', 'second'],
])

const extractParts: ReadonlyMap<string, ExtractPart> = new Map<string, ExtractPart>([
  ...dateParts,
  ['TIMEZONE_HOUR', 'timezone_hour'],
  ['TIMEZONE_MINUTE', 'timezone_minute'],
])

/** True at CASE, CAST, or a name before a parenthesis. */
export function isCall(tokens: TokenReader): boolean {
  const { keyword } = tokens
  if (keyword === 'CASE' || keyword === 'CAST') return true
  return keyword !== undefined && tokens.isFollowedBy('(')
}

/** @throws QueryError `Parse…`, `UnsupportedFunction` */
export function parseCall(parser: ExpressionParser): Expression {
  const { tokens } = parser
  const name = tokens.keyword ?? ''
  tokens.skip()
  if (name === 'CASE') return parseCase(parser)
  if (name === 'CAST') return parseCast(parser)
  tokens.expectSign('(')
  const aggregate = aggregates.get(name)
  if (aggregate !== undefined) return parseAggregate(parser, aggregate)
  if (name === 'EXTRACT') return parseExtract(parser)
  if (name === 'DATE_ADD') return parseDateCall(parser, 'dateAdd')
  if (name === 'DATE_DIFF') return parseDateCall(parser, 'dateDiff')
  if (name === 'TRIM') return parseTrim(parser)
  const values: Expression[] = []
  if (name === 'SUBSTRING') {
    values.push(...parseSubstring(parser))
  } else if (!tokens.takeSign(')')) {
    if (tokens.isSign('*')) throw new QueryError('ParseUnsupportedCallWithStar')
    do values.push(parser.parse())
    while (tokens.takeSign(','))
    tokens.expectSign(')')
  }
  const arity = functionArities.get(name)
  if (arity === undefined) {
    throw new QueryError('UnsupportedFunction', `There is no function ${name}.`)
  }
  if (values.length < arity.minimum || values.length > arity.maximum) {
    throw new QueryError('EvaluatorInvalidArguments', `${name} has another number of arguments.`)
  }
  return { kind: 'call', name, arguments: values }
}

function parseCase(parser: ExpressionParser): Expression {
  const { tokens } = parser
  const subject = tokens.isKeyword('WHEN') ? undefined : parser.parse()
  const branches: { when: Expression; result: Expression }[] = []
  while (tokens.takeKeyword('WHEN')) {
    const when = parser.parse()
    tokens.expectKeyword('THEN')
    branches.push({ when, result: parser.parse() })
  }
  if (branches.length === 0) throw new QueryError('ParseExpectedWhenClause')
  const otherwise = tokens.takeKeyword('ELSE') ? parser.parse() : undefined
  tokens.expectKeyword('END')
  return { kind: 'case', subject, branches, otherwise }
}

function parseCast(parser: ExpressionParser): Expression {
  const { tokens } = parser
  if (!tokens.takeSign('(')) throw new QueryError('ParseExpectedLeftParenAfterCast')
  const operand = parser.parse()
  if (!tokens.takeKeyword('AS')) throw new QueryError('ParseCastArity')
  const type = parseType(tokens)
  tokens.expectSign(')')
  return { kind: 'cast', operand, type }
}

function parseType(tokens: TokenReader): CastType {
  const name = types.get(tokens.keyword ?? '')
  if (name === undefined) throw new QueryError('ParseExpectedTypeName')
  tokens.skip()
  tokens.takeKeyword('PRECISION')
  if (!tokens.takeSign('(')) return { name }
  const precision = parseTypeNumber(tokens)
  const scale = tokens.takeSign(',') ? parseTypeNumber(tokens) : 0
  tokens.expectSign(')')
  if (name === 'decimal' && (precision === 0 || precision > 38 || scale > precision)) {
    throw new QueryError('ParseInvalidTypeParam')
  }
  return name === 'decimal' ? { name, precision, scale } : { name }
}

function parseTypeNumber(tokens: TokenReader): number {
  const value = tokens.takeLiteral()
  if (typeof value !== 'bigint' || value > 1000n) throw new QueryError('ParseInvalidTypeParam')
  return Number(value)
}

function parseAggregate(parser: ExpressionParser, name: AggregateName): Expression {
  const { tokens } = parser
  if (tokens.takeSign('*')) {
    if (name !== 'count') throw new QueryError('ParseUnsupportedCallWithStar')
    tokens.expectSign(')')
    return { kind: 'aggregate', name, argument: undefined }
  }
  if (tokens.isKeyword('DISTINCT')) {
    throw new QueryError('UnsupportedSqlStructure', 'DISTINCT is not supported.')
  }
  if (tokens.isSign(')')) throw new QueryError('ParseNonUnaryAgregateFunctionCall')
  const argument = parser.parse()
  if (!tokens.takeSign(')')) throw new QueryError('ParseNonUnaryAgregateFunctionCall')
  if (containsAggregate(argument)) {
    throw new QueryError('UnsupportedSqlStructure', 'Aggregate functions cannot be nested.')
  }
  return { kind: 'aggregate', name, argument }
}

function parseExtract(parser: ExpressionParser): Expression {
  const { tokens } = parser
  const part = extractParts.get(tokens.keyword ?? '')
  if (part === undefined) throw new QueryError('ParseExpectedDatePart')
  tokens.skip()
  tokens.expectKeyword('FROM')
  const operand = parser.parse()
  tokens.expectSign(')')
  return { kind: 'extract', part, operand }
}

function parseDateCall(parser: ExpressionParser, kind: 'dateAdd' | 'dateDiff'): Expression {
  const { tokens } = parser
  const part = dateParts.get(tokens.keyword ?? '')
  if (part === undefined) throw new QueryError('ParseExpectedDatePart')
  tokens.skip()
  tokens.expectSign(',')
  const left = parser.parse()
  tokens.expectSign(',')
  const right = parser.parse()
  tokens.expectSign(')')
  return { kind, part, left, right }
}

/** `TRIM([[BOTH | LEADING | TRAILING] [characters] FROM] text)` */
function parseTrim(parser: ExpressionParser): Expression {
  const { tokens } = parser
  const side = takeSide(tokens)
  let characters: Expression | undefined
  let operand: Expression | undefined
  if (!tokens.isKeyword('FROM')) operand = parser.parse()
  if (tokens.takeKeyword('FROM')) {
    characters = operand
    operand = parser.parse()
  }
  tokens.expectSign(')')
  if (operand === undefined) throw new QueryError('ParseExpectedExpression')
  return { kind: 'trim', side: side ?? 'both', characters, operand }
}

function takeSide(tokens: TokenReader): 'both' | 'leading' | 'trailing' | undefined {
  if (tokens.isFollowedBy('.') || tokens.isFollowedBy(')')) return undefined
  if (tokens.takeKeyword('BOTH')) return 'both'
  if (tokens.takeKeyword('LEADING')) return 'leading'
  return tokens.takeKeyword('TRAILING') ? 'trailing' : undefined
}

/** `SUBSTRING(text, start, length)` or `SUBSTRING(text FROM start FOR length)` */
function parseSubstring(parser: ExpressionParser): Expression[] {
  const { tokens } = parser
  const values = [parser.parse()]
  if (tokens.takeKeyword('FROM')) {
    values.push(parser.parse())
    if (tokens.takeKeyword('FOR')) values.push(parser.parse())
  } else {
    while (tokens.takeSign(',')) values.push(parser.parse())
  }
  tokens.expectSign(')')
  return values
}
