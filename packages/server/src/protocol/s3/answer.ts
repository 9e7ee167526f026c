// Answers, and how an operation becomes a route: decode, run, encode.

import type { OutgoingHttpHeaders } from 'node:http'
import type { Bytes } from '../../base/bytes.ts'
import type { Content } from '../../operation/content.ts'
import { type Caller, isLeased, type Operation, type Services } from '../../operation/operation.ts'
import { run } from '../../operation/run.ts'
import { XmlWriter } from '../xml/write.ts'
import type { S3Request } from './request.ts'

/** The namespace of S3's documents. */
export const s3Namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** A body that is read while it is sent. It must be sent or closed. */
export interface StreamedBody {
  readonly content: Extract<Content, { kind: 'stream' }>
  /** Undefined where that is only known at the end. */
  readonly sizeBytes: number | undefined
}

/** An answer, without the headers that every answer has. */
export interface Answer {
  readonly status: number
  /** Values are Latin-1 text. The sender of the answer may add to them. */
  readonly headers: OutgoingHttpHeaders
  readonly body?: string | Bytes | StreamedBody | undefined
}

/** The context of a route's call. */
export interface Call {
  readonly services: Services
  readonly caller: Caller
}

/** One thing that requests can ask for. */
export interface Route {
  /** As S3 documents it: `PutObject`. */
  readonly name: string
  /** Headers that no other route knows the meaning of. */
  readonly accepts?: ReadonlySet<string>
  /** True for writes that leases protect, which may be sent under one. */
  readonly isLeased?: boolean
  answer(request: S3Request, call: Call): Promise<Answer>
}

/**
 * The route that decodes a request for `operation`, runs it, and encodes its output.
 * @param discard lets go of an output that holds something open and can't be encoded
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

/** A route whose requests could ask for a change and never make one: leases don't matter to it. */
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

/** A moment as S3 writes it in XML, where its times have whole seconds: 2009-10-12T17:50:30.000Z. */
export function isoTime(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds !== latestIso.seconds) {
    latestIso = { seconds, text: `${new Date(ms).toISOString().slice(0, 19)}.000Z` }
  }
  return latestIso.text
}

/** Objects of a page were often written in the same second, and formatting is a large part of a page's cost. */
let latestIso = { seconds: Number.NaN, text: '' }

/** A moment as HTTP headers have it: Mon, 12 Oct 2009 17:50:30 GMT. */
export function httpTime(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds !== latestHttp.seconds) {
    latestHttp = { seconds, text: new Date(ms).toUTCString() }
  }
  return latestHttp.text
}

let latestHttp = { seconds: Number.NaN, text: '' }

/** An ETag as S3 shows it. */
export function quoted(etag: string): string {
  return `"${etag}"`
}
