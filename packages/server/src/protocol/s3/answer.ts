// Answers, and routes: decode the request, run the operation, encode the output.

import type { OutgoingHttpHeaders } from 'node:http'
import type { Bytes } from '../../base/bytes.ts'
import type { Content } from '../../operation/content.ts'
import { type Caller, isLeased, type Operation, type Services } from '../../operation/operation.ts'
import { run } from '../../operation/run.ts'
import { XmlWriter } from '../xml/write.ts'
import type { S3Request } from './request.ts'

/** The namespace of S3's documents. */
export const s3Namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** A streamed body, which must be sent or closed. */
export interface StreamedBody {
  readonly content: Extract<Content, { kind: 'stream' }>
  /** Undefined if only known at the end. */
  readonly sizeBytes: number | undefined
}

/** An answer, without the headers common to all answers. */
export interface Answer {
  readonly status: number
  /** Values are Latin-1 text. The sender may add headers. */
  readonly headers: OutgoingHttpHeaders
  readonly body?: string | Bytes | StreamedBody | undefined
}

/** The context of a call. */
export interface Call {
  readonly services: Services
  readonly caller: Caller
}

/** A route: an operation as requests name it. */
export interface Route {
  /** The name in S3's documentation: `PutObject`. */
  readonly name: string
  /** Headers that other routes refuse as not implemented. */
  readonly accepts?: ReadonlySet<string>
  /** True for writes that leases protect. Such a request may name the lease that it is made under. */
  readonly isLeased?: boolean
  answer(request: S3Request, call: Call): Promise<Answer>
}

/**
 * The route that decodes a request for `operation`, runs it, and encodes its output.
 * @param discard releases the resources of an output that could not be encoded
 */
export function route<Input, Checked, Moved, Output, Decoded extends Input>(
  operation: Operation<Input, Checked, Moved, Output>,
  decode: (request: S3Request) => Decoded | Promise<Decoded>,
  encode: (output: Output, request: S3Request, input: Decoded) => Answer,
  discard?: (output: Output) => Promise<void>,
): Route {
  return {
    name: operation.name,
    isLeased: isLeased(operation),
    async answer(request, { services, caller }) {
      const decoded = decode(request)
      const input = decoded instanceof Promise ? await decoded : decoded
      const output = await run(services, caller, operation, input)
      try {
        return encode(output, request, input)
      } catch (error) {
        await discard?.(output)
        throw error
      }
    },
  }
}

/** A route for requests whose method suggests a change, but that never make one. Leases don't apply. */
export function unchanging({ name, answer }: Route): Route {
  return { name, answer }
}

/** An answer without body. */
export function emptyAnswer(status: number, headers: OutgoingHttpHeaders = {}): Answer {
  return { status, headers }
}

/** An XML document whose root has S3's namespace. */
export function documentAnswer(root: string, write: (xml: XmlWriter) => void): Answer {
  const xml = new XmlWriter().open(root, { xmlns: s3Namespace })
  write(xml)
  return xmlAnswer(xml.close(root).toString())
}

/** An answer of 200 with an XML body. */
export function xmlAnswer(body: string, headers: OutgoingHttpHeaders = {}): Answer {
  headers['Content-Type'] = 'application/xml'
  return { status: 200, headers, body }
}

/** A time in S3's XML, with whole seconds: 2009-10-12T17:50:30.000Z. */
export function isoTime(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds !== latestIso.seconds) {
    latestIso = { seconds, text: `${new Date(ms).toISOString().slice(0, 19)}.000Z` }
  }
  return latestIso.text
}

/** The last formatted text. Objects of a page often have the same second, and formatting is expensive. */
let latestIso = { seconds: Number.NaN, text: '' }

/** A time in HTTP headers: Mon, 12 Oct 2009 17:50:30 GMT. */
export function httpTime(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds !== latestHttp.seconds) {
    latestHttp = { seconds, text: new Date(ms).toUTCString() }
  }
  return latestHttp.text
}

let latestHttp = { seconds: Number.NaN, text: '' }

/** An ETag in quotes. */
export function quoted(etag: string): string {
  return `"${etag}"`
}
