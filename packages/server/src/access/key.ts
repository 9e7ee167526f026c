// Access keys: the format of the credentials file, and the lookup of a key's owner.

import type { Owner, Principal } from './principal.ts'

export interface AccessKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly owner: Owner
}

/** The result of a lookup by access key id. */
export interface KnownKey {
  readonly secretAccessKey: string
  readonly principal: Principal
}

/** The credentials file is invalid. The message names the place and contains no secret. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError'
}

/** Parses a credentials file; the first entry is the root key. @throws CredentialsError */
export function parseCredentials(text: string): readonly AccessKey[] {
  const entries = parseJson(text)
  if (!Array.isArray(entries)) {
    throw new CredentialsError('expected a list: [{"accessKeyId": …, "secretAccessKey": …}, …]')
  }
  if (entries.length === 0) throw new CredentialsError('the list is empty: the server needs a key')
  const keys = entries.map((entry, index) => parseEntry(entry, `entry ${index + 1}`))
  const seen = new Map<string, number>()
  for (const [index, { accessKeyId }] of keys.entries()) {
    const first = seen.get(accessKeyId)
    if (first !== undefined) {
      throw new CredentialsError(
        `entries ${first + 1} and ${index + 1} have the same accessKeyId, ${accessKeyId}`,
      )
    }
    seen.set(accessKeyId, index)
  }
  return keys
}

/** Creates a lookup of keys by their id. */
export function createKeyLookup(
  keys: readonly AccessKey[],
): (accessKeyId: string) => KnownKey | undefined {
  const known = new Map<string, KnownKey>()
  for (const { accessKeyId, secretAccessKey, owner } of keys) {
    known.set(accessKeyId, { secretAccessKey, principal: { accessKeyId, owner } })
  }
  return (accessKeyId) => known.get(accessKeyId)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // V8 may quote the text around a syntax error, and that text may be a secret.
    const [problem] = error.message.split(/, (?:\.\.\.)?"/)
    // biome-ignore lint/style/useErrorCause: for the same reason, since causes are logged.
    throw new CredentialsError(`not JSON: ${problem}`)
  }
}

function parseEntry(entry: unknown, where: string): AccessKey {
  const fields = parseObject(entry, where)
  const accessKeyId = parseText(fields, 'accessKeyId', where)
  if (!/^[\w.-]{1,128}$/.test(accessKeyId)) {
    throw new CredentialsError(
      `${where}: "accessKeyId" may have letters, digits, and - _ . only, at most 128`,
    )
  }
  const secretAccessKey = parseText(fields, 'secretAccessKey', where)
  const owner = parseObject(fields['owner'], `${where}: "owner"`)
  const id = parseText(owner, 'id', `${where}: "owner"`)
  const displayName =
    owner['displayName'] === undefined ? id : parseText(owner, 'displayName', `${where}: "owner"`)
  return { accessKeyId, secretAccessKey, owner: { id, displayName } }
}

function parseObject(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new CredentialsError(`${where} must be an object: {…}`)
}

function parseText(fields: Readonly<Record<string, unknown>>, name: string, where: string): string {
  const value = fields[name]
  if (typeof value === 'string' && value !== '' && value.length <= 1024) return value
  throw new CredentialsError(`${where}: "${name}" must be a text of 1 to 1,024 characters`)
}
