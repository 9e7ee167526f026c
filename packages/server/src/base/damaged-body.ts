// Bytes that aren't those that were stored: the disk lost or changed them, and nobody may take them
// for the object's. No caller's mistake, so it is answered as an internal error.

/** A body that is missing, has another length, can't be read, or differs from its checksum. */
export class DamagedBody extends Error {
  override readonly name = 'DamagedBody'
  /** Which one, such as `blob 3-17` or `row 12`. */
  readonly body: string
  /** What is wrong with it, in plain words. */
  readonly fault: string
  /** The object that it was read for, as `bucket/key`, where that is known. */
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
