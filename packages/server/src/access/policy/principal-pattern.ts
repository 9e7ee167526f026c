// The Principal and NotPrincipal elements. An owner is an account with one user; see principal-arn.ts.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html

import type { Principal } from '../principal.ts'
import { isRecord, malformed } from './fault.ts'

/** The principals that a statement names. */
export interface PrincipalPattern {
  /** True if it names everybody, also those without a key. */
  readonly isEveryone: boolean
  /** The owners named by a bare id. */
  readonly bareIds: readonly string[]
  /** Undefined is the maker of an anonymous request. */
  matches(principal: Principal | undefined): boolean
}

/** One principal; a service, a role or a federated user is never the maker of a request here. */
type Named =
  | { readonly kind: 'everyone' }
  | { readonly kind: 'account'; readonly id: string; readonly isBare: boolean }
  | { readonly kind: 'user'; readonly account: string; readonly name: string }
  | { readonly kind: 'never' }

const never: Named = { kind: 'never' }

/** Compiles a Principal or NotPrincipal element. @throws StoreError `MalformedPolicy` */
export function principalsOf(element: unknown): PrincipalPattern {
  return patternOf(element === '*' ? [{ kind: 'everyone' }] : namedIn(element))
}

function namedIn(element: unknown): readonly Named[] {
  if (typeof element === 'string') throw invalid('AWS', element)
  if (!isRecord(element)) throw malformed({ kind: 'invalid syntax' })
  const named = Object.entries(element).flatMap(([type, value]) => {
    const parse = parsers.get(type)
    if (parse === undefined) throw invalid(type, String(value))
    const list: readonly unknown[] = Array.isArray(value) ? value : [value]
    return list.map((item) => {
      if (typeof item !== 'string') throw malformed({ kind: 'invalid syntax' })
      const principal = parse(item)
      if (principal === undefined) throw invalid(type, item)
      return principal
    })
  })
  if (named.length === 0) throw malformed({ kind: 'empty principal' })
  return named
}

function invalid(type: string, value: string): Error {
  return malformed({ kind: 'invalid principal', principal: `"${type}" : "${value}"` })
}

const parsers: ReadonlyMap<string, (text: string) => Named | undefined> = new Map([
  ['AWS', parseAws],
  [
    'CanonicalUser',
    (text) => (isId(text) ? { kind: 'account', id: text, isBare: true } : undefined),
  ],
  ['Service', (text) => (/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(text) ? never : undefined)],
  ['Federated', (text) => (/^[\w.:/@+=,-]+$/.test(text) ? never : undefined)],
])

const iamArn = /^arn:aws[\w-]*:(iam|sts)::([^:]*):(.+)$/s

function parseAws(text: string): Named | undefined {
  if (text === '*') return { kind: 'everyone' }
  const arn = iamArn.exec(text)
  if (arn === null) return isId(text) ? { kind: 'account', id: text, isBare: true } : undefined
  const [, service, account = '', resource = ''] = arn
  if (/[*?]/.test(account) || /[*?]/.test(resource)) return undefined
  const [kind = '', ...path] = resource.split('/')
  const name = path.at(-1) ?? ''
  if (service === 'sts')
    return /^(?:assumed-role|federated-user)$/.test(kind) && name ? never : undefined
  if (resource === 'root') {
    return account === '' ? undefined : { kind: 'account', id: account, isBare: false }
  }
  if (name === '') return undefined
  if (kind === 'role') return account === '' ? undefined : never
  if (kind !== 'user') return undefined
  // Some servers name users without an account; here that is an owner by its id.
  if (account === '') return { kind: 'account', id: name, isBare: true }
  return { kind: 'user', account, name: path.join('/') }
}

/** True for a text that can be an owner's id, and that isn't meant as an ARN or a wildcard. */
function isId(text: string): boolean {
  return text !== '' && text.length <= 1024 && !/[*?]/.test(text) && !text.startsWith('arn:')
}

function patternOf(named: readonly Named[]): PrincipalPattern {
  const isEveryone = named.some(({ kind }) => kind === 'everyone')
  const accounts = named.filter((item) => item.kind === 'account')
  const accountIds = new Set(accounts.map(({ id }) => id))
  const users = named.filter((item) => item.kind === 'user')
  return {
    isEveryone,
    bareIds: accounts.flatMap(({ id, isBare }) => (isBare ? [id] : [])),
    matches(principal) {
      if (isEveryone) return true
      if (principal === undefined) return false
      const { id, displayName } = principal.owner
      return (
        accountIds.has(id) ||
        users.some(({ account, name }) => account === id && (name === displayName || name === id))
      )
    },
  }
}
