// Sends requests verbatim over a socket, signed or not, including those that neither the SDK nor node:http would send.

import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { canonicalQuery, type QueryPairs, type SigningKey } from '../wire.ts'

const region = 'us-east-1'

/** The signed parts of a request. Header names are lower case, values are Latin-1 text, one character per byte. */
export interface RawRequest {
  readonly method: string
  readonly path: string
  readonly query?: QueryPairs
  readonly headers?: Readonly<Record<string, string>>
  /** `x-amz-content-sha256`; default: the hash of the body. */
  readonly payloadHash?: string
  readonly body?: Buffer
  readonly date?: Date
}

/** The head of a signed request, and the seed of chunk signatures. */
export interface SignedHead {
  readonly text: string
  readonly seed: string
  readonly timestamp: string
  readonly scope: string
  readonly key: Buffer
}

/** The target of requests, and the key that signs them. */
export interface RawTarget {
  readonly port: number
  credential(): SigningKey
}

/** The head of a request, signed. */
export function signHead(target: RawTarget, wanted: RawRequest): SignedHead {
  const signer = target.credential()
  const timestamp = (wanted.date ?? new Date()).toISOString().replace(/[:-]|\.\d{3}/g, '')
  const payloadHash = wanted.payloadHash ?? sha256(wanted.body ?? Buffer.alloc(0))
  const headers: Record<string, string> = {
    host: `127.0.0.1:${target.port}`,
    ...wanted.headers,
    'x-amz-content-sha256': payloadHash,
    'x-amz-date': timestamp,
  }
  const names = Object.keys(headers).sort()
  const query = canonicalQuery(wanted.query)
  const canonical = [
    wanted.method,
    wanted.path,
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    payloadHash,
  ].join('\n')
  const scope = `${timestamp.slice(0, 8)}/${region}/s3/aws4_request`
  const hash = sha256(Buffer.from(canonical, 'latin1'))
  const toSign = ['AWS4-HMAC-SHA256', timestamp, scope, hash].join('\n')
  const key = keyOf(signer, scope)
  const seed = hmac(key, toSign).toString('hex')
  headers['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${seed}`
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const uri = query === '' ? wanted.path : `${wanted.path}?${query}`
  const text = `${wanted.method} ${uri} HTTP/1.1\r\n${lines.join('')}`
  return { text, seed, timestamp, scope, key }
}

/** The target of a URL that is presigned for `wanted`, whose headers must be sent with it. */
export function presign(
  target: RawTarget,
  wanted: Pick<RawRequest, 'method' | 'path' | 'headers'> & {
    readonly query?: Readonly<Record<string, string>>
  },
): string {
  const signer = target.credential()
  const timestamp = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '')
  const scope = `${timestamp.slice(0, 8)}/${region}/s3/aws4_request`
  const headers: Record<string, string> = {
    host: `127.0.0.1:${target.port}`,
    ...wanted.headers,
  }
  const names = Object.keys(headers).sort()
  const query = canonicalQuery({
    ...wanted.query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${signer.accessKeyId}/${scope}`,
    'X-Amz-Date': timestamp,
    'X-Amz-Expires': '60',
    'X-Amz-SignedHeaders': names.join(';'),
  })
  const lines = names.map((name) => `${name}:${headers[name]}`)
  const parts = [wanted.method, wanted.path, query, ...lines, '', names.join(';')]
  const canonical = [...parts, 'UNSIGNED-PAYLOAD'].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', timestamp, scope, sha256(Buffer.from(canonical))].join('\n')
  const signature = hmac(keyOf(signer, scope), toSign).toString('hex')
  return `${wanted.path}?${query}&X-Amz-Signature=${signature}`
}

/** The key that signs within a scope. */
function keyOf({ secretAccessKey }: SigningKey, scope: string): Buffer {
  const secret = Buffer.from(`AWS4${secretAccessKey}`)
  return scope.split('/').reduce<Buffer>((key, part) => hmac(key, part), secret)
}

/** A body in signed aws-chunked framing; with trailers, which are signed too. */
export function signedChunks(
  head: SignedHead,
  chunks: readonly Buffer[],
  trailers?: Readonly<Record<string, string>>,
): Buffer {
  const { timestamp, scope, key } = head
  let previous = head.seed
  const empty = sha256(Buffer.alloc(0))
  const framed: Buffer[] = []
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    const toSign = ['AWS4-HMAC-SHA256-PAYLOAD', timestamp, scope, previous, empty, sha256(chunk)]
    previous = hmac(key, toSign.join('\n')).toString('hex')
    framed.push(Buffer.from(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`), chunk)
    if (chunk.length > 0) framed.push(Buffer.from('\r\n'))
  }
  if (trailers !== undefined) {
    const lines = Object.entries(trailers).map(([name, value]) => `${name}:${value}`)
    const hash = sha256(Buffer.from(lines.map((line) => `${line}\n`).join('')))
    const toSign = ['AWS4-HMAC-SHA256-TRAILER', timestamp, scope, previous, hash].join('\n')
    lines.push(`x-amz-trailer-signature:${hmac(key, toSign).toString('hex')}`)
    framed.push(Buffer.from(lines.map((line) => `${line}\r\n`).join('')))
  }
  framed.push(Buffer.from('\r\n'))
  return Buffer.concat(framed)
}

