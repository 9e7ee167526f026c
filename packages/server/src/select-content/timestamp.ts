// Timestamps as in Ion: a moment, a UTC offset, and a precision.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-date.html

/** The precisions of a timestamp, from coarse to fine. */
const precisions = ['year', 'month', 'day', 'minute', 'second'] as const
export type Precision = (typeof precisions)[number]

/** A unit of DATE_ADD and DATE_DIFF. */
export type DatePart = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'

/** The fields of a timestamp, at its own offset. */
export interface TimestampFields {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** Nanoseconds of the second. */
  readonly nano: number
}

/** A moment. */
export class Timestamp {
  /** Milliseconds since the epoch, at whole seconds. */
  readonly epochMs: number
  /** Nanoseconds of the second, 0 to 999,999,999. */
  readonly nano: number
  /** Minutes east of UTC; undefined if unknown, as for a date without a time. */
  readonly offset: number | undefined
  readonly precision: Precision
  /** The number of digits in the fraction of the second. */
  readonly fractionDigits: number

  constructor(parts: {
    readonly epochMs: number
    readonly nano?: number
    readonly offset: number | undefined
    readonly precision: Precision
    readonly fractionDigits?: number
  }) {
    this.epochMs = parts.epochMs
    this.nano = parts.nano ?? 0
    this.offset = parts.offset
    this.precision = parts.precision
    this.fractionDigits = parts.fractionDigits ?? 0
  }

  /** A timestamp in UTC, precise to the millisecond. */
  static fromMs(ms: number): Timestamp {
    const whole = Math.floor(ms / 1000) * 1000
    const nano = Math.round((ms - whole) * 1e6)
    return new Timestamp({
      epochMs: whole,
      nano,
      offset: 0,
      precision: 'second',
      fractionDigits: nano === 0 ? 0 : 3,
    })
  }

  /** A timestamp of fields; undefined if the day or time doesn't exist, or is out of range. */
  static fromFields(
    fields: TimestampFields,
    rest: {
      readonly offset: number | undefined
      readonly precision: Precision
      readonly fractionDigits?: number
    },
  ): Timestamp | undefined {
    const { year, month, day, hour, minute, second, nano } = fields
    if (year < 1 || year > 9999 || month < 1 || month > 12 || hour > 23) return undefined
    if (minute > 59 || second > 59 || day < 1 || day > daysOf(year, month)) return undefined
    const { offset } = rest
    if (offset !== undefined && Math.abs(offset) >= 1440) return undefined
    const local = utcOf(year, month, day) + ((hour * 60 + minute) * 60 + second) * 1000
    return new Timestamp({ ...rest, epochMs: local - (offset ?? 0) * 60_000, nano })
  }

  /** Parses a timestamp in Ion's notation of ISO 8601; undefined for other texts. */
  static parse(text: string): Timestamp | undefined {
    const match = pattern.exec(text)
    if (match === null) return undefined
    const [, year, month, day, hour, minute, second, fraction = '', zone] = match
    const precision =
      second !== undefined
        ? 'second'
        : hour !== undefined
          ? 'minute'
          : day !== undefined
            ? 'day'
            : month !== undefined
              ? 'month'
              : 'year'
    return Timestamp.fromFields(
      {
        year: Number(year),
        month: Number(month ?? 1),
        day: Number(day ?? 1),
        hour: Number(hour ?? 0),
        minute: Number(minute ?? 0),
        second: Number(second ?? 0),
        nano: Number(fraction.slice(0, 9).padEnd(9, '0')),
      },
      { offset: offsetOf(zone), precision, fractionDigits: Math.min(fraction.length, 9) },
    )
  }

  fields(): TimestampFields {
    const date = new Date(this.epochMs + (this.offset ?? 0) * 60_000)
    return {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      nano: this.nano,
    }
  }

  compare(other: Timestamp): number {
    return Math.sign(this.epochMs - other.epochMs || this.nano - other.nano)
  }

