// One result of an examination of the data folder or the port.

/** A result: in order, a warning, or an obstacle to a server. The text includes the remedy. */
export interface Diagnosis {
  readonly verdict: 'ok' | 'warn' | 'bad'
  readonly text: string
}

/** Nothing is wrong. */
export function ok(text: string): Diagnosis {
  return { verdict: 'ok', text }
}

/** A problem that the operator should know of, but that doesn't stop a server. */
export function warn(text: string): Diagnosis {
  return { verdict: 'warn', text }
}

/** A problem that stops a server from working. */
export function bad(text: string): Diagnosis {
  return { verdict: 'bad', text }
}
