// Finds the route of a request, and refuses headers that request unimplemented features, since clients would
// take silence for success.

import type { Address } from './address.ts'
import type { Route } from './answer.ts'
import { headerNotImplemented, invalidArgument, S3Error } from './error.ts'
import { recursiveHeader, renameSourceHeader } from './folder.ts'
import { leaseHeader, type S3Request } from './request.ts'
import { copyRoutes, folderRoutes, type Level, type Routes, renameRoutes, table } from './table.ts'

/** The kind of resource that an address names. */
function levelOf({ bucket, key }: Pick<Address, 'bucket' | 'key'>): Level {
  if (key !== '') return 'OBJECT'
  return bucket === '' ? 'SERVICE' : 'BUCKET'
}

/** Parameters that name an operation only together with another. */
const companions: ReadonlySet<string> = new Set(['partNumber'])

/** Every parameter that names an operation on a bucket or object, with any method. */
const subresources: Readonly<Record<Level, ReadonlySet<string>>> = {
  SERVICE: new Set(),
  BUCKET: namesOf(table.BUCKET),
  OBJECT: namesOf(table.OBJECT),
}

function namesOf(methods: Readonly<Record<string, Routes>>): ReadonlySet<string> {
  return new Set(Object.values(methods).flatMap((routes) => Object.keys(routes)))
}

/**
 * The route of a request.
 * @throws S3Error `MethodNotAllowed`, `InvalidArgument` for contradictory parameters
 */
export function detect({
  method,
  query,
  headers,
  ...address
}: Pick<S3Request, 'method' | 'query' | 'headers' | 'bucket' | 'key'>): Route {
  const level = levelOf(address)
  const routes = table[level][method]
  if (routes === undefined) throw methodNotAllowed(level, method)
  const mark = query.parameters.length === 0 ? '' : markOf(query.parameters, routes, level)
  const found = Object.hasOwn(routes, mark) ? routes[mark] : undefined
  if (found === undefined) throw methodNotAllowed(level, method)
  return variantOf(found, headers)
}

/** The variant of a route that headers select, such as a copy instead of a put. */
function variantOf(found: Route, headers: S3Request['headers']): Route {
  const isRecursive = headers[recursiveHeader] !== undefined
  if (headers['x-amz-copy-source'] !== undefined) {
    const copy = copyRoutes.get(found) ?? found
    return isRecursive ? (folderRoutes.get(copy) ?? copy) : copy
  }
  // Amazon's own examples of RenameObject leave the parameter out.
  if (headers[renameSourceHeader] !== undefined) return renameRoutes.get(found) ?? found
  return isRecursive ? (folderRoutes.get(found) ?? found) : found
}

/** The parameter that names the operation; '' if there is none. @throws S3Error `InvalidArgument` */
function markOf(
  parameters: S3Request['query']['parameters'],
  routes: Routes,
  level: Level,
): string {
  let mark = ''
  for (const { name } of parameters) {
    if (!subresources[level].has(name) || name === mark) continue
    // For GET, a part number selects a part of an object; for PUT, it belongs to the address of an upload's part.
    if (companions.has(name) && (mark !== '' || !Object.hasOwn(routes, name))) continue
    if (mark !== '' && !companions.has(mark)) {
      throw invalidArgument(
        `Conflicting query string parameters: ${mark}, ${name}`,
        'ResourceType',
        name,
      )
    }
    mark = name
  }
  return mark
}

/** The error for a method that the resource doesn't have. */
function methodNotAllowed(level: Level, method: string): S3Error {
  return new S3Error({
    status: 405,
    code: 'MethodNotAllowed',
    message: 'The specified method is not allowed against this resource.',
    fields: { Method: method, ResourceType: level },
  })
}

/** The methods of a level, for the Allow header of a 405. */
export function allowedMethods(level: string | undefined): string {
  const methods = level === 'BUCKET' || level === 'OBJECT' ? table[level] : table.SERVICE
  return Object.keys(methods).join(', ')
}

/** Headers of unimplemented features, each with the values that request the default behavior. */
const demanding: ReadonlyMap<string, readonly string[]> = new Map([
  ['x-amz-acl', ['private', 'bucket-owner-full-control']],
  ['x-amz-object-lock-legal-hold', ['OFF']],
  ['x-amz-object-lock-mode', []],
  ['x-amz-object-lock-retain-until-date', []],
  ['x-amz-rename-source', []],
  ['x-amz-tagging', ['']],
  ['x-amz-website-redirect-location', []],
  ['x-amz-write-offset-bytes', []],
])

const demandingPrefixes = [
  'x-amz-grant-',
  'x-amz-server-side-encryption',
  'x-amz-copy-source-server-side-encryption',
  'x-holdfast-',
]

/**
 * Refuses headers that request unimplemented features, except those that the route `accepts`.
 * @param ownerId the caller's owner, to whom a header may grant all rights
 * @throws S3Error `NotImplemented`
 */
export function refuseDemands(
  headers: S3Request['headers'],
  { accepts, isLeased }: Pick<Route, 'accepts' | 'isLeased'> = {},
): void {
  for (const name in headers) {
    if (!name.startsWith('x-') || accepts?.has(name) === true) continue
    if (name === leaseHeader && isLeased === true) continue
    const harmless = demanding.get(name)
    const isHarmless = harmless?.includes(String(headers[name])) ?? false
    const isForeign = demandingPrefixes.some((prefix) => name.startsWith(prefix))
    if (isForeign || (harmless !== undefined && !isHarmless)) throw headerNotImplemented(name)
  }
}
