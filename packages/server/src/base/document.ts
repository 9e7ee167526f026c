// Parses external JSON documents with valibot schemas. An error names the place, but never quotes a
// value, which may be a secret.

import * as v from 'valibot'

/** An invalid document. The message names the place: `entry 2: "owner": "id" must …`. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
}

const notObject = 'must be an object: {…}'
const notText = 'must be a text of 1 to 1,024 characters'
const notCount = 'must be a whole number'

/** A schema of a document or of a part of one, with values of type `T`. */
export type Form<T> = v.GenericSchema<unknown, T>

/** Parses `text` as JSON and validates it against `form`. @throws DocumentError */
export function parseDocument<T>(form: Form<T>, text: string): T {
  const result = v.safeParse(form, parseJson(text), { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  const places = (issue.path ?? []).map(({ key }) =>
    typeof key === 'number' ? `entry ${key + 1}` : `"${key}"`,
  )
  throw new DocumentError(`${places.join(': ')} ${issue.message}`.trimStart())
}

/** An object with these fields. Other fields are allowed, but left out of the result. */
export function fields<const Entries extends v.ObjectEntries>(
  entries: Entries,
): Form<v.InferOutput<v.ObjectSchema<Entries, undefined>>> {
  const object = v.object(entries, (issue) => {
    const key = issue.path?.at(-1)?.key
    // Valibot reports a missing field as an error of the object; replace it by the field's own message.
    const entry = typeof key === 'string' ? entries[key] : undefined
    return entry === undefined ? notObject : messageFor(entry)
  })
  return v.pipe(
    v.unknown(),
    v.check((value) => !Array.isArray(value), notObject),
    object,
  )
}

/** A string of 1 to 1,024 characters. */
export const text: Form<string> = v.pipe(
  v.string(notText),
  v.minLength(1, notText),
  v.maxLength(1024, notText),
)

/** A whole number from 0 on. */
export const count: Form<number> = v.pipe(
  v.number(notCount),
  v.safeInteger(notCount),
  v.minValue(0, notCount),
)

/** A string of any length. */
export const anyText: Form<string> = v.string('must be a text')

/** A {@link text} that matches `pattern`; `message` says what it must be. */
export function matching(pattern: RegExp, message: string): Form<string> {
  return v.pipe(text, v.regex(pattern, message))
}

/** Exactly this value. */
export function exactly<const T extends string | number>(value: T): Form<T> {
  return v.literal(value, `must be ${JSON.stringify(value)}`)
}

/** A field of {@link fields} that may be missing. */
export function optional<T>(form: Form<T>): v.OptionalSchema<Form<T>, undefined> {
  return v.optional(form)
}

/** A list of values of one form. */
export function list<T>(form: Form<T>, message = 'must be a list'): Form<T[]> {
  return v.array(form, message)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // V8 may quote the text around a syntax error, and that text may be a secret.
    const [problem] = error.message.split(/, (?:\.\.\.)?"/)
    // biome-ignore lint/style/useErrorCause: causes are logged, so the cause could leak a secret too.
    throw new DocumentError(`not JSON: ${problem}`)
  }
}

/** The message for a missing required field. */
function messageFor(entry: v.GenericSchema): string {
  const result = v.safeParse(entry, undefined)
  return result.success ? 'is missing' : result.issues[0].message
}
