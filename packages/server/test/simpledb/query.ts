// A client of SimpleDB's query protocol for tests: sends the given parameters verbatim, signed with Version 2, and
// returns the raw response.

import { createHmac } from 'node:crypto'
import { Agent, request } from 'node:http'
import { encodeUri, type SigningKey, xmlText, xmlTexts } from '../wire.ts'

/** Parameters by name; a list of pairs where names repeat or order matters. */
export type QueryParameters =
  | Readonly<Record<string, string>>
  | readonly (readonly [name: string, value: string])[]

/** The options of a call. */
export interface QueryOptions {
  /** Default: POST, with a form. */
  readonly method?: string
  readonly version?: string
  /** Headers beside those of the form. */
  readonly headers?: Readonly<Record<string, string>>
  /** Changes the parameters after they were signed. */
  readonly afterSigning?: (parameters: [string, string][]) => void
}

/** A response, with the parts that all responses have. */
export interface QueryAnswer {
  readonly status: number
  readonly body: string
  /** The code of an error. */
  readonly code: string | undefined
  readonly message: string | undefined
  readonly usage: string | undefined
}

/** Calls one server over persistent connections. */
export class QueryClient {
  readonly #port: number
  readonly #key: SigningKey
  readonly #agent = new Agent({ keepAlive: true })

  constructor(port: number, key: SigningKey) {
    this.#port = port
    this.#key = key
  }

  /** Calls an action. */
  async call(
    action: string,
    given: QueryParameters = {},
    options: QueryOptions = {},
  ): Promise<QueryAnswer> {
    const pairs = Array.isArray(given) ? given : Object.entries(given)
    const { method = 'POST', version = '2009-04-15' } = options
    const parameters: [string, string][] = [
      ['Action', action],
      ['Version', version],
      ['AWSAccessKeyId', this.#key.accessKeyId],
      ['SignatureVersion', '2'],
      ['SignatureMethod', 'HmacSHA256'],
      ['Timestamp', new Date().toISOString()],
      ...pairs,
    ]
    const host = `127.0.0.1:${this.#port}`
    const canonical = parameters.map(encodePair).sort(byNameThenValue).join('&')
    const text = `${method}\n${host}\n/\n${canonical}`
    const signature = createHmac('sha256', this.#key.secretAccessKey).update(text)
    parameters.push(['Signature', signature.digest('base64')])
    options.afterSigning?.(parameters)
    return this.#send(method, parameters.map(encodePair).join('&'), options.headers ?? {})
  }

  /** Calls an action that must succeed. */
  async ok(
    action: string,
    parameters: QueryParameters = {},
    options: QueryOptions = {},
  ): Promise<QueryAnswer> {
    const answer = await this.call(action, parameters, options)
    if (answer.status === 200) return answer
    throw new Error(`${action}: ${answer.status} ${answer.code}: ${answer.message}`)
  }

  /** Closes the connections. */
  close(): void {
    this.#agent.destroy()
  }

  async #send(
    method: string,
    encoded: string,
    more: Readonly<Record<string, string>>,
  ): Promise<QueryAnswer> {
    const isForm = method === 'POST'
    const body = isForm ? encoded : ''
    const headers = {
      ...(isForm
        ? { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
        : undefined),
      'content-length': String(Buffer.byteLength(body)),
      ...more,
    }
    const path = isForm ? '/' : `/?${encoded}`
    const target = { host: '127.0.0.1', port: this.#port, method, path, headers }
    return new Promise((resolve, reject) => {
      const outgoing = request({ ...target, agent: this.#agent }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          resolve(answerOf(answer.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')))
        })
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }
}

function answerOf(status: number, body: string): QueryAnswer {
  const code = xmlText(body, 'Code')
  return { status, body, code, message: xmlText(body, 'Message'), usage: xmlText(body, 'BoxUsage') }
}

function encodePair([name, value]: readonly [string, string]): string {
  return `${encodeUri(name)}=${encodeUri(value)}`
}

/** Names here have no character that sorts otherwise once it is escaped. */
function byNameThenValue(a: string, b: string): number {
  const [nameA = '', valueA = ''] = a.split('=')
  const [nameB = '', valueB = ''] = b.split('=')
  const order = nameA === nameB ? [valueA, valueB] : [nameA, nameB]
  return (order[0] ?? '') < (order[1] ?? '') ? -1 : 1
}

/** `name=value` of every attribute in an answer, in its order. */
export function pairsIn(body: string): string[] {
  const attributes = body.matchAll(/<Attribute>(.*?)<\/Attribute>/gs)
  return [...attributes].map(([, inner = '']) => {
    const name = xmlText(inner, 'Name') ?? ''
    return `${name}=${xmlText(inner, 'Value') ?? ''}`
  })
}

/** The names of the items in an answer to Select. */
export function itemsIn(body: string): string[] {
  const items = body.matchAll(/<Item><Name>([^<]*)<\/Name>/g)
  return [...items].map(([, name = '']) => name)
}

export { xmlText, xmlTexts }
