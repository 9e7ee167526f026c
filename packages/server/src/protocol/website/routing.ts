// Where a website leads a request: to a key, or by a redirect to another place.

import type { Redirect, RoutingRule, Website } from '../../operation/website.ts'

/** A visitor's request. */
export interface Visit {
  readonly key: string
  /** The query with its '?', as it was sent; '' for none. */
  readonly query: string
  readonly scheme: string
  /** Host and port that the visitor used. */
  readonly host: string
}

/** An answer that leads elsewhere. */
export interface Redirection {
  readonly status: number
  readonly location: string
}

type Documents = Extract<Website, { readonly kind: 'documents' }>

/** The key of the document that a request asks for: in a folder, its index. */
export function documentKey({ indexSuffix }: Documents, key: string): string {
  return key === '' || key.endsWith('/') ? key + indexSuffix : key
}

/** The redirect of every request of a website. */
export function redirectAll(
  { hostName, scheme }: Extract<Website, { readonly kind: 'redirect' }>,
  visit: Visit,
): Redirection {
  const path = encodeKey(visit.key)
  const location = `${scheme ?? visit.scheme}://${hostName}/${path}${visit.query}`
  return { status: 301, location }
}

/**
 * The redirect of the first rule that applies: before the document is looked up, of those without an error as
 * condition; after it failed with `errorStatus`, of those with that status.
 */
export function redirectByRule(
  { rules }: Documents,
  visit: Visit,
  errorStatus?: number,
): Redirection | undefined {
  const rule = rules.find(
    ({ keyPrefix = '', errorStatus: expected }) =>
      expected === errorStatus && visit.key.startsWith(keyPrefix),
  )
  return rule === undefined ? undefined : redirection(rule, visit)
}

function redirection({ keyPrefix = '', redirect }: RoutingRule, visit: Visit): Redirection {
  const { scheme = visit.scheme, hostName = visit.host, status = 301 } = redirect
  const path = replacedKey(redirect, keyPrefix, visit.key)
  return { status, location: `${scheme}://${hostName}/${path}` }
}

function replacedKey({ replacement }: Redirect, keyPrefix: string, key: string): string {
  if (replacement === undefined) return encodeKey(key)
  const text = printable(replacement.text)
  return replacement.of === 'key' ? text : text + encodeKey(key.slice(keyPrefix.length))
}

/** The redirect from a folder's name without its '/' to the folder. */
export function redirectToFolder({ key, query }: Visit): Redirection {
  return { status: 302, location: `/${encodeKey(key)}/${query}` }
}

/** A key as the path of a URL. */
function encodeKey(key: string): string {
  return key.toWellFormed().split('/').map(encodeURIComponent).join('/')
}

/** Configured text, which may have a '?' or '#' of its own, without what no header can carry. */
function printable(text: string): string {
  return text.toWellFormed().replace(/[^!-~]/gu, encodeURIComponent)
}
