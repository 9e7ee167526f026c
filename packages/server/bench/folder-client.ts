// Timed folder operations of a client: with Holdfast's folder requests, and without them by
// listing, copying and deleting.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { canonicalQuery, objectPath, signedHeaders, WireClient, xmlTexts } from '../test/wire.ts'

/** Concurrent requests to list, copy and delete. */
const parallel = 32

/** The server and the credentials. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A client of one bucket. All times are in milliseconds. */
export class FolderClient {
  readonly #target: Target
  readonly #wire: WireClient
  readonly #bucket: string

  constructor(target: Target, bucket: string) {
    this.#target = target
    this.#wire = new WireClient(target)
    this.#bucket = bucket
  }

  close(): void {
    this.#wire.close()
  }

  rename(from: string, to: string): Promise<number> {
    const headers = { 'x-amz-rename-source': from }
    return this.#timed('PUT', to, { headers, query: { renameObject: '' } })
  }

  copy(from: string, to: string): Promise<number> {
    const source = { 'x-amz-copy-source': `/${this.#bucket}/${from}` }
    return this.#timed('PUT', to, { headers: { ...source, 'x-holdfast-recursive': 'true' } })
  }

  remove(folder: string): Promise<number> {
    return this.#timed('DELETE', folder, { headers: { 'x-holdfast-recursive': 'true' } })
  }

  put(key: string): Promise<number> {
    return this.#timed('PUT', key, { body: Buffer.from(key) })
  }

  delete(key: string): Promise<number> {
    return this.#timed('DELETE', key, {})
  }

  /** Time to the first byte of an archive, which is then cancelled. */
  async snapshot(folder: string): Promise<number> {
    const { host, port } = this.#target
    const path = objectPath(this.#bucket, folder)
    const query = { archive: 'tar' }
    const parts = { method: 'GET', host: `${host}:${port}`, path, query, date: new Date() }
    const started = performance.now()
    const outgoing = request({
      ...{ host, port, agent: false, path: `${path}?${canonicalQuery(query)}` },
      headers: signedHeaders(this.#target, parts),
    })
    outgoing.on('error', () => undefined)
    outgoing.end()
    const [answer] = await once(outgoing, 'response')
    const ms = performance.now() - started
    outgoing.destroy()
    if (answer.statusCode !== 200) throw new Error(`an archive was answered ${answer.statusCode}`)
    return ms
  }

  /** Lists a folder page by page; resolves to its keys and the time taken. */
  async list(prefix: string): Promise<{ readonly keys: readonly string[]; readonly ms: number }> {
    const keys: string[] = []
    const started = performance.now()
    for (let after: string | undefined = ''; after !== undefined; ) {
      const query: Record<string, string> = { 'list-type': '2', prefix, 'start-after': after }
      const path = `/${this.#bucket}`
      const { status, body } = await this.#wire.send({ method: 'GET', path, query })
      if (status !== 200) throw new Error(`a listing was answered ${status}: ${body}`)
      const page = xmlTexts(body, 'Key')
      keys.push(...page)
      after = page.length < 1000 ? undefined : page.at(-1)
    }
    return { keys, ms: performance.now() - started }
  }

  /** A rename by a client that knows only objects. */
  async renameByKeys(from: string, to: string): Promise<number> {
    const started = performance.now()
    const { keys } = await this.list(from)
    await this.#each(keys, (key) => this.#copyObject(key, to + key.slice(from.length)))
    await this.#deleteAll(keys)
    return performance.now() - started
  }

  /** A copy by a client that knows only objects. */
  async copyByKeys(from: string, to: string): Promise<number> {
    const started = performance.now()
    const { keys } = await this.list(from)
    await this.#each(keys, (key) => this.#copyObject(key, to + key.slice(from.length)))
    return performance.now() - started
  }

  /** A deletion by a client that knows only objects. */
  async removeByKeys(folder: string): Promise<number> {
    const started = performance.now()
    await this.#deleteAll((await this.list(folder)).keys)
    return performance.now() - started
  }

  async putEach(keys: readonly string[]): Promise<void> {
    await this.#each(keys, (key) => this.put(key))
  }

  /** Deletes keys one by one with `clients` clients; resolves to the time taken. */
  async deleteEach(keys: readonly string[], clients: number): Promise<number> {
    const started = performance.now()
    await this.#each(keys, (key) => this.delete(key), clients)
    return performance.now() - started
  }

  async #each(
    keys: readonly string[],
    work: (key: string) => Promise<unknown>,
    clients = parallel,
  ): Promise<void> {
    let next = 0
    const worker = async (): Promise<void> => {
      for (let key = keys[next++]; key !== undefined; key = keys[next++]) await work(key)
    }
    await Promise.all(Array.from({ length: clients }, worker))
  }

  #copyObject(from: string, to: string): Promise<number> {
    const headers = { 'x-amz-copy-source': `/${this.#bucket}/${from}` }
    return this.#timed('PUT', to, { headers })
  }

  async #deleteAll(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += 1000) {
      const objects = keys.slice(at, at + 1000).map((key) => `<Object><Key>${key}</Key></Object>`)
      const body = Buffer.from(`<Delete><Quiet>true</Quiet>${objects.join('')}</Delete>`)
      const md5 = createHash('md5').update(body).digest('base64')
      const { status } = await this.#wire.send({
        ...{ method: 'POST', path: `/${this.#bucket}`, query: { delete: '' }, body },
        headers: { 'content-md5': md5 },
      })
      if (status !== 200) throw new Error(`DeleteObjects was answered ${status}`)
    }
  }

  async #timed(
    method: string,
    key: string,
    more: Omit<Parameters<WireClient['send']>[0], 'method' | 'path'>,
  ): Promise<number> {
    const started = performance.now()
    const path = objectPath(this.#bucket, key)
    const { status, body } = await this.#wire.send({ method, path, ...more })
    if (status > 204) throw new Error(`${method} ${key} was answered ${status}: ${body}`)
    return performance.now() - started
  }
}
