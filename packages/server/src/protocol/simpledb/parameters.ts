// The parameters of a request, with their lists. Clients number the entries of lists from 0 or 1, leave gaps, or omit
// the numbers and repeat names.

import { SimpleDbError } from './error.ts'

/** One parameter, decoded. */
export interface Parameter {
  readonly name: string
  readonly value: string
}

/** The parameters of a request, or those of one entry of a list. */
export class Parameters {
  readonly all: readonly Parameter[]

  constructor(all: readonly Parameter[]) {
    this.all = all
  }

  /** The first value under `name`. */
  find(name: string): string | undefined {
    return this.all.find((parameter) => parameter.name === name)?.value
  }

  /** @throws SimpleDbError `MissingParameter`; an empty value counts as there */
  need(name: string): string {
    const value = this.find(name)
    if (value === undefined)
      throw missingParameter(`The request must contain the parameter ${name}`)
    return value
  }

  /**
   * The entries of the list `prefix`, in ascending order of numbers, entries without a number first. Their parameters
   * are named by the part after the number: `Name` for `Attribute.1.Name`, and '' for `AttributeName.1`.
   */
  entries(prefix: string): Parameters[] {
    const entries = new Map<string, Parameter[]>()
    for (const { name, value } of this.all) {
      const place = placeIn(prefix, name)
      if (place === undefined) continue
      const entry = entries.get(place.number)
      if (entry === undefined) entries.set(place.number, [{ name: place.rest, value }])
      else entry.push({ name: place.rest, value })
    }
    return [...entries]
      .sort(([a], [b]) => compareNumbers(a, b))
      .map(([, parameters]) => new Parameters(parameters))
  }

  /**
   * Like {@link entries}, for entries with fields. A repeated field with the same number, or without one, begins
   * another entry.
   */
  records(prefix: string): ReadonlyMap<string, string>[] {
    const records: Map<string, string>[] = []
    for (const entry of this.entries(prefix)) {
      const repeated: Map<string, string>[] = []
      const counts = new Map<string, number>()
      for (const { name, value } of entry.all) {
        const field = canonicalFields.get(name) ?? name
        const at = counts.get(field) ?? 0
        counts.set(field, at + 1)
        const record = repeated[at] ?? new Map<string, string>()
        repeated[at] = record
        record.set(field, value)
      }
      records.push(...repeated)
    }
    return records
  }
}

/** The canonical names of fields. A sample in Amazon's guide has them in lower case. */
const canonicalFields: ReadonlyMap<string, string> = new Map([
  ['name', 'Name'],
  ['value', 'Value'],
])

const digits = /^\d+$/

function placeIn(
  prefix: string,
  name: string,
): { readonly number: string; readonly rest: string } | undefined {
  if (!name.startsWith(prefix)) return undefined
  if (name.length === prefix.length) return { number: '', rest: '' }
  if (name[prefix.length] !== '.') return undefined
  const rest = name.slice(prefix.length + 1)
  const dot = rest.indexOf('.')
  const first = dot < 0 ? rest : rest.slice(0, dot)
  if (!digits.test(first)) return { number: '', rest }
  return { number: first.replace(/^0+(?=\d)/, ''), rest: dot < 0 ? '' : rest.slice(dot + 1) }
}

/** Orders numbers of any length, '' first. */
function compareNumbers(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Parses a flag, in any case. @throws SimpleDbError `InvalidParameterValue` with `rule` */
export function parseFlag(
  value: string | undefined,
  parameter: string,
  rule: string,
): boolean | undefined {
  if (value === undefined) return undefined
  const text = value.toLowerCase()
  if (text === 'true' || text === 'false') return text === 'true'
  throw invalidValue(value, parameter, rule)
}

/** The error for a missing parameter. */
export function missingParameter(message: string): SimpleDbError {
  return new SimpleDbError({ status: 400, code: 'MissingParameter', message })
}

/** The error for an invalid value; `rule` describes the valid ones. */
export function invalidValue(value: string, parameter: string, rule: string): SimpleDbError {
  return new SimpleDbError({
    status: 400,
    code: 'InvalidParameterValue',
    message: `Value (${value}) for parameter ${parameter} is invalid. ${rule}`,
  })
}
