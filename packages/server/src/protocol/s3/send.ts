// Sends an answer, whose body is in memory or is read while it is sent.

import type { ServerResponse } from 'node:http'
import type { RequestBody } from '../http/body.ts'
import { sendFixed, sendStream } from '../http/respond.ts'
import type { Answer } from './answer.ts'

/**
 * Sends `answer`, and returns the bytes of body sent. A streamed body is closed in any case.
 * @param options.unread the request's body where it may not have been read to its end
 */
export async function sendAnswer(
  response: ServerResponse,
  { status, headers, body }: Answer,
  { signal, unread }: { readonly signal: AbortSignal; readonly unread: RequestBody | undefined },
): Promise<number> {
  if (typeof body !== 'object' || body instanceof Uint8Array) {
    return sendFixed(response, { status, headers }, body, unread)
  }
  const { content, sizeBytes } = body
  try {
    const options = { length: sizeBytes, signal }
    return await sendStream(response, { status, headers }, content.source, options)
  } finally {
    await content.close()
  }
}
