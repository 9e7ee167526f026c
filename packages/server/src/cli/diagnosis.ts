// One result of an examination of the data folder or the port.

/** In order, a warning, or an obstacle to a server; the text names the remedy. */
export interface Diagnosis {
  readonly verdict: 'ok' | 'warn' | 'bad'
  readonly text: string
}

/** Nothing is wrong. */
export function ok(text: string): Diagnosis {
  return { verdict: 'ok', text }
}

/** A server works, but its operator should know. */
export function warn(text: string): Diagnosis {
  return { verdict: 'warn', text }
}

/** A server can't work. */
export function bad(text: string): Diagnosis {
  return { verdict: 'bad', text }
}
