// The request target: the raw path, which signatures need, and the decoded query. Nothing is
// normalized: `//`, `.` and `..` are ordinary parts of an S3 key.
import { StoreError } from '../../base/errors.ts'
import { ownLimits } from '../../base/limits.ts'

/** One `name=value` of a query, decoded. A name without `=` has the value ''. */
export interface QueryParameter {
  readonly name: string
  readonly value: string
}

/** The decoded parameters of a query, in the order they came. Names are case-sensitive. */
export class Query {
  readonly parameters: readonly QueryParameter[]

  constructor(parameters: readonly QueryParameter[]) {
    this.parameters = parameters
  }

  /** The first value of `name`; '' for a name without `=`. */
  get(name: string): string | undefined {
    for (const parameter of this.parameters) {
      if (parameter.name === name) return parameter.value
    }
    return undefined
  }

  /** Every value of `name`. */
  all(name: string): string[] {
    const values: string[] = []
    for (const parameter of this.parameters) {
      if (parameter.name === name) values.push(parameter.value)
    }
    return values
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }
}

/** A parsed request target. */
export interface Target {
  /** The path as sent, not decoded; begins with '/', or is '*' (OPTIONS). */
  readonly path: string
  /** Host and port of an absolute-form target; only `hostOf` may interpret them. */
  readonly authority: string | undefined
  readonly query: Query
}

const noQuery = new Query([])
const absoluteForm = /^https?:\/\/([^/?#]*)/i

/**
 * Parses the target of a request line.
 * @throws StoreError InvalidUri for a target that is too long, has no path, or whose query isn't percent-encoded UTF-8.
 */
export function parseTarget(rawUrl: string, maximumBytes: number = ownLimits.urlBytes): Target {
  if (rawUrl.length > maximumBytes) throw invalidUri(rawUrl.slice(0, 256))
  let rest = rawUrl
  let authority: string | undefined
  if (rest.charCodeAt(0) !== 47) {
    const match = absoluteForm.exec(rest)
    authority = match?.[1]
    if (match) rest = rest.slice(match[0].length)
    if (authority === '') throw invalidUri(rawUrl)
  }
  const mark = rest.indexOf('?')
  let path = mark < 0 ? rest : rest.slice(0, mark)
  if (path === '' && authority !== undefined) path = '/'
  if (path.charCodeAt(0) !== 47 && path !== '*') throw invalidUri(rawUrl)
  if (rest.includes('#')) throw invalidUri(rawUrl)
  const query = mark < 0 ? noQuery : parseQuery(rest.slice(mark + 1))
  return { path, authority, query }
}

/**
 * Decodes a query string or a form-urlencoded body. As on S3, '+' is a space.
 * @throws StoreError InvalidUri if the text isn't percent-encoded UTF-8, TooManyParameters
 */
export function parseQuery(raw: string): Query {
  if (raw === '') return noQuery
  const parameters: QueryParameter[] = []
  for (let start = 0; start < raw.length; ) {
    const mark = raw.indexOf('&', start)
    const end = mark < 0 ? raw.length : mark
    const pair = raw.slice(start, end)
    start = end + 1
    if (pair === '') continue
    if (parameters.length === ownLimits.parameters) throw tooManyParameters()
    const equals = pair.indexOf('=')
    const name = equals < 0 ? pair : pair.slice(0, equals)
    const value = equals < 0 ? '' : pair.slice(equals + 1)
    parameters.push({ name: decodeQueryText(name), value: decodeQueryText(value) })
  }
  return new Query(parameters)
}

function tooManyParameters(): StoreError {
  return new StoreError({ code: 'TooManyParameters' })
}

function decodeQueryText(raw: string): string {
  return decodeText(raw.includes('+') ? raw.replaceAll('+', ' ') : raw)
}

const needsDecoding = /[%\u0080-\uffff]/
const rawHighByte = /[\u0080-\u00ff]/g

/**
 * Decodes percent-encoded UTF-8 strictly: no invalid escapes, overlong forms or surrogates. Node passes unescaped
 * bytes as Latin-1 characters, which are taken as those bytes.
 * @throws StoreError InvalidUri
 */
export function decodeText(raw: string): string {
  if (!needsDecoding.test(raw)) return raw
  try {
    return decodeURIComponent(
      raw
        .replace(rawHighByte, (byte) => `%${byte.charCodeAt(0).toString(16)}`)
        .replace(/[\u0100-\uffff]/, '%'),
    )
  } catch (cause) {
    throw invalidUri(raw, cause)
  }
}

function invalidUri(uri: string, cause?: unknown): StoreError {
  return new StoreError({ code: 'InvalidUri', uri, problem: 'syntax' }, { cause })
}
