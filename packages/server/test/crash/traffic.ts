// Mixed load from several clients, which records its attempts and checks its reads as it runs. Each
// key has a single writer at a time, except for a few contended ones.

import { setTimeout as delay } from 'node:timers/promises'
import { encodeUri, objectPath, type WireAnswer, type WireClient, xmlText } from '../wire.ts'
import { checkObject } from './check.ts'
import { bodyOf, type Choices, type Content, idHeader, md5, multipartEtag } from './content.ts'
import { type Attempt, KeyHistory } from './history.ts'

const bucketNames = ['crash-one', 'crash-two'] as const
const minPartBytes = 5 * 1024 * 1024
const reconnectMs = 20

/** Sizes and numbers of the load. */
export interface Profile {
  readonly clients: number
  readonly keysPerClient: number
  readonly sharedKeys: number
  readonly smallBytes: number
  readonly largeBytes: number
  /** Share of multipart uploads with a full 5 MiB part before the last one. */
  readonly fullPartShare: number
}

/** An upload of unknown outcome: every listed part was acknowledged. */
export interface OpenUpload {
  readonly history: KeyHistory
  readonly uploadId: string
  readonly seed: string
  readonly id: string
  /** Sizes of the acknowledged parts, from part 1 on. */
  readonly partBytes: number[]
}

/** Event counts for the report. */
export interface AggregateMetrics {
  acknowledged: number
  unanswered: number
  reads: number
  refused: number
}

type Action =
  | 'small'
  | 'large'
  | 'remove'
  | 'batch'
  | 'copy'
  | 'multipart'
  | 'get'
  | 'head'
  | 'list'

const actions: readonly (readonly [Action, number])[] = [
  ['small', 40],
  ['large', 10],
  ['remove', 8],
  ['batch', 2],
  ['copy', 7],
  ['multipart', 4],
  ['get', 20],
  ['head', 5],
  ['list', 3],
]

export interface TrafficOptions {
  readonly client: WireClient
  readonly choices: Choices
  readonly profile: Profile
  /** The current position; must increase from call to call. */
  readonly now: () => number
}

/** The load generator: `start`, `halt`, and `start` again. Problems are collected. */
export class Traffic {
  readonly histories: readonly KeyHistory[]
  readonly problems: string[] = []
  readonly openUploads: OpenUpload[] = []
  readonly tally: AggregateMetrics = { acknowledged: 0, unanswered: 0, reads: 0, refused: 0 }
  readonly #options: TrafficOptions
  readonly #own: KeyHistory[][]
  readonly #shared: KeyHistory[]
  #client: WireClient
  #isHalting = false
  #running: Promise<void>[] = []
  #lastId = 0

