// Access keys: the format of the credentials file, and the lookup of a key's owner.

import {
  DocumentError,
  fields,
  list,
  matching,
  optional,
  parseDocument,
  text,
} from '../base/document.ts'
import { accessKeyIdForm } from './key-id.ts'
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

const accessKeyForm = fields({
  accessKeyId: matching(accessKeyIdForm, 'may have letters, digits, and - _ . only, at most 128'),
  secretAccessKey: text,
  owner: fields({ id: text, displayName: optional(text) }),
})

const credentialsForm = list(
  accessKeyForm,
  'expected a list: [{"accessKeyId": …, "secretAccessKey": …}, …]',
)

/** Parses a credentials file; the first entry is the root key. @throws CredentialsError */
export function parseCredentials(file: string): readonly AccessKey[] {
  const keys = entriesOf(file)
  if (keys.length === 0) throw new CredentialsError('the list is empty: the server needs a key')
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

/** Finds an owner by its id. */
export type OwnerLookup = (id: string) => Owner | undefined

/** Creates a lookup of the owners of keys. */
export function createOwnerLookup(keys: readonly AccessKey[]): OwnerLookup {
  const known = new Map(keys.map(({ owner }) => [owner.id, owner]))
  return (id) => known.get(id)
}

function entriesOf(file: string): readonly AccessKey[] {
  try {
    return parseDocument(credentialsForm, file).map(
      ({ owner: { id, displayName = id }, ...key }) => ({
        ...key,
        owner: { id, displayName },
      }),
    )
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    throw new CredentialsError(error.message, { cause: error })
  }
}
