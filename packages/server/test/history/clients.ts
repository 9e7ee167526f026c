// Clients that do random work on one bucket concurrently and record the responses. As a planted
// fault, they can do one kind of operation in several requests but report it as one. The search
// must detect that.

import { createHash } from 'node:crypto'
import { Choices } from '../crash/content.ts'
import { recordsOf } from '../event-stream.ts'
import {
  objectPath,
  type SigningKey,
  type WireAnswer,
  WireClient,
  xmlText,
  xmlTexts,
} from '../wire.ts'
import type { Recorded } from './linearize.ts'
import type { FolderAnswer, Op, State } from './model.ts'
import { filesOfTar } from './tar.ts'

/** The operation done in several requests although it is reported as one; a policy, before it is done. */
export type Fault = 'rename' | 'list' | 'archive' | 'policy'

/** Where and how to make a history. */
export interface HistoryOptions {
  readonly host: string
  readonly port: number
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** The key of another owner. */
  readonly stranger: SigningKey
  /** Created for this history. */
  readonly bucket: string
  readonly seed: number
  readonly clients: number
  readonly operations: number
  readonly fault?: Fault | undefined
}

/** A history, and the initial contents of the bucket. */
export interface History {
  readonly initial: State
  readonly recorded: readonly Recorded<Op>[]
}

/** More rows than a write copies, so that copies of the folder are overlays. */
const manyKeys = 40

/** Creates a bucket, fills it, and runs the clients on it. */
export async function makeHistory(options: HistoryOptions): Promise<History> {
  const choices = new Choices(options.seed)
  const clients = Array.from({ length: options.clients }, () => new Client(options))
  const [first] = clients
  if (first === undefined) throw new Error('a history needs a client')
  // Where folders are copied into themselves, a large folder would grow too fast.
  const isLarge = choices.fraction() < 0.5
  const initial = new Map<string, string>()
  const keys = isLarge
    ? Array.from({ length: manyKeys }, (_, n) => `a/k${n + 100}`)
    : ['a/1', 'a/x/1', 'b/1']
  await first.createBucket()
  for (const key of keys) initial.set(key, `before ${key}`)
  for (const [key, value] of initial) await first.put(key, value)
  let clock = 0
  let values = 0
  const recorded: Recorded<Op>[] = []
  const folders = isLarge ? ['a/', 'b/', 'c/'] : ['a/', 'b/', 'c/', 'a/x/', 'b/x/']
  const work = async (client: Client): Promise<void> => {
    for (let n = 0; n < options.operations; n++) {
      const doing = chooseOperation(choices, folders, () => `v${values++}`)
      const from = clock++
      const op = await doing(client)
      recorded.push({ op, from, to: clock++ })
    }
  }
  try {
    await Promise.all(clients.map(work))
  } finally {
    for (const client of clients) await client.close()
  }
  return { initial, recorded }
}

type Doing = (client: Client) => Promise<Op>