/** A body in unsigned aws-chunked framing with trailers. */
export function unsignedChunks(
  chunks: readonly Buffer[],
  trailers: Readonly<Record<string, string>>,
): Buffer {
  const framed = [...chunks, Buffer.alloc(0)].flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from(chunk.length > 0 ? '\r\n' : ''),
  ])
  for (const [name, value] of Object.entries(trailers))
    framed.push(Buffer.from(`${name}:${value}\r\n`))
  return Buffer.concat([...framed, Buffer.from('\r\n')])
}

/** Bytes of a chunked body, whose signatures are all of one length. */
export function framedLength(
  chunks: readonly Buffer[],
  trailers?: Readonly<Record<string, string>>,
): number {
  const dummy: SignedHead = { text: '', seed: '', timestamp: '', scope: '', key: Buffer.alloc(32) }
  return signedChunks(dummy, chunks, trailers).length
}

/** An answer read off a socket; header names in lower case. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** A connection whose responses are read in order. */
export class RawConnection implements Disposable {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #isClosed = false
  #wake: () => void = () => undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake()
    })
    const closed = (): void => {
      this.#isClosed = true
      this.#wake()
    }
    socket.on('end', closed).on('close', closed).on('error', closed)
  }

  static async open(target: RawTarget): Promise<RawConnection> {
    const socket = connect(target.port, '127.0.0.1')
    await once(socket, 'connect')
    return new RawConnection(socket)
  }

  /** True when the server has closed its side. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  write(data: string | Buffer): void {
    if (typeof data === 'string') this.socket.write(data, 'latin1')
    else this.socket.write(data)
  }

  /** The next final or interim response (`100 Continue`). Fails if the connection ends before it. */
  async answer(isHead = false): Promise<RawAnswer> {
    const end = await this.#find('\r\n\r\n')
    const [statusLine = '', ...lines] = this.#received.toString('latin1', 0, end).split('\r\n')
    const headers: Record<string, string> = {}
    for (const line of lines) {
      const colon = line.indexOf(':')
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
    }
    const status = Number(statusLine.split(' ')[1])
    const length = isHead || status < 200 ? 0 : Number(headers['content-length'] ?? 0)
    while (this.#received.length < end + 4 + length) await this.#more()
    const body = this.#received.subarray(end + 4, end + 4 + length)
    this.#received = this.#received.subarray(end + 4 + length)
    return { status, headers, body }
  }

  /** Resolves when the server has closed its side. */
  async closed(): Promise<void> {
    while (!this.#isClosed) await this.#next()
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }

  async #find(text: string): Promise<number> {
    for (;;) {
      const found = this.#received.indexOf(text)
      if (found >= 0) return found
      await this.#more()
    }
  }

  async #more(): Promise<void> {
    if (this.#isClosed)
      throw new Error(`the connection ended: ${this.#received.toString('latin1')}`)
    await this.#next()
  }

  async #next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    await promise
  }
}

/** Sends one signed request on a connection of its own. */
export async function sendRaw(target: RawTarget, wanted: RawRequest): Promise<RawAnswer> {
  const { body } = wanted
  const { text } = signHead(target, wanted)
  using connection = await RawConnection.open(target)
  connection.write(`${text}${body === undefined ? '' : `content-length: ${body.length}\r\n`}\r\n`)
  if (body !== undefined) connection.write(body)
  return await connection.answer(wanted.method === 'HEAD')
}

/** Sends text verbatim, and reads one response. */
export async function sendText(target: RawTarget, text: string): Promise<RawAnswer> {
  using connection = await RawConnection.open(target)
  connection.write(text)
  return await connection.answer()
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'latin1').digest()
}
