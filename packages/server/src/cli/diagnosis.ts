// What an examination found in one respect.

/** All right, worth knowing, or in the way of a server, with what to do about it. */
export interface Diagnosis {
  readonly verdict: 'ok' | 'warn' | 'bad'
  readonly text: string
}

/** Nothing is wrong. */
export function ok(text: string): Diagnosis {
  return { verdict: 'ok', text }
}

/** A server works, but whoever runs it should know. */
export function warn(text: string): Diagnosis {
  return { verdict: 'warn', text }
}

/** A server can't work. */
export function bad(text: string): Diagnosis {
  return { verdict: 'bad', text }
}
