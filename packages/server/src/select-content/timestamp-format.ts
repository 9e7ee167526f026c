// The patterns of TO_STRING and TO_TIMESTAMP: letters denote parts of a date, as in Java's formatters.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-date.html

import { QueryError } from './error.ts'
import { Timestamp, type TimestampFields } from './timestamp.ts'

/** A piece of a pattern: literal text, or a symbol and its number of repetitions. */
type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'symbol'; readonly symbol: string; readonly count: number }

/** The symbols, each with the greatest number of repetitions. */
const symbols: ReadonlyMap<string, number> = new Map([
  ['y', 4],
  ['M', 5],
  ['d', 2],
  ['a', 1],
  ['h', 2],
  ['H', 2],
  ['m', 2],
  ['s', 2],
  ['S', 9],
  ['n', 1],
  ['X', 5],
  ['x', 5],
])

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const

/** @throws QueryError for a pattern with other letters, or an unterminated quote */
function piecesOf(pattern: string): Piece[] {
  const pieces: Piece[] = []
  for (let at = 0; at < pattern.length; ) {
    const character = pattern.charAt(at)
    if (character === "'") {
      const { text, end } = quotedText(pattern, at)
      pieces.push({ kind: 'text', text })
      at = end
      continue
    }
    let end = at + 1
    if (!/[A-Za-z]/.test(character)) {
      pieces.push({ kind: 'text', text: character })
      at = end
      continue
    }
    while (pattern.charAt(end) === character) end++
    const count = end - at
    const maximum = symbols.get(character)
    if (maximum === undefined) throw new QueryError('EvaluatorInvalidTimestampFormatPatternSymbol')
    if (count > maximum || (character === 'y' && count === 3)) {
      throw new QueryError('EvaluatorInvalidTimestampFormatPattern')
    }
    pieces.push({ kind: 'symbol', symbol: character, count })
    at = end
  }
  return pieces
}

/** The text between quotes. Two quotes, inside or alone, denote one. */
function quotedText(pattern: string, start: number): { text: string; end: number } {
  if (pattern.charAt(start + 1) === "'") return { text: "'", end: start + 2 }
  let text = ''
  for (let at = start + 1; at < pattern.length; at++) {
    const character = pattern.charAt(at)
    if (character !== "'") {
      text += character
      continue
    }
    if (pattern.charAt(at + 1) !== "'") return { text, end: at + 1 }
    text += "'"
    at++
  }
  throw new QueryError('EvaluatorUnterminatedTimestampFormatPatternToken')
}

/** A function that formats timestamps. @throws QueryError for an invalid pattern */
export function timestampWriter(pattern: string): (timestamp: Timestamp) => string {
  const pieces = piecesOf(pattern)
  return (timestamp) => {
    const fields = timestamp.fields()
    let text = ''
    for (const piece of pieces) {
      text +=
        piece.kind === 'text' ? piece.text : write(piece.symbol, piece.count, fields, timestamp)
    }
    return text
  }
}

function write(
  symbol: string,
  count: number,
  fields: TimestampFields,
  { offset }: Timestamp,
): string {
  switch (symbol) {
    case 'y':
      return count === 2 ? padded(fields.year % 100, 2) : padded(fields.year, count)
    case 'M':
      return writeMonth(fields.month, count)
    case 'd':
      return padded(fields.day, count)
    case 'a':
      return fields.hour < 12 ? 'AM' : 'PM'
    case 'h':
      return padded(fields.hour % 12 || 12, count)
    case 'H':
      return padded(fields.hour, count)
    case 'm':
      return padded(fields.minute, count)
    case 's':
      return padded(fields.second, count)
    case 'S':
      return padded(fields.nano, 9).slice(0, count)
    case 'n':
      return String(fields.nano)
    default:
      return writeOffset(offset ?? 0, count, symbol === 'X')
  }
}

function writeMonth(month: number, count: number): string {
  const name = months[month - 1] ?? ''
  if (count === 3) return name.slice(0, 3)
  if (count === 4) return name
  return count === 5 ? name.slice(0, 1) : padded(month, count)
}

function writeOffset(offset: number, count: number, hasZ: boolean): string {
  if (offset === 0 && hasZ) return 'Z'
  const minutes = Math.abs(offset)
  const hour = `${offset < 0 ? '-' : '+'}${padded(Math.floor(minutes / 60), 2)}`
  const minute = padded(minutes % 60, 2)
  if (count === 1) return minutes % 60 === 0 ? hour : `${hour}${minute}`
  return count === 3 || count === 5 ? `${hour}:${minute}` : `${hour}${minute}`
}

