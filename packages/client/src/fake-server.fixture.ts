// A fake server that returns scripted responses and records requests, to test the client's side of
// the wire.

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'

/** A recorded request. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A scripted response. */
export interface FakeAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export type Respond = (request: SeenRequest) => FakeAnswer | Promise<FakeAnswer>

/** A fake server, with SDK clients connected to it. */
export class FakeServer implements AsyncDisposable {
  readonly requests: SeenRequest[] = []
  respond: Respond = () => ({})
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://fake')
      const { method = '', headers } = request
      const body = Buffer.concat(chunks).toString()
      const seen = { method, path: pathname, query: searchParams, headers, body }
      this.requests.push(seen)
      const answer = await this.respond(seen)
      response.writeHead(answer.status ?? 200, answer.headers ?? {}).end(answer.body)
    })
  })
  readonly #clients: S3Client[] = []
  #port = 0

  static async start(respond?: Respond): Promise<FakeServer> {
    const fake = new FakeServer()
    if (respond !== undefined) fake.respond = respond
    fake.#server.listen(0, '127.0.0.1')
    await once(fake.#server, 'listening')
    const address = fake.#server.address()
    fake.#port = typeof address === 'object' && address !== null ? address.port : 0
    return fake
  }

  /** The last request received. */
  get last(): SeenRequest {
    const request = this.requests.at(-1)
    if (request === undefined) throw new Error('no request was received')
    return request
  }

  client(overrides: S3ClientConfig = {}): S3Client {
    const client = new S3Client({
      endpoint: `http://127.0.0.1:${this.#port}`,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
      ...overrides,
    })
    this.#clients.push(client)
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy()
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

/** An error in S3's format. */
export function errorAnswer(
  status: number,
  code: string,
  fields: Readonly<Record<string, string>> = {},
): FakeAnswer {
  const more = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`)
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}!</Message>${more.join('')}</Error>`,
  }
}

/** A JSON response. */
export function jsonAnswer(value: unknown): FakeAnswer {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}