  /** This timestamp plus `quantity` units, at least as precise as the unit; undefined if out of range. */
  plus(part: DatePart, quantity: number): Timestamp | undefined {
    const needed: Precision = part === 'hour' ? 'minute' : part
    const isFiner = precisions.indexOf(needed) > precisions.indexOf(this.precision)
    const precision = isFiner ? needed : this.precision
    const hasTime = precision === 'minute' || precision === 'second'
    const offset = this.offset ?? (hasTime ? 0 : undefined)
    const { nano, fractionDigits } = this
    if (part === 'year' || part === 'month') {
      const fields = this.fields()
      const months = fields.year * 12 + fields.month - 1 + quantity * (part === 'year' ? 12 : 1)
      const year = Math.floor(months / 12)
      const month = months - year * 12 + 1
      if (!(year >= 1 && year <= 9999)) return undefined
      const day = Math.min(fields.day, daysOf(year, month))
      return Timestamp.fromFields(
        { ...fields, year, month, day },
        { offset, precision, fractionDigits },
      )
    }
    const epochMs = this.epochMs + quantity * lengths[part]
    if (!(epochMs >= earliestMs && epochMs <= latestMs)) return undefined
    return new Timestamp({ epochMs, nano, offset, precision, fractionDigits })
  }

  /** The number of whole units from this moment to `later`; negative if that is earlier. */
  until(later: Timestamp, part: DatePart): number {
    if (part === 'year' || part === 'month') {
      if (this.compare(later) > 0) return 0 - later.until(this, part)
      const from = this.fields()
      const to = later.fields()
      let months = (to.year - from.year) * 12 + to.month - from.month
      if (isBehind(to, from)) months--
      return part === 'year' ? Math.trunc(months / 12) : months
    }
    const difference = later.epochMs - this.epochMs + (later.nano - this.nano) / 1e6
    return Math.trunc(difference / lengths[part]) + 0
  }

  /** The timestamp in Ion's notation: `2007-02-23T12:14:33.079-08:00`, `2007T`, `2007-02-23T`. */
  toString(): string {
    const { year, month, day, hour, minute, second } = this.fields()
    const date = String(year).padStart(4, '0')
    if (this.precision === 'year') return `${date}T`
    const toMonth = `${date}-${two(month)}`
    if (this.precision === 'month') return `${toMonth}T`
    const toDay = `${toMonth}-${two(day)}T`
    if (this.precision === 'day') return toDay
    const toMinute = `${toDay}${two(hour)}:${two(minute)}`
    const zone = zoneOf(this.offset)
    if (this.precision === 'minute') return `${toMinute}${zone}`
    const fraction = String(this.nano).padStart(9, '0').slice(0, this.fractionDigits)
    return `${toMinute}:${two(second)}${fraction === '' ? '' : `.${fraction}`}${zone}`
  }
}

const pattern =
  /^(\d{4})(?:T|-(\d\d)(?:T|-(\d\d)(?:T?|[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)?)))$/

const lengths = { day: 86_400_000, hour: 3_600_000, minute: 60_000, second: 1000 } as const
const earliestMs = utcOf(1, 1, 1)
const latestMs = utcOf(9999, 12, 31) + lengths.day - 1000

/** Like Date.UTC, which takes years below 100 as years of the 20th century. */
function utcOf(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month - 1, day)
}

/** The number of days in a month. */
function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Parses `+hh:mm`, `+hhmm` or Z as minutes; undefined for none, and for `-00:00`, which means unknown. */
export function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === '-00:00') return undefined
  if (zone === 'Z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return zone.startsWith('-') ? -minutes : minutes
}

function zoneOf(offset: number | undefined): string {
  if (offset === undefined) return '-00:00'
  if (offset === 0) return 'Z'
  const minutes = Math.abs(offset)
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** True if the day and time in `to` precede those in `from`, regardless of the month. */
function isBehind(to: TimestampFields, from: TimestampFields): boolean {
  const seconds = (fields: TimestampFields): number =>
    ((fields.day * 24 + fields.hour) * 60 + fields.minute) * 60 + fields.second
  return seconds(to) - seconds(from) + (to.nano - from.nano) / 1e9 < 0
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
