// The Resource and NotResource elements: patterns of `arn:aws:s3:::bucket` and `arn:aws:s3:::bucket/key`.

import type { Resource } from '../resource.ts'
import type { ResourceKind } from './action.ts'
import { unknownValue } from './context-key.ts'
import { malformed } from './fault.ts'
import type { Glob } from './glob.ts'
import { type Pattern, patternOf } from './pattern.ts'
import type { PolicyRequest } from './request.ts'
import { some, type Truth } from './truth.ts'

/** The resources that a statement names. */
export interface ResourcePattern {
  /** True if a bucket, or an object, can be among them. */
  hasKind(kind: ResourceKind): boolean
  /** True if the resource is among them; a prefix only if all keys below it are. */
  contains(request: PolicyRequest): Truth
  /**
   * True if the resource is among them; a prefix already if one key below it can be. A pattern with a variable
   * that has no value matches nothing, or everything if `unresolved` is true.
   */
  meets(request: PolicyRequest, unresolved?: boolean): Truth
}

const s3Arn = /^arn:aws[\w-]*:s3:::/

/** Compiles a Resource or NotResource element. @throws StoreError `MalformedPolicy` */
export function resourcesOf(
  entries: readonly string[],
  bucket: string,
  hasVariables: boolean,
): ResourcePattern {
  const patterns = entries.map((entry) => {
    const arn = s3Arn.exec(entry)
    const path = arn === null ? '' : entry.slice(arn[0].length)
    const pattern = patternOf(path, { hasWildcards: true, hasVariables })
    const kinds = kindsOf(pattern, path, bucket, hasVariables)
    if (kinds.length === 0) throw malformed({ kind: 'invalid resource' })
    return { pattern, kinds }
  })
  const any = (
    request: PolicyRequest,
    test: (glob: Glob, path: string) => boolean,
    unresolved = false,
  ): Truth => {
    const path = pathOf(request.resource)
    return some(patterns, ({ pattern }) => {
      const glob = pattern.resolve(request)
      if (glob === unknownValue) return unknownValue
      return glob === undefined ? unresolved : test(glob, path)
    })
  }
  return {
    hasKind: (kind) => patterns.some(({ kinds }) => kinds.includes(kind)),
    contains: (request) => {
      const isPrefix = request.resource.kind === 'below'
      return any(request, (glob, path) =>
        isPrefix ? glob.containsAllBelow(path) : glob.matches(path),
      )
    },
    meets: (request, unresolved) => {
      const isPrefix = request.resource.kind === 'below'
      const test = (glob: Glob, path: string): boolean =>
        isPrefix ? glob.meetsAnyBelow(path) : glob.matches(path)
      return any(request, test, unresolved)
    },
  }
}

/** The kinds of resources of `bucket` that a pattern can match: none for a pattern of other buckets. */
function kindsOf(
  pattern: Pattern,
  path: string,
  bucket: string,
  hasVariables: boolean,
): readonly ResourceKind[] {
  if (path === '') return []
  if (pattern.fixed !== undefined) {
    if (path === bucket) return ['bucket']
    return path.startsWith(`${bucket}/`) ? ['object'] : []
  }
  // A variable can have any value, so it counts as a star here.
  const widest = hasVariables ? path.replace(/\$\{[^}*?$][^}]*\}/g, '*') : path
  const glob = patternOf(widest, { hasWildcards: true, hasVariables }).resolve(noRequest)
  if (glob === undefined || glob === unknownValue) return []
  const kinds: ResourceKind[] = []
  if (glob.matches(bucket)) kinds.push('bucket')
  if (glob.meetsAnyBelow(`${bucket}/`)) kinds.push('object')
  return kinds
}

const noRequest: PolicyRequest = {
  context: { principal: undefined },
  action: '',
  resource: { kind: 'account' },
  nowMs: 0,
}

/** The part of a resource's ARN that names it; for a prefix, that of the prefix. */
function pathOf(resource: Resource): string {
  switch (resource.kind) {
    case 'account':
      return ''
    case 'bucket':
      return resource.bucket
    case 'key':
      return `${resource.bucket}/${resource.key}`
    case 'below':
      return `${resource.bucket}/${resource.prefix}`
  }
}
