// A client of the export API for tests: JSON, signed with Version 4.

import { createHash, createHmac } from 'node:crypto'
import type { SigningKey } from '../wire.ts'

/** A response with its JSON. */
export interface JsonAnswer {
  readonly status: number
  readonly type: string | null
  readonly fields: Readonly<Record<string, unknown>>
}

/** Calls an action on the server at a port of this machine. */
export async function callExport(
  port: number,
  { accessKeyId, secretAccessKey }: SigningKey,
  action: string,
  input: Readonly<Record<string, unknown>>,
): Promise<JsonAnswer> {
  const body = JSON.stringify(input)
  const timestamp = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '')
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
  const scope = `${timestamp.slice(0, 8)}/us-east-1/sdb/aws4_request`
  const host = `127.0.0.1:${port}`
  const names = 'host;x-amz-date'
  const canonical = `POST\n/v2/${action}\n\nhost:${host}\nx-amz-date:${timestamp}\n\n${names}\n${sha256(body)}`
  const key = scope
    .split('/')
    .reduce<string | Buffer>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${secretAccessKey}`,
    )
  const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const answer = await fetch(`http://${host}/v2/${action}`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-amz-date': timestamp,
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    },
  })
  const fields: unknown = await answer.json()
  if (typeof fields !== 'object' || fields === null) throw new Error(`${action}: no object`)
  return {
    status: answer.status,
    type: answer.headers.get('x-amzn-errortype'),
    fields: { ...fields },
  }
}
