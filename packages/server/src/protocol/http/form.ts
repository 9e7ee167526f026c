// Reads a multipart/form-data body: a few bounded fields, then one file as a stream. As on S3, everything
// after the file is discarded.
import { StoreError } from '../../base/errors.ts'
import { s3Limits } from '../../base/limits.ts'

/** A field of a form, before its file. */
export interface FormField {
  readonly name: string
  readonly value: string
}

/** The file of a form. */
export interface FormFile {
  /** The name sent by the browser, which replaces `${filename}` in fields; undefined if there is none. */
  readonly filename: string | undefined
  readonly contentType: string | undefined
  /** The file's bytes, read once. Reading throws StoreError MalformedForm if the form is cut off. */
  readonly source: AsyncIterable<Uint8Array>
}

/** A form up to its file. */
export interface Form {
  readonly fields: readonly FormField[]
  readonly file: FormFile
  /** The value of a field. `name` is in lower case, since field names are case-insensitive. */
  get(name: string): string | undefined
}

/**
 * Reads a form up to the beginning of its file.
 * @throws StoreError NotAForm, MalformedForm, FormWithoutFile, FormFieldsTooLarge
 */
export async function readForm(
  source: AsyncIterable<Uint8Array>,
  contentType: string | undefined,
): Promise<Form> {
  const reader = new PartReader(source, boundaryOf(contentType))
  const fields: FormField[] = []
  const values = new Map<string, string>()
  await reader.skipPreamble()
  for (;;) {
    const header = await reader.partHeader()
    if (header === undefined) throw noFile()
    const part = parsePartHeader(header)
    if (part.name.toLowerCase() === 'file') {
      const { filename, contentType } = part
      const file = { filename, contentType, source: reader.fileBody() }
      return { fields, file, get: (name) => values.get(name) }
    }
    const value = decodeUtf8(await reader.fieldBody())
    if (values.has(part.name.toLowerCase())) throw malformedPost()
    values.set(part.name.toLowerCase(), value)
    fields.push({ name: part.name, value })
  }
}

function boundaryOf(contentType: string | undefined): string {
  const match =
    /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(
      contentType ?? '',
    )
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) {
    throw new StoreError({ code: 'NotAForm' })
  }
  return boundary
}

const noBytes = Buffer.alloc(0)
const headerEnd = '\r\n\r\n'

/** Splits a body at its delimiters. Buffers at most the fields, or less than a delimiter of the file. */
class PartReader {
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #delimiter: Buffer
  // The CRLF before the first delimiter may be missing, so it is added.
  #window: Buffer = Buffer.from('\r\n')
  /** Free memory directly behind the window. */
  #room: Buffer = noBytes
  #fieldBytes = 0

  constructor(source: AsyncIterable<Uint8Array>, boundary: string) {
    this.#iterator = source[Symbol.asyncIterator]()
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  }

  async skipPreamble(): Promise<void> {
    await this.#until(this.#delimiter)
  }

  /** The header lines of the next part; undefined after the last part. */
  async partHeader(): Promise<string | undefined> {
    const padding = await this.#until('\r\n', '--')
    if (padding === undefined) return undefined
    if (padding.some((byte) => byte !== 32 && byte !== 9)) throw malformedPost()
    // A part without header lines begins with the empty line.
    this.#window = Buffer.concat([Buffer.from('\r\n'), this.#window])
    this.#room = noBytes
    const header = await this.#until(headerEnd)
    return decodeUtf8(header)
  }

  async fieldBody(): Promise<Buffer> {
    return this.#until(this.#delimiter)
  }

