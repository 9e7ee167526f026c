// Examines a port: free, a Holdfast server, or another program.

import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { createServer } from 'node:net'
import { systemCode } from '../base/exit.ts'
import { bad, type Diagnosis, ok, warn } from './diagnosis.ts'
import type { Holder } from './lock.ts'

const answerMs = 2000

/** Examines whether a server could listen on the port, or which program answers there. */
export async function examinePort(facts: {
  readonly host: string
  readonly port: number
  /** The server that holds the data folder. */
  readonly holder: Holder | undefined
}): Promise<Diagnosis> {
  const { host, port, holder } = facts
  const address = `${host}:${port}`
  const refusal = await tryListen(host, port)
  switch (refusal) {
    case undefined:
      return ok(`port ${address} is free`)
    case 'EADDRINUSE':
      break
    case 'EACCES':
      return bad(`this user may not listen at ${address}: take a port above 1023`)
    default:
      return bad(`${address} can't be listened at (${refusal}): check --host`)
  }
  const answer = (await ask('http', host, port)) ?? (await ask('https', host, port))
  if (answer === undefined) {
    return bad(
      `a program is at port ${address}, but gives no answer: stop it, or take another port`,
    )
  }
  if (!answer.isHoldfast) {
    return bad(`another program answers at port ${address}: stop it, or take another port`)
  }
  if (holder?.endpoint?.endsWith(`:${port}`) !== true) {
    return bad(
      `the Holdfast server of another folder answers at port ${address}: take another port`,
    )
  }
  return answer.status === 200
    ? ok(`the server of this folder answers at port ${address}`)
    : warn(`the server of this folder, at port ${address}, is stopping`)
}

/** Tries to listen. Returns the error's code; undefined if the port is free. */
async function tryListen(host: string, port: number): Promise<string | undefined> {
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  server.once('error', (error) => resolve(systemCode(error) ?? error.message))
  server.listen({ host, port, exclusive: true }, () => resolve(undefined))
  const refusal = await promise
  if (refusal === undefined) await new Promise<void>((done) => server.close(() => done()))
  return refusal
}

interface Answer {
  readonly status: number
  readonly isHoldfast: boolean
}

async function ask(
  scheme: 'http' | 'https',
  host: string,
  port: number,
): Promise<Answer | undefined> {
  const request = scheme === 'http' ? requestPlain : requestTls
  // The certificate may be for an unknown name. Nothing secret is sent.
  const options = { host, port, path: '/_/health', agent: false, rejectUnauthorized: false }
  return new Promise((resolve) => {
    const outgoing = request({ ...options, timeout: answerMs }, (answer) => {
      answer.resume()
      const isHoldfast = answer.headers['server'] === 'Holdfast'
      resolve({ status: answer.statusCode ?? 0, isHoldfast })
    })
    outgoing.once('timeout', () => outgoing.destroy())
    outgoing.once('error', () => resolve(undefined))
    outgoing.end()
  })
}
