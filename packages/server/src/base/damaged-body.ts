// Bytes that differ from those stored: the disk lost or changed them, so they must not be served.
// The client did nothing wrong, so the response is an internal error.

/** A body that is missing, has another length, can't be read, or differs from its checksum. */
export class DamagedBody extends Error {
  override readonly name = 'DamagedBody'
  /** The body's name, such as `blob 3-17` or `row 12`. */
  readonly body: string
  /** A description of the damage. */
  readonly fault: string
  /** The object that the body was read for, as `bucket/key`, if known. */
  readonly object: string | undefined

  constructor(
    body: string,
    fault: string,
    { object, cause }: { readonly object?: string | undefined; readonly cause?: unknown } = {},
  ) {
    const of = object === undefined ? '' : ` of ${JSON.stringify(object)}`
    super(`${body}${of} is damaged: ${fault}`, cause === undefined ? undefined : { cause })
    this.body = body
    this.fault = fault
    this.object = object
  }
}
