// One request about the server itself, with its response as text.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { StoreError } from '../../base/errors.ts'
import type { Log } from '../../observe/log.ts'
import { type Circumstances, Exchange } from '../http/exchange.ts'
import { checkHead } from '../http/head.ts'
import { sendText } from '../http/respond.ts'
import { AdminError, headProblem } from './error.ts'
import type { AdminRoute } from './table.ts'

/** The state that all exchanges share. */
export interface AdminContext {
  readonly log: Log
  readonly routes: readonly AdminRoute[]
  /** True for requests that arrive during shutdown. */
  readonly isStopping: boolean
}

interface Text {
  readonly status: number
  readonly type: string
  readonly text: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}

interface Problem extends Text {
  readonly isFault: boolean
}

/** The exchange of one request. */
export class AdminExchange extends Exchange<Text, Problem> {
  readonly #context: AdminContext

  constructor(
    context: AdminContext,
    request: IncomingMessage,
    response: ServerResponse,
    circumstances: Circumstances,
  ) {
    super(request, response, circumstances, context.log)
    this.#context = context
  }

  protected async answer(): Promise<Text> {
    checkHead(this.request, this.response)
    const { isStopping } = this.#context
    const { name, type, headers, answer } = this.#route()
    this.operation = name
    const { host } = this.request.headers
    const { isSecure } = this.circumstances.client
    const { status, text } = await answer({ isStopping, host, isSecure })
    if (status === 503) this.response.shouldKeepAlive = false
    return { status, type, text, headers }
  }

  #route(): AdminRoute {
    const { method, url = '' } = this.request
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const wanted = method === 'HEAD' ? 'GET' : method
    for (const route of this.#context.routes) {
      if (route.method === wanted && route.path === path) return route
    }
    throw wanted === 'GET' ? new AdminError(404, 'nothing here') : new AdminError(405, 'only GET')
  }

  protected send(answer: Text): number {
    return sendText(this.response, answer)
  }

  protected report(error: unknown): Problem {
    const type = 'text/plain'
    if (error instanceof AdminError) {
      return { status: error.status, type, text: `${error.message}\n`, isFault: false }
    }
    const problem = error instanceof StoreError ? headProblem(error.refusal) : undefined
    if (problem !== undefined) return { status: 400, type, text: `${problem}\n`, isFault: false }
    const text = `error ${this.circumstances.requestId}\n`
    return { status: 500, type, text, isFault: true }
  }

  protected sendError(problem: Problem): number {
    return this.send(problem)
  }
}
