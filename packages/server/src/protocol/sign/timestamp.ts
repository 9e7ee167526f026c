// The two forms of time in signed requests.

const basicForm = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** Milliseconds of `yyyyMMddTHHmmssZ`; undefined for another form, or a moment that doesn't exist. */
export function parseTimestamp(text: string): number | undefined {
  const match = basicForm.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second] = match.map(Number)
  const ms = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second)
  // Date.UTC carries 31 June over into July.
  return formatTimestamp(ms) === text ? ms : undefined
}

/** `yyyyMMddTHHmmssZ` of a moment. */
export function formatTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
}

const httpDate =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]0000)$/

/** Milliseconds of a Date header: an HTTP date, or the basic form that some signers put there. */
export function parseDateHeader(text: string): number | undefined {
  if (!httpDate.test(text)) return parseTimestamp(text)
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}
