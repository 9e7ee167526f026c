// Checks the server's responses against the histories: one object at a time, or after a crash all
// objects and listings.

import { objectPath, type WireAnswer, type WireClient, xmlText } from '../wire.ts'
import { bodyOf, type Content, idHeader } from './content.ts'
import type { Attempt, KeyHistory } from './history.ts'

const readers = 6
const pageKeys = '100'

/** One read, with its start and end. */
export interface ObjectRead {
  readonly history: KeyHistory
  readonly answer: WireAnswer
  readonly method: 'GET' | 'HEAD'
  readonly from: number
  readonly to: number
}

/** The conclusion from a read: a problem, or the attempt that it shows (if that is unambiguous). */
export interface Verdict {
  readonly problem?: string
  readonly found?: Attempt
}

/** Checks a response with status 200 or 404. */
export function checkObject({ history, answer, method, from, to }: ObjectRead): Verdict {
  const name = `${history.bucket}/${history.key}`
  const possible = history.possible(from, to)
  const expected = possible.map(({ content }) => content?.id ?? 'nothing').join(' or ')
  if (answer.status === 404) {
    const absent = possible.filter(({ content }) => content === undefined)
    if (absent.length === 0) return { problem: `${name} is missing; it must hold ${expected}` }
    return absent.length === 1 && absent[0] !== undefined ? { found: absent[0] } : {}
  }
  const id = answer.headers[idHeader]
  const found = possible.find(({ content }) => content?.id === id)
  if (found?.content === undefined) {
    return { problem: `${name} holds ${id ?? 'something unknown'}; it must hold ${expected}` }
  }
  const problem = differs(found.content, answer, method)
  return problem === undefined ? { found } : { problem: `${name} (${id}) ${problem}` }
}

function differs(content: Content, answer: WireAnswer, method: string): string | undefined {
  const length = Number(answer.headers['content-length'])
  if (length !== content.sizeBytes) return `has ${length} bytes, not ${content.sizeBytes}`
  const etag = answer.headers.etag?.replaceAll('"', '')
  if (content.etag !== undefined && etag !== content.etag) {
    return `has the ETag ${etag}, not ${content.etag}`
  }
  if (method === 'HEAD') return undefined
  const body = bodyOf(content.seed, content.sizeBytes)
  if (answer.body.equals(body)) return undefined
  const wrong = body.findIndex((byte, index) => answer.body[index] !== byte)
  return `differs from what was written, at byte ${wrong} of ${content.sizeBytes}`
}

/** A check of the whole store at one position, while nobody writes. */
export interface StoreCheck {
  readonly client: WireClient
  readonly buckets: readonly string[]
  readonly histories: readonly KeyHistory[]
  readonly at: number
  /** After a real crash: later checks may rely only on what was found. */
  readonly settle: boolean
}

/** Reads every key and lists every bucket; returns all problems. */
export async function checkStore(check: StoreCheck): Promise<string[]> {
  const problems: string[] = []
  const listed = new Map<string, ListedObject>()
  for (const bucket of check.buckets) {
    try {
      for (const one of await listAll(check.client, bucket)) {
        const name = `${bucket}/${one.key}`
        if (listed.has(name)) problems.push(`${name} is listed twice`)
        listed.set(name, one)
      }
    } catch (cause) {
      problems.push(`list of ${bucket} failed: ${String(cause)}`)
    }
  }
  const known = new Set(check.histories.map(({ bucket, key }) => `${bucket}/${key}`))
  for (const name of listed.keys()) {
    if (!known.has(name)) problems.push(`${name} is listed but was never written`)
  }
  const left = [...check.histories]
  const reader = async (): Promise<void> => {
    for (let history = left.pop(); history !== undefined; history = left.pop()) {
      problems.push(...(await checkKey(check, history, listed)))
    }
  }
  await Promise.all(Array.from({ length: readers }, reader))
  return problems
}

async function checkKey(
  { client, at, settle }: StoreCheck,
  history: KeyHistory,
  listed: ReadonlyMap<string, ListedObject>,
): Promise<string[]> {
  const name = `${history.bucket}/${history.key}`
  let answer: WireAnswer
  try {
    answer = await client.send({ method: 'GET', path: objectPath(history.bucket, history.key) })
  } catch (cause) {
    return [`GET ${name} failed: ${String(cause)}`]
  }
  if (answer.status !== 200 && answer.status !== 404) {
    return [`GET ${name} was answered ${answer.status} ${answer.body.toString('utf8', 0, 300)}`]
  }
  const { problem, found } = checkObject({ history, answer, method: 'GET', from: at, to: at })
  if (problem !== undefined) return [problem]
  // No problem and no attempt means that several attempts agree on absence.
  if (settle) history.settle(found ?? history.begin(undefined, at), at)
  const entry = listed.get(name)
  if ((entry !== undefined) !== (answer.status === 200)) {
    return [`${name} is ${entry ? 'listed' : 'not listed'}, but GET was answered ${answer.status}`]
  }
  if (entry === undefined) return []
  const etag = answer.headers.etag?.replaceAll('"', '')
  if (entry.sizeBytes === answer.body.length && entry.etag === etag) return []
  return [
    `${name} is listed with ${entry.sizeBytes} bytes and ETag ${entry.etag}, ` +
      `but read with ${answer.body.length} and ${etag}`,
  ]
}

interface ListedObject {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: string | undefined
}

async function listAll(client: WireClient, bucket: string): Promise<ListedObject[]> {
  const found: ListedObject[] = []
  let token: string | undefined
  do {
    const { status, body } = await client.send({
      method: 'GET',
      path: `/${bucket}`,
      query: {
        'list-type': '2',
        'max-keys': pageKeys,
        ...(token === undefined ? {} : { 'continuation-token': token }),
      },
    })
    if (status !== 200) throw new Error(`list of ${bucket} was answered ${status} ${body}`)
    for (const [, entry = ''] of body.toString('utf8').matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const etag = xmlText(entry, 'ETag')?.replaceAll('"', '')
      found.push({
        key: xmlText(entry, 'Key') ?? '',
        sizeBytes: Number(xmlText(entry, 'Size')),
        etag,
      })
    }
    token = xmlText(body, 'NextContinuationToken')
  } while (token !== undefined)
  return found
}
