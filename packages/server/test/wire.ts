// A light S3 client: signs (SigV4) and sends over node:http. Without the SDK's cost, retries and transformations, a test
// sees the raw response.

import { createHash, createHmac } from 'node:crypto'
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'

const region = 'us-east-1'
const defaultTimeoutMs = 60_000

/** Key id and secret that sign a request. */
export interface SigningKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The signed parts of a request. */
export interface SignedParts {
  readonly method: string
  /** `host:port` as sent. */
  readonly host: string
  /** Percent-encoded, with its leading slash. */
  readonly path: string
  /** Not yet encoded. */
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** Hex SHA-256 of the body or `UNSIGNED-PAYLOAD` (the default). */
  readonly payloadHash?: string
  readonly date: Date
}

/** Percent-encodes everything but RFC 3986's unreserved characters, as SigV4 requires. */
export function encodeUri(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** `/bucket/key`, encoded for the request line and the signature, except slashes. */
export function objectPath(bucket: string, key: string): string {
  return `/${bucket}/${key.split('/').map(encodeUri).join('/')}`
}

/** Parameters by name; a list of pairs where names repeat. */
export type QueryPairs =
  | Readonly<Record<string, string>>
  | readonly (readonly [name: string, value: string])[]

/** The query in the canonical order and encoding; empty for none. */
export function canonicalQuery(query: QueryPairs = {}): string {
  const pairs: readonly (readonly [string, string])[] =
    Symbol.iterator in query ? query : Object.entries(query)
  return pairs
    .map(([name, value]) => [encodeUri(name), encodeUri(value)] as const)
    .sort(([a, x], [b, y]) => (a < b || (a === b && x < y) ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** All headers to send, including `host` and `authorization`. Signs every given header. */
export function signedHeaders(key: SigningKey, parts: SignedParts): Record<string, string> {
  const timestamp = parts.date.toISOString().replace(/[:-]|\.\d{3}/g, '')
  const day = timestamp.slice(0, 8)
  const payloadHash = parts.payloadHash ?? 'UNSIGNED-PAYLOAD'
  const headers: Record<string, string> = {
    ...parts.headers,
    host: parts.host,
    'x-amz-content-sha256': payloadHash,
    'x-amz-date': timestamp,
  }
  const names = Object.keys(headers).sort()
  const canonical = [
    parts.method,
    parts.path,
    canonicalQuery(parts.query),
    ...names.map((name) => `${name}:${headers[name]?.trim()}`),
    '',
    names.join(';'),
    payloadHash,
  ].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', timestamp, scope, sha256(canonical)].join('\n')
  const signingKey = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${key.secretAccessKey}`,
  )
  const signature = createHmac('sha256', signingKey).update(toSign).digest('hex')
  const credential = `${key.accessKeyId}/${scope}`
  return {
    ...headers,
    authorization:
      `AWS4-HMAC-SHA256 Credential=${credential}, ` +
      `SignedHeaders=${names.join(';')}, Signature=${signature}`,
  }
}

/** One request; header names in lower case. */
export interface WireRequest {
  readonly method: string
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** A response with its complete body. */
export interface WireAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Sends signed requests over persistent connections. Rejects on any failure of a connection. */
export class WireClient {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #key: SigningKey
  readonly #agent = new Agent({ keepAlive: true })
  readonly #timeoutMs: number

  constructor(
    target: SigningKey & { readonly host: string; readonly port: number },
    timeoutMs: number = defaultTimeoutMs,
  ) {
    this.#target = { host: target.host, port: target.port }
    this.#key = target
    this.#timeoutMs = timeoutMs
  }

  /** Rejects with a `WireTimeout` if no progress was made for the client's time-out. */
  async send(wanted: WireRequest): Promise<WireAnswer> {
    const { host, port } = this.#target
    const query = canonicalQuery(wanted.query)
    const headers: OutgoingHttpHeaders = signedHeaders(this.#key, {
      ...wanted,
      host: `${host}:${port}`,
      payloadHash: sha256(wanted.body ?? ''),
      date: new Date(),
    })
    if (wanted.body !== undefined) headers['content-length'] = wanted.body.length
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          ...this.#target,
          method: wanted.method,
          path: query === '' ? wanted.path : `${wanted.path}?${query}`,
          headers,
          agent: this.#agent,
          timeout: this.#timeoutMs,
        },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.on('error', reject)
          answer.on('end', () => {
            const status = answer.statusCode ?? 0
            resolve({ status, headers: answer.headers, body: Buffer.concat(chunks) })
          })
        },
      )
      const what = `${wanted.method} ${wanted.path}`
      outgoing.on('timeout', () => outgoing.destroy(new WireTimeout(what, this.#timeoutMs)))
      outgoing.on('error', reject)
      outgoing.end(wanted.body)
    })
  }

  /** Closes the connections, also those in use. */
  close(): void {
    this.#agent.destroy()
  }
}

/** The server neither answered nor closed the connection. */
export class WireTimeout extends Error {
  constructor(what: string, timeoutMs: number) {
    super(`no answer to ${what} within ${timeoutMs} ms`)
  }
}

/** Texts of all elements of a name in an XML answer, entities resolved. */
export function xmlTexts(xml: Buffer | string, name: string): string[] {
  const found = String(xml).matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))
  return [...found].map(([, text = '']) => unescapeXml(text))
}

/** Text of the first element of a name in an XML answer. */
export function xmlText(xml: Buffer | string, name: string): string | undefined {
  return xmlTexts(xml, name)[0]
}

function unescapeXml(text: string): string {
  const names: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'" }
  return text
    .replace(/&(lt|gt|quot|apos);/g, (_, name: string) => names[name] ?? '')
    .replace(/&#(x?)([0-9a-f]+);/gi, (_, hex: string, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, hex === '' ? 10 : 16)),
    )
    .replaceAll('&amp;', '&')
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
