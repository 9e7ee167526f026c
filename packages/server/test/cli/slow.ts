// A PUT whose body stays unfinished until the test ends it: a request in progress.

import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { TestServer } from '../harness.ts'
import { objectPath, signedHeaders, WireClient } from '../wire.ts'

/** An upload that waits in the middle. */
export interface SlowPut {
  readonly request: ClientRequest
  /** Sends the rest and resolves to the status of the answer. */
  finish(): Promise<number>
}

/** Creates a bucket. */
export async function makeBucket(server: TestServer, bucket: string): Promise<void> {
  const client = new WireClient(server)
  const { status } = await client.send({ method: 'PUT', path: `/${bucket}` })
  client.close()
  if (status !== 200) throw new Error(`no bucket: ${status}`)
}

/** Begins a PUT, and resolves once the server has asked for its body. */
export async function beginSlowPut(
  server: TestServer,
  bucket: string,
  key: string,
): Promise<SlowPut> {
  const path = objectPath(bucket, key)
  const { host, port } = server
  const headers = signedHeaders(server, {
    method: 'PUT',
    host: `${host}:${port}`,
    path,
    date: new Date(),
  })
  const outgoing = request({
    host,
    port,
    method: 'PUT',
    path,
    headers: { ...headers, 'content-length': 10, expect: '100-continue' },
    agent: false,
  })
  const answered = once(outgoing, 'response')
  // A caller that only lets the server die does not wait for the answer.
  answered.catch(() => undefined)
  outgoing.flushHeaders()
  await once(outgoing, 'continue')
  outgoing.write('first')
  return {
    request: outgoing,
    async finish() {
      outgoing.end('later')
      const [answer]: IncomingMessage[] = await answered
      answer?.resume()
      return answer?.statusCode ?? 0
    },
  }
}