  constructor(options: TrafficOptions) {
    const { profile } = options
    this.#options = options
    this.#client = options.client
    this.#own = Array.from({ length: profile.clients }, (_, client) =>
      Array.from(
        { length: profile.keysPerClient },
        (_, n) =>
          new KeyHistory(bucketNames[n % 2] ?? bucketNames[0], `c${client}/${n % 3}/key ${n}`),
      ),
    )
    this.#shared = Array.from(
      { length: profile.sharedKeys },
      (_, n) => new KeyHistory(bucketNames[0], `shared/${n}`),
    )
    this.histories = [...this.#own.flat(), ...this.#shared]
  }

  /** The buckets that hold all keys. */
  get buckets(): readonly string[] {
    return bucketNames
  }

  /** Creates the buckets; once, before the first `start`. */
  async prepare(): Promise<void> {
    for (const bucket of bucketNames) {
      const { status } = await this.#client.send({ method: 'PUT', path: `/${bucket}` })
      if (status !== 200) throw new Error(`creating ${bucket} was answered ${status}`)
    }
  }

  /** Runs all clients until `halt`; with another client if the server moved. */
  start(client: WireClient = this.#client): void {
    this.#client = client
    this.#isHalting = false
    this.#running = this.#own.map((keys) => this.#run(keys))
  }

  /** Resolves when every running request has its response or has lost its connection. */
  async halt(): Promise<void> {
    this.#isHalting = true
    await Promise.all(this.#running)
    this.#running = []
  }

  /** Returns and clears the problems found so far. */
  takeProblems(): string[] {
    return this.problems.splice(0)
  }

  /** Completes an upload of unknown state. Its parts were acknowledged, so it must succeed. */
  async finish(upload: OpenUpload, client: WireClient): Promise<void> {
    this.#client = client
    await this.#complete(upload)
  }

  async #run(own: KeyHistory[]): Promise<void> {
    const { choices } = this.#options
    while (!this.#isHalting) {
      const frozen = new Set(this.openUploads.map((upload) => upload.history))
      const free = own.filter((history) => !frozen.has(history))
      const isShared = this.#shared.length > 0 && choices.fraction() < 0.1
      const pool = isShared ? this.#shared : free
      if (pool.length === 0) return
      const action = choices.weighted(actions)
      try {
        await this.#act(action, choices.of(pool), free, isShared)
      } catch {
        // The connection broke. The sender has recorded its request as unanswered.
        await delay(reconnectMs)
      }
    }
  }

  async #act(
    action: Action,
    history: KeyHistory,
    own: KeyHistory[],
    isShared: boolean,
  ): Promise<void> {
    const { choices, profile } = this.#options
    switch (action) {
      case 'small':
        return this.#put(history, choices.between(0, profile.smallBytes))
      case 'large':
        return this.#put(history, choices.between(profile.smallBytes, profile.largeBytes))
      case 'remove':
        return this.#remove(history)
      case 'batch':
        return isShared ? this.#remove(history) : this.#batch(own.slice(0, 3))
      case 'copy':
        return isShared ? this.#get(history, 'GET') : this.#copy(history, choices.of(own))
      case 'multipart':
        return isShared ? this.#get(history, 'GET') : this.#multipart(history)
      case 'get':
        return this.#get(history, 'GET')
      case 'head':
        return this.#get(history, 'HEAD')
      case 'list':
        return this.#list(history)
    }
  }

  #newId(): string {
    this.#lastId += 1
    return `v${this.#lastId}`
  }

  async #put(history: KeyHistory, sizeBytes: number): Promise<void> {
    const id = this.#newId()
    const body = bodyOf(id, sizeBytes)
    const content: Content = { id, seed: id, sizeBytes, etag: md5(body) }
    await this.#change([history.begin(content, this.#options.now())], {
      method: 'PUT',
      path: objectPath(history.bucket, history.key),
      headers: { [idHeader]: id },
      body,
    })
  }

  async #remove(history: KeyHistory): Promise<void> {
    await this.#change([history.begin(undefined, this.#options.now())], {
      method: 'DELETE',
      path: objectPath(history.bucket, history.key),
    })
  }

  async #batch(histories: KeyHistory[]): Promise<void> {
    const bucket = this.#options.choices.of(bucketNames)
    const chosen = histories.filter((history) => history.bucket === bucket)
    if (chosen.length === 0) return
    const objects = chosen.map(({ key }) => `<Object><Key>${key}</Key></Object>`).join('')
    const body = Buffer.from(`<Delete><Quiet>true</Quiet>${objects}</Delete>`)
    const now = this.#options.now()
    await this.#change(
      chosen.map((history) => history.begin(undefined, now)),
      {
        method: 'POST',
        path: `/${bucket}`,
        query: { delete: '' },
        headers: {
          'content-md5': Buffer.from(md5(body), 'hex').toString('base64'),
          'content-type': 'application/xml',
        },
        body,
      },
    )
  }

  async #copy(history: KeyHistory, source: KeyHistory): Promise<void> {
    const now = this.#options.now()
    const [found, ...others] = source.possible(now, now)
    // Only known content can be copied to a known result.
    if (found?.content === undefined || others.length > 0) return
    const id = this.#newId()
    const { etag } = found.content
    // A copy of a multipart object may have an ETag of another form.
    const content = { ...found.content, id, etag: etag?.includes('-') ? undefined : etag }
    await this.#change([history.begin(content, this.#options.now())], {
      method: 'PUT',
      path: objectPath(history.bucket, history.key),
      headers: {
        'x-amz-copy-source': `/${source.bucket}/${source.key.split('/').map(encodeUri).join('/')}`,
        'x-amz-metadata-directive': 'REPLACE',
        [idHeader]: id,
      },
    })
  }

  async #multipart(history: KeyHistory): Promise<void> {
    const { choices, profile } = this.#options
    const id = this.#newId()
    const path = objectPath(history.bucket, history.key)
    const created = await this.#client.send({
      method: 'POST',
      path,
      query: { uploads: '' },
      headers: { [idHeader]: id },
    })
    const uploadId = xmlText(created.body, 'UploadId')
    if (!this.#isExpected(created, `create upload of ${path}`) || uploadId === undefined) return
    const upload: OpenUpload = { history, uploadId, seed: id, id, partBytes: [] }
    this.openUploads.push(upload)
    const wanted = choices.fraction() < profile.fullPartShare ? [minPartBytes] : []
    wanted.push(choices.between(1, profile.largeBytes))
    const whole = bodyOf(
      id,
      wanted.reduce((sum, size) => sum + size, 0),
    )
    for (const [index, size] of wanted.entries()) {
      const answer = await this.#client.send({
        method: 'PUT',
        path,
        query: { partNumber: String(index + 1), uploadId },
        body: whole.subarray(index * minPartBytes, index * minPartBytes + size),
      })
      if (!this.#isExpected(answer, `part ${index + 1} of ${path}`)) return
      upload.partBytes.push(size)
    }
    await this.#complete(upload)
  }

  async #complete(upload: OpenUpload): Promise<void> {
    const { history, uploadId, id, seed, partBytes } = upload
    const path = objectPath(history.bucket, history.key)
    const forget = (): void => {
      this.openUploads.splice(this.openUploads.indexOf(upload), 1)
    }
    const sizeBytes = partBytes.reduce((sum, size) => sum + size, 0)
    const whole = bodyOf(seed, sizeBytes)
    const parts = partBytes.map((size, n) =>
      whole.subarray(n * minPartBytes, n * minPartBytes + size),
    )
    if (parts.length === 0) {
      const query = { uploadId }
      const answer = await this.#client.send({ method: 'DELETE', path, query })
      if (answer.status !== 204) {
        this.problems.push(`abort of ${path} (${uploadId}) was answered ${describe(answer)}`)
      }
      return forget()
    }
    const listed = parts.map(
      (part, n) => `<Part><PartNumber>${n + 1}</PartNumber><ETag>"${md5(part)}"</ETag></Part>`,
    )
    const content: Content = { id, seed, sizeBytes, etag: multipartEtag(parts) }
    const isSettled = await this.#change(
      [history.begin(content, this.#options.now())],
      {
        method: 'POST',
        path,
        query: { uploadId },
        body: Buffer.from(`<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`),
      },
      `completion (${uploadId}) of ${path}`,
    )
    if (isSettled) forget()
  }

  async #get(history: KeyHistory, method: 'GET' | 'HEAD'): Promise<void> {
    const from = this.#options.now()
    const path = objectPath(history.bucket, history.key)
    const answer = await this.#client.send({ method, path })
    const to = this.#options.now()
    if (!this.#isExpected(answer, `${method} ${path}`, [200, 404])) return
    this.tally.reads += 1
    const { problem, found } = checkObject({ history, answer, method, from, to })
    if (problem !== undefined) this.problems.push(`while running: ${problem}`)
    else if (found !== undefined) found.acknowledge(to)
  }

  async #list(history: KeyHistory): Promise<void> {
    const prefix = history.key.slice(0, history.key.lastIndexOf('/') + 1)
    const answer = await this.#client.send({
      method: 'GET',
      path: `/${history.bucket}`,
      query: { 'list-type': '2', prefix, 'max-keys': '50' },
    })
    if (this.#isExpected(answer, `list of ${prefix}`)) this.tally.reads += 1
  }

  /** Sends a change and records its outcome; false if it should be retried later. */
  async #change(
    attempts: Attempt[],
    wanted: Parameters<WireClient['send']>[0],
    what = `${wanted.method} ${wanted.path}`,
  ): Promise<boolean> {
    const { now } = this.#options
    let answer: WireAnswer
    try {
      answer = await this.#client.send(wanted)
    } catch (cause) {
      this.tally.unanswered += 1
      const at = now()
      for (const attempt of attempts) attempt.giveUp(at)
      this.#noteFailure(cause, what)
      throw cause
    }
    const at = now()
    if (!this.#isExpected(answer, what, [200, 204])) {
      for (const attempt of attempts) attempt.giveUp(at)
      return answer.status !== 503
    }
    // A completion or a batch may fail after the 200 was sent.
    if (answer.body.includes('<Error>')) {
      this.problems.push(`${what} was answered 200 with ${describe(answer)}`)
      for (const attempt of attempts) attempt.giveUp(at)
      return true
    }
    for (const attempt of attempts) attempt.acknowledge(at)
    this.tally.acknowledged += attempts.length
    return true
  }

  #isExpected(answer: WireAnswer, what: string, statuses: readonly number[] = [200]): boolean {
    if (statuses.includes(answer.status)) return true
    this.tally.refused += 1
    // A server that is being killed may respond 503 (busy or stopping), and nothing else.
    if (answer.status !== 503) this.problems.push(`${what} was answered ${describe(answer)}`)
    return false
  }

  #noteFailure(cause: unknown, what: string): void {
    // A time-out has no code; a malformed response has a code of the parser.
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (code === '' || code.startsWith('HPE_'))
      this.problems.push(`${what} failed: ${String(cause)}`)
  }
}

function describe(answer: WireAnswer): string {
  return `${answer.status} ${answer.body.subarray(0, 300).toString('utf8')}`
}
