// The two forms of time in signed requests.

const basicForm = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** Parses `yyyyMMddTHHmmssZ` to milliseconds; undefined for another form, or a nonexistent time. */
export function parseTimestamp(text: string): number | undefined {
  const match = basicForm.exec(text)
  if (match === null) return undefined
  const year = Number(match[1])
  const month = Number(match[2])
  const day = Number(match[3])
  const hour = Number(match[4])
  const minute = Number(match[5])
  const second = Number(match[6])
  if (year < 1970 || month < 1 || day < 1 || hour > 23 || minute > 59 || second > 59) {
    return undefined
  }
  const ms = Date.UTC(year, month - 1, day, hour, minute, second)
  // Date.UTC takes 31 June as 1 July, and month 13 as the next January.
  const date = new Date(ms)
  return date.getUTCDate() === day && date.getUTCMonth() === month - 1 ? ms : undefined
}

/** Formats a time as `yyyyMMddTHHmmssZ`. */
export function formatTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
}

const httpDate =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]0000)$/

/** Parses a Date header to milliseconds: an HTTP date, or the basic form that some clients send. */
export function parseDateHeader(text: string): number | undefined {
  if (!httpDate.test(text)) return parseTimestamp(text)
  const ms = Date.parse(text)
  return Number.isNaN(ms) || ms < 0 ? undefined : ms
}

/** Formats a time as in the elements of AWS's errors: 2013-05-24T00:00:00Z. */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