function chooseOperation(choices: Choices, folders: readonly string[], value: () => string): Doing {
  const folder = choices.of(folders)
  const key = folder + choices.of(['1', '2'])
  const to = choices.of(folders)
  const replace = choices.fraction() < 0.7
  const kind = choices.weighted([
    ['put', 5],
    ['get', 4],
    ['delete', 2],
    ['list', 4],
    ['rename', 3],
    ['copy', 2],
    ['delete folder', 1],
    ['archive', 2],
    ['put tag', 1],
    ['get tag', 1],
    ['put policy', 2],
    ['get policy', 1],
    ['put block', 1],
    ['get block', 1],
    ['stranger get', 4],
    ['stranger put', 3],
  ])
  switch (kind) {
    case 'put': {
      const written = value()
      const tag = choices.fraction() < 0.3 ? `of-${written}` : undefined
      return async (client) => {
        await client.put(key, written, tag)
        return { kind, key, value: written, tag }
      }
    }
    case 'get': {
      const isQuery = choices.fraction() < 0.3
      return async (client) => {
        return { kind, key, found: await (isQuery ? client.select(key) : client.get(key)) }
      }
    }
    case 'delete':
      return async (client) => {
        await client.delete(key)
        return { kind, key }
      }
    case 'list': {
      const prefix = choices.of(['', ...folders])
      const isGrouped = choices.fraction() < 0.3
      return async (client) => {
        return { kind, prefix, isGrouped, found: await client.list(prefix, isGrouped) }
      }
    }
    case 'rename':
    case 'copy':
      return async (client) => {
        const answer = await client.move(kind, { from: folder, to, replace })
        return { kind, from: folder, to, replace, answer }
      }
    case 'delete folder':
      return async (client) => {
        await client.deleteFolder(folder)
        return { kind, folder }
      }
    case 'archive': {
      const isQuery = choices.fraction() < 0.3
      return async (client) => {
        const found = await (isQuery ? client.selectFolder(folder) : client.archive(folder))
        return { kind, folder, found }
      }
    }
    case 'put tag': {
      const tag = choices.fraction() < 0.7 ? value() : ''
      return async (client) => ({ kind, key, tag, isThere: await client.putTag(key, tag) })
    }
    case 'get tag':
      return async (client) => ({ kind, key, found: await client.getTag(key) })
    case 'put policy': {
      const open = choices.fraction() < 0.8 ? folder : undefined
      return async (client) => {
        await client.putPolicy(open)
        return { kind, folder: open }
      }
    }
    case 'get policy':
      return async (client) => ({ kind, found: await client.getPolicy() })
    case 'put block': {
      const isRestricting = choices.fraction() < 0.3
      return async (client) => {
        await client.putBlock(isRestricting)
        return { kind, isRestricting }
      }
    }
    case 'get block':
      return async (client) => ({ kind, isRestricting: await client.getBlock() })
    case 'stranger get':
      return async (client) => ({ kind, key, found: await client.strangerGet(key) })
    case 'stranger put': {
      const written = value()
      return async (client) => {
        const isAllowed = await client.strangerPut(key, written)
        return { kind, key, value: written, isAllowed }
      }
    }
  }
}

interface Move {
  readonly from: string
  readonly to: string
  readonly replace: boolean
}

class Client {
  readonly #options: HistoryOptions
  readonly #wire: WireClient
  readonly #stranger: WireClient
  /** The last request that was reported before it was done. */
  #late: Promise<unknown> = Promise.resolve()

  constructor(options: HistoryOptions) {
    this.#options = options
    this.#wire = new WireClient(options)
    this.#stranger = new WireClient({ ...options, ...options.stranger })
  }

  async close(): Promise<void> {
    await this.#late
    this.#wire.close()
    this.#stranger.close()
  }

  async createBucket(): Promise<void> {
    await this.#send({ method: 'PUT', path: `/${this.#options.bucket}` }, [200])
    await this.putBlock(false)
  }

  async put(key: string, value: string, tag?: string): Promise<void> {
    await this.#put(this.#wire, key, value, [200], tag)
  }

