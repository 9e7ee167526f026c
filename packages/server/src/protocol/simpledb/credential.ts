// Checks of a request's credentials before any key is looked up: their service, and the form of their ids.

import type { IncomingMessage } from 'node:http'
import type { Target } from '../http/request.ts'
import { authFailed, invalidAuthorization, SimpleDbError } from './error.ts'
import type { Parameter } from './parameters.ts'

const accessKeyForm = /^[\w.-]{1,128}$/

/**
 * Refuses a request that isn't signed with Version 4, and a credential of another service.
 * @throws SimpleDbError `InvalidHTTPAuthHeader`, `InvalidService`
 */
export function checkCredential(
  { headers }: Pick<IncomingMessage, 'headers'>,
  target: Target,
): void {
  if (headers.authorization && !/^AWS4-HMAC-SHA256 +\S/.test(headers.authorization)) {
    throw invalidAuthorization()
  }
  const credential = credentialIn(headers.authorization) ?? credentialOf(target)
  const [, , , service, ...rest] = credential?.split('/') ?? []
  // Other forms are refused when the signature is verified.
  if (service === undefined || service === '' || service === 'sdb' || rest.length !== 1) return
  throw new SimpleDbError({
    status: 400,
    code: 'InvalidService',
    message: `The Web Service ${service} does not exist.`,
  })
}

/**
 * Refuses an access key id of invalid form, and a request with two different ids.
 * @throws SimpleDbError `AuthFailure`
 */
export function checkAccessKey(
  parameters: readonly Parameter[],
  authorization: string | undefined,
): void {
  const given = parameters.filter(({ name }) => name === 'AWSAccessKeyId')
  const ids = new Set(given.map(({ value }) => value))
  const [inHeader] = credentialIn(authorization)?.split('/') ?? []
  if (inHeader !== undefined) ids.add(inHeader)
  if (ids.size > 1) throw authFailed()
  for (const id of ids) if (id !== '' && !accessKeyForm.test(id)) throw authFailed()
}

function credentialIn(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /\bCredential=([^,\s]+)/.exec(authorization)?.[1]
}

function credentialOf({ query }: Target): string | undefined {
  return query.get('X-Amz-Credential')
}