function padded(value: number, count: number): string {
  return String(value).padStart(count, '0')
}

/** The fields found so far in a text. */
interface Found {
  year?: number
  month?: number
  day?: number
  hour?: number
  hour12?: number
  isAfternoon?: boolean
  minute?: number
  second?: number
  nano?: number
  fractionDigits?: number
  offset?: number
}

/** A function that parses timestamps. @throws QueryError for an invalid pattern */
export function timestampReader(pattern: string): (text: string) => Timestamp | undefined {
  const pieces = piecesOf(pattern)
  return (text) => {
    const found: Found = {}
    let at = 0
    for (const piece of pieces) {
      const taken =
        piece.kind === 'text'
          ? text.startsWith(piece.text, at)
            ? piece.text.length
            : -1
          : read(piece.symbol, piece.count, text.slice(at, at + 16), found)
      if (taken < 0) return undefined
      at += taken
    }
    return at === text.length ? timestampOf(found) : undefined
  }
}

/** Reads one symbol into `found`. Returns the number of characters; -1 if the text doesn't match. */
function read(symbol: string, count: number, text: string, found: Found): number {
  if (symbol === 'M' && count > 2) return readMonthName(count, text, found)
  if (symbol === 'a') {
    const match = /^(AM|PM)/i.exec(text)?.[0]
    found.isAfternoon = match?.toUpperCase() === 'PM'
    return match?.length ?? -1
  }
  if (symbol === 'X' || symbol === 'x') return readOffset(text, found)
  const digits = digitsFor(symbol, count).exec(text)?.[0]
  if (digits === undefined) return -1
  const value = Number(digits)
  switch (symbol) {
    case 'y':
      found.year = count === 2 ? value + (value < 70 ? 2000 : 1900) : value
      break
    case 'M':
      found.month = value
      break
    case 'd':
      found.day = value
      break
    case 'h':
      found.hour12 = value
      break
    case 'H':
      found.hour = value
      break
    case 'm':
      found.minute = value
      break
    case 's':
      found.second = value
      break
    case 'S':
      found.nano = Number(digits.padEnd(9, '0'))
      found.fractionDigits = digits.length
      break
    default:
      found.nano = value
      found.fractionDigits = 9
  }
  return digits.length
}

function digitsFor(symbol: string, count: number): RegExp {
  if (symbol === 'y') return count === 1 ? /^\d{1,4}/ : new RegExp(`^\\d{${count}}`)
  if (symbol === 'S') return new RegExp(`^\\d{${count}}`)
  if (symbol === 'n') return /^\d{1,9}/
  return count === 1 ? /^\d{1,2}/ : /^\d\d/
}

function readMonthName(count: number, text: string, found: Found): number {
  const index = months.findIndex((name) => {
    const wanted = count === 3 ? name.slice(0, 3) : count === 5 ? name.slice(0, 1) : name
    return text.slice(0, wanted.length).toLowerCase() === wanted.toLowerCase()
  })
  const name = months[index]
  if (name === undefined) return -1
  found.month = index + 1
  return count === 3 ? 3 : count === 5 ? 1 : name.length
}

function readOffset(text: string, found: Found): number {
  const match = /^(?:Z|([+-])(\d\d)(?::?(\d\d))?)/.exec(text)
  if (match === null) return -1
  const [all, sign, hours = '0', minutes = '0'] = match
  const offset = Number(hours) * 60 + Number(minutes)
  found.offset = sign === '-' ? -offset : offset
  return all.length
}

function timestampOf(found: Found): Timestamp | undefined {
  if (found.year === undefined) return undefined
  const { hour12, isAfternoon = false } = found
  if (hour12 !== undefined && (hour12 < 1 || hour12 > 12)) return undefined
  const hour = hour12 === undefined ? found.hour : (hour12 % 12) + (isAfternoon ? 12 : 0)
  const hasSecond = found.second !== undefined || found.nano !== undefined
  const hasTime = hour !== undefined || found.minute !== undefined
  const toDay = found.day !== undefined ? 'day' : found.month !== undefined ? 'month' : 'year'
  return Timestamp.fromFields(
    {
      year: found.year,
      month: found.month ?? 1,
      day: found.day ?? 1,
      hour: hour ?? 0,
      minute: found.minute ?? 0,
      second: found.second ?? 0,
      nano: found.nano ?? 0,
    },
    {
      offset: found.offset ?? (hasSecond || hasTime ? 0 : undefined),
      precision: hasSecond ? 'second' : hasTime ? 'minute' : toDay,
      fractionDigits: found.fractionDigits ?? 0,
    },
  )
}