  /** True if the stranger was allowed to. */
  async strangerPut(key: string, value: string): Promise<boolean> {
    return (await this.#put(this.#stranger, key, value, [200, 403])) === 200
  }

  async #put(
    wire: WireClient,
    key: string,
    value: string,
    expected: readonly number[],
    tag?: string,
  ): Promise<number> {
    // Before sending, since other clients may see it before the response.
    valueOfEtag.set(createHash('md5').update(value).digest('hex'), value)
    // The value is in a header too, to detect the body of another object.
    const tagging = tag === undefined ? {} : { 'x-amz-tagging': `t=${tag}` }
    const headers = { 'x-amz-meta-value': value, ...tagging }
    const body = Buffer.from(value)
    const wanted = { method: 'PUT', path: this.#path(key), headers, body }
    return (await this.#send(wanted, expected, wire)).status
  }

  async strangerGet(key: string): Promise<string> {
    const wanted = { method: 'GET', path: this.#path(key) }
    const { status, body } = await this.#send(wanted, [200, 403], this.#stranger)
    return status === 403 ? 'refused' : body.toString()
  }

  /** Removes an empty tag. False if there was no such object. */
  async putTag(key: string, tag: string): Promise<boolean> {
    const body = Buffer.from(
      `<Tagging><TagSet><Tag><Key>t</Key><Value>${tag}</Value></Tag></TagSet></Tagging>`,
    )
    const at = { path: this.#path(key), query: { tagging: '' } }
    const wanted = tag === '' ? { ...at, method: 'DELETE' } : { ...at, method: 'PUT', body }
    return (await this.#send(wanted, [200, 204, 404])).status !== 404
  }

  async getTag(key: string): Promise<string | undefined> {
    const wanted = { method: 'GET', path: this.#path(key), query: { tagging: '' } }
    const { status, body } = await this.#send(wanted, [200, 404])
    return status === 404 ? undefined : (xmlText(body, 'Value') ?? '')
  }

  /** Allows everyone to read and write below a folder, or nobody. */
  async putPolicy(folder: string | undefined): Promise<void> {
    const { bucket, fault } = this.#options
    const path = `/${bucket}`
    const query = { policy: '' }
    const wanted =
      folder === undefined
        ? { method: 'DELETE', path, query }
        : { method: 'PUT', path, query, body: Buffer.from(policyFor(bucket, folder)) }
    const done = this.#send(wanted, [204])
    if (fault === 'policy') this.#late = done
    else await done
  }

  /** The folder that is open to everyone. */
  async getPolicy(): Promise<string | undefined> {
    const { bucket } = this.#options
    const wanted = { method: 'GET', path: `/${bucket}`, query: { policy: '' } }
    const { status, body } = await this.#send(wanted, [200, 404])
    if (status === 404) return undefined
    return new RegExp(`arn:aws:s3:::${bucket}/([^"]*)[*]`).exec(body.toString())?.[1]
  }

  async putBlock(isRestricting: boolean): Promise<void> {
    const text = `<PublicAccessBlockConfiguration><RestrictPublicBuckets>${isRestricting}</RestrictPublicBuckets></PublicAccessBlockConfiguration>`
    const path = `/${this.#options.bucket}`
    const body = Buffer.from(text)
    await this.#send({ method: 'PUT', path, query: { publicAccessBlock: '' }, body }, [200])
  }

  async getBlock(): Promise<boolean> {
    const path = `/${this.#options.bucket}`
    const { body } = await this.#send(
      { method: 'GET', path, query: { publicAccessBlock: '' } },
      [200],
    )
    return xmlText(body, 'RestrictPublicBuckets') === 'true'
  }

  async get(key: string): Promise<string | undefined> {
    const answer = await this.#send({ method: 'GET', path: this.#path(key) }, [200, 404])
    if (answer.status === 404) return undefined
    const value = answer.body.toString()
    const said = answer.headers['x-amz-meta-value']
    return said === value ? value : `${value}, but its header says ${said}`
  }

  /** What {@link get} would find, read by a query. */
  async select(key: string): Promise<string | undefined> {
    return (await this.#select(key, 'SELECT * FROM S3Object'))?.trimEnd()
  }

  /** What {@link archive} would find, read by a query. */
  async selectFolder(folder: string): Promise<string[] | undefined> {
    if (this.#options.fault === 'archive') return this.#archiveInSteps(folder)
    const recursive = { 'x-holdfast-recursive': 'true' }
    const records = await this.#select(folder, 'SELECT _key, _1 FROM S3Object', recursive)
    const lines = records?.split('\n').filter((line) => line !== '')
    return lines?.map((line) => line.slice(folder.length).replace(',', ' '))
  }

  async #select(
    key: string,
    expression: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<string | undefined> {
    const body = Buffer.from(
      `<SelectObjectContentRequest><Expression>${expression}</Expression>` +
        '<ExpressionType>SQL</ExpressionType><InputSerialization><CSV/></InputSerialization>' +
        '<OutputSerialization><CSV/></OutputSerialization></SelectObjectContentRequest>',
    )
    const query = { select: '', 'select-type': '2' }
    const path = this.#path(key)
    const answer = await this.#send({ method: 'POST', path, query, headers, body }, [200, 404])
    return answer.status === 404 ? undefined : recordsOf(answer.body)
  }

  async delete(key: string): Promise<void> {
    await this.#send({ method: 'DELETE', path: this.#path(key) }, [204])
  }

  async list(prefix: string, isGrouped: boolean): Promise<string[]> {
    if (this.#options.fault !== 'list') return this.#page(prefix, isGrouped)
    const found: string[] = []
    for (;;) {
      const last = found.at(-1)
      const after = last?.endsWith('/') === true ? `${last}\u{10ffff}` : last?.split(' ')[0]
      const page = await this.#page(prefix, isGrouped, { 'max-keys': '2', after })
      found.push(...page)
      if (page.length < 2) return found
    }
  }

  async move(kind: 'rename' | 'copy', move: Move): Promise<FolderAnswer> {
    if (kind === 'rename' && this.#options.fault === 'rename') return this.#renameInSteps(move)
    const { bucket } = this.#options
    const path = this.#path(move.to)
    const replace = { 'x-holdfast-replace': String(move.replace) }
    const request =
      kind === 'rename'
        ? { query: { renameObject: '' }, headers: { 'x-amz-rename-source': move.from, ...replace } }
        : {
            headers: {
              'x-amz-copy-source': `/${bucket}/${move.from}`,
              'x-holdfast-recursive': 'true',
              ...replace,
            },
          }
    const { status } = await this.#send({ method: 'PUT', path, ...request }, [200, 400, 404, 412])
    if (status === 200) return 'done'
    if (status === 404) return 'missing'
    return status === 412 ? 'exists' : 'invalid'
  }

  async deleteFolder(folder: string): Promise<void> {
    const headers = { 'x-holdfast-recursive': 'true' }
    await this.#send({ method: 'DELETE', path: this.#path(folder), headers }, [204])
  }

  async archive(folder: string): Promise<string[] | undefined> {
    if (this.#options.fault === 'archive') return this.#archiveInSteps(folder)
    const query = { archive: 'tar' }
    const answer = await this.#send({ method: 'GET', path: this.#path(folder), query }, [200, 404])
    if (answer.status === 404) return undefined
    return filesOfTar(answer.body).map(({ name, content }) => `${name} ${content}`)
  }

  /** A rename by a client without folder requests. */
  async #renameInSteps({ from, to, replace }: Move): Promise<FolderAnswer> {
    if (to.startsWith(from)) return 'invalid'
    const source = await this.#page(from, false)
    const target = await this.#page(to, false)
    if (source.length === 0) return 'missing'
    if (target.length > 0 && !replace) return 'exists'
    for (const item of target) await this.delete(item.split(' ')[0] ?? '')
    for (const item of source) {
      const key = item.split(' ')[0] ?? ''
      const headers = { 'x-amz-copy-source': `/${this.#options.bucket}/${key}` }
      const path = this.#path(to + key.slice(from.length))
      await this.#send({ method: 'PUT', path, headers }, [200, 404])
      await this.delete(key)
    }
    return 'done'
  }

  async #archiveInSteps(folder: string): Promise<string[] | undefined> {
    const found: string[] = []
    for (const item of await this.#page(folder, false)) {
      const key = item.split(' ')[0] ?? ''
      const value = await this.get(key)
      if (value !== undefined) found.push(`${key.slice(folder.length)} ${value}`)
    }
    return found.length === 0 ? undefined : found
  }

  async #page(
    prefix: string,
    isGrouped: boolean,
    { after, ...more }: { readonly 'max-keys'?: string; readonly after?: string | undefined } = {},
  ): Promise<string[]> {
    const query = {
      ...{ 'list-type': '2', prefix, ...more },
      ...(isGrouped ? { delimiter: '/' } : {}),
      ...(after === undefined ? {} : { 'start-after': after }),
    }
    const path = `/${this.#options.bucket}`
    const { body } = await this.#send({ method: 'GET', path, query }, [200])
    const found: string[] = []
    for (const [, entry = ''] of String(body).matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const etag = xmlText(entry, 'ETag')?.replaceAll('"', '') ?? ''
      found.push(`${xmlText(entry, 'Key')} ${valueOfEtag.get(etag) ?? etag}`)
    }
    for (const [, group = ''] of String(body).matchAll(/<CommonPrefixes>(.*?)<\/Comm/gs)) {
      found.push(...xmlTexts(group, 'Prefix'))
    }
    if (found.length >= 1000) throw new Error('the bucket has become too large for one page')
    return found.sort()
  }

  async #send(
    request: Parameters<WireClient['send']>[0],
    expected: readonly number[],
    wire: WireClient = this.#wire,
  ): Promise<WireAnswer> {
    for (;;) {
      const answer = await wire.send(request)
      if (expected.includes(answer.status)) return answer
      // Not executed: only the final response counts.
      if (answer.status === 503) continue
      const { method, path } = request
      throw new Error(`${method} ${path} was answered ${answer.status} ${answer.body}`)
    }
  }

  #path(key: string): string {
    return objectPath(this.#options.bucket, key)
  }
}

function policyFor(bucket: string, folder: string): string {
  const Resource = `arn:aws:s3:::${bucket}/${folder}*`
  const Action = ['s3:GetObject', 's3:PutObject']
  const statement = { Effect: 'Allow', Principal: '*', Action, Resource }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}

/** The values of all bodies by their MD5. */
const valueOfEtag = new Map<string, string>()