  /** The bytes up to the next delimiter, which is skipped; undefined if the input begins with `end`. */
  async #until(delimiter: Buffer | string): Promise<Buffer>
  async #until(delimiter: Buffer | string, end: string): Promise<Buffer | undefined>
  async #until(delimiter: Buffer | string, end?: string): Promise<Buffer | undefined> {
    let from = 0
    for (;;) {
      if (end !== undefined && this.#window.toString('latin1', 0, end.length) === end)
        return undefined
      const found = this.#window.indexOf(delimiter, from)
      const bytes = found < 0 ? this.#window.byteLength : found
      if (this.#fieldBytes + bytes > s3Limits.postFieldBytes) throw tooMuchBeforeFile()
      if (found >= 0) {
        const content = this.#window.subarray(0, found)
        this.#fieldBytes += found
        this.#window = this.#window.subarray(found + delimiter.length)
        return content
      }
      from = Math.max(0, this.#window.byteLength - delimiter.length + 1)
      const chunk = await this.#next()
      if (chunk === undefined) throw malformedPost()
      this.#append(chunk)
    }
  }

  /** Copies `chunk`, which its source may overwrite, behind the window; in place if there is room. */
  #append(chunk: Buffer): void {
    const { byteLength } = this.#window
    if (this.#room.byteLength < chunk.byteLength) {
      const memory = Buffer.allocUnsafeSlow(2 * (byteLength + chunk.byteLength))
      memory.set(this.#window)
      this.#window = memory.subarray(0, byteLength)
      this.#room = memory.subarray(byteLength)
    }
    const { buffer, byteOffset } = this.#window
    this.#room.set(chunk)
    this.#room = this.#room.subarray(chunk.byteLength)
    this.#window = Buffer.from(buffer, byteOffset, byteLength + chunk.byteLength)
  }

  /** The file's bytes as they arrive. Only a possible beginning of a delimiter is held back. */
  async *fileBody(): AsyncGenerator<Uint8Array> {
    const delimiter = this.#delimiter
    const keep = delimiter.byteLength - 1
    let held: Buffer = noBytes
    let chunk: Buffer | undefined = this.#window
    this.#window = noBytes
    try {
      while (chunk !== undefined) {
        if (held.byteLength > 0) {
          const seam: Buffer = Buffer.concat([held, chunk.subarray(0, keep)])
          const found = seam.indexOf(delimiter)
          if (found >= 0) {
            yield seam.subarray(0, found)
            return await this.#drain()
          }
          if (chunk.byteLength < keep) {
            const free = Math.max(0, seam.byteLength - keep)
            if (free > 0) yield seam.subarray(0, free)
            held = seam.subarray(free)
            chunk = await this.#next()
            continue
          }
          yield held
        }
        const found = chunk.indexOf(delimiter)
        if (found >= 0) {
          if (found > 0) yield chunk.subarray(0, found)
          return await this.#drain()
        }
        const free = Math.max(0, chunk.byteLength - keep)
        held = Buffer.from(chunk.subarray(free))
        if (free > 0) yield chunk.subarray(0, free)
        chunk = await this.#next()
      }
      throw malformedPost()
    } finally {
      await this.#iterator.return?.()
    }
  }

  /** Reads the rest after the file, so that the connection can be used again. */
  async #drain(): Promise<void> {
    let left: number = s3Limits.postFieldBytes
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
      left -= chunk.byteLength
      if (left < 0) return
    }
  }

  async #next(): Promise<Buffer | undefined> {
    const step = await this.#iterator.next()
    if (step.done === true) return undefined
    return Buffer.from(step.value.buffer, step.value.byteOffset, step.value.byteLength)
  }
}

interface PartHeader {
  readonly name: string
  readonly filename: string | undefined
  readonly contentType: string | undefined
}

function parsePartHeader(header: string): PartHeader {
  let disposition: string | undefined
  let contentType: string | undefined
  for (const line of header.split('\r\n')) {
    const colon = line.indexOf(':')
    if (line === '') continue
    if (colon < 1) throw malformedPost()
    const name = line.slice(0, colon).trim().toLowerCase()
    if (name === 'content-disposition') disposition = line.slice(colon + 1).trim()
    if (name === 'content-type') contentType = line.slice(colon + 1).trim()
  }
  if (disposition === undefined || !/^form-data\s*;/i.test(disposition)) throw malformedPost()
  const name = dispositionParameter(disposition, 'name')
  if (!name) throw malformedPost()
  return { name, filename: dispositionParameter(disposition, 'filename'), contentType }
}

/** A parameter. Browsers escape quotes as %22, and never use backslashes (WHATWG, multipart/form-data). */
function dispositionParameter(disposition: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s;"]+))`, 'i').exec(disposition)
  return (match?.[1] ?? match?.[2])?.replaceAll('%22', '"')
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw malformedPost(cause)
  }
}

function malformedPost(cause?: unknown): StoreError {
  return new StoreError({ code: 'MalformedForm' }, { cause })
}

function noFile(): StoreError {
  return new StoreError({ code: 'FormWithoutFile' })
}

/** The refusal of a form with more data before its file than S3 allows. */
export function tooMuchBeforeFile(): StoreError {
  return new StoreError({ code: 'FormFieldsTooLarge', maximumBytes: s3Limits.postFieldBytes })
}
