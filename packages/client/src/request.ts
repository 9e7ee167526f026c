// Extends commands of the SDK: changes are made while the SDK builds the request, so they are
// signed. The SDK's retries, credentials and TLS stay in effect.

import type { S3Client } from '@aws-sdk/client-s3'
import type { BuildMiddleware, DeserializeMiddleware, MiddlewareStack } from '@smithy/types'
import { NotHoldfastError } from './errors.ts'

/** A request as the SDK builds it, before it is signed. */
export interface OutgoingRequest {
  method: string
  headers: Record<string, string>
  query: Record<string, string | string[] | null>
  body?: unknown
}

/** A response before the SDK reads it. */
export interface IncomingAnswer {
  statusCode: number
  headers: Record<string, string>
  body?: unknown
}

/** Calls `change` on each request of a command or client before it is signed. */
export function onRequest<Input extends object, Output extends object>(
  stack: MiddlewareStack<Input, Output>,
  change: (request: OutgoingRequest, input: Input, commandName: string | undefined) => void,
): void {
  const middleware: BuildMiddleware<Input, Output> = (next, context) => async (args) => {
    if (!isRequest(args.request))
      throw new TypeError('Unsupported version of the SDK: unexpected request')
    change(args.request, args.input, context.commandName)
    return next(args)
  }
  // Runs before the SDK's own steps of this stage, one of which measures the body.
  stack.add(middleware, { step: 'build', priority: 'high' })
}

/** Calls `look` on each response of a command before the SDK reads it. */
export function onAnswer<Input extends object, Output extends object>(
  stack: MiddlewareStack<Input, Output>,
  look: (answer: IncomingAnswer) => void | Promise<void>,
): void {
  const middleware: DeserializeMiddleware<Input, Output> = (next) => async (args) => {
    const result = await next(args)
    if (!isAnswer(result.response))
      throw new TypeError('Unsupported version of the SDK: unexpected response')
    await look(result.response)
    return result
  }
  stack.add(middleware, { step: 'deserialize', priority: 'low' })
}

/** Reads the body of a successful response as JSON. @throws NotHoldfastError */
export async function takeJson(s3: S3Client, answer: IncomingAnswer): Promise<unknown> {
  const bytes: Uint8Array = await s3.config.streamCollector(answer.body)
  // The SDK reads the body afterwards, so leave it an empty one.
  answer.body = new Uint8Array()
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new NotHoldfastError('The response is not JSON: this server does not support leases', {
      cause,
    })
  }
}

/** Percent-encodes a key for a header, except for its slashes. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}

/** The options of the SDK's `send`. */
export function sendOptions(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

function isRequest(request: unknown): request is OutgoingRequest {
  return hasHeaders(request) && 'method' in request && 'query' in request
}

function isAnswer(answer: unknown): answer is IncomingAnswer {
  return hasHeaders(answer) && 'statusCode' in answer
}

function hasHeaders(value: unknown): value is { headers: Record<string, string> } {
  return typeof value === 'object' && value !== null && 'headers' in value
}
