// One statement of a bucket policy, compiled: whether it applies to a request.

import { actionsMatching, kindOfAction } from './action.ts'
import { type Condition, conditionsOf } from './condition.ts'
import { checkElements } from './document.ts'
import { malformed } from './fault.ts'
import { type PrincipalPattern, principalsOf } from './principal-pattern.ts'
import type { PolicyRequest } from './request.ts'
import { type ResourcePattern, resourcesOf } from './resource-pattern.ts'
import { every, not, type Truth } from './truth.ts'

/** A compiled statement. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  readonly sid: string | undefined
  /** Of Principal or NotPrincipal; an Allow has only the first. */
  readonly principals: PrincipalPattern
  readonly conditions: readonly Condition[]
  /**
   * True if it applies to the request. A Deny applies to a prefix if it can apply to one key below, an Allow
   * only if it applies to all.
   */
  applies(request: PolicyRequest): Truth
}

const elements = [
  ...['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource'],
  ...['NotResource', 'Condition'],
]

interface Scope {
  readonly bucket: string
  readonly hasVariables: boolean
}

type Block = Readonly<Record<string, unknown>>

/** Compiles a statement of the policy of `bucket`. @throws StoreError `MalformedPolicy` */
export function statementOf(block: Block, scope: Scope): Statement {
  checkElements(block, elements)
  const effect = effectOf(block)
  const sid = block['Sid']
  if (sid !== undefined && typeof sid !== 'string') throw malformed({ kind: 'invalid syntax' })
  const principal = oneOf(block, 'Principal', 'NotPrincipal')
  // It would name everybody else, anonymous requests included.
  if (principal.isNot && effect === 'Allow') throw malformed({ kind: 'allow with NotPrincipal' })
  const action = oneOf(block, 'Action', 'NotAction')
  const resource = oneOf(block, 'Resource', 'NotResource')
  const principals = principalsOf(principal.value)
  const actions = actionsOf(textsOf(action.value, 'invalid action'))
  const resources = resourcesOf(
    textsOf(resource.value, 'invalid resource'),
    scope.bucket,
    scope.hasVariables,
  )
  const condition = block['Condition']
  const conditions =
    condition === undefined
      ? []
      : conditionsOf(condition, { effect, hasVariables: scope.hasVariables })
  if (!action.isNot) checkCombination(actions, resources, resource.isNot, conditions)
  return compiled({
    effect,
    sid,
    principals,
    conditions,
    principal,
    action,
    resource,
    actions,
    resources,
  })
}

interface Element {
  readonly value: unknown
  readonly isNot: boolean
}

interface Parts {
  readonly effect: Statement['effect']
  readonly sid: string | undefined
  readonly principals: PrincipalPattern
  readonly conditions: readonly Condition[]
  readonly principal: Element
  readonly action: Element
  readonly resource: Element
  readonly actions: readonly (readonly string[])[]
  readonly resources: ResourcePattern
}

function compiled(parts: Parts): Statement {
  const { effect, sid, principals, conditions, principal, action, resource, resources } = parts
  const actions = new Set(parts.actions.flat())
  const isAllow = effect === 'Allow'
  const covers = (request: PolicyRequest): Truth => {
    if (!resource.isNot) return isAllow ? resources.contains(request) : resources.meets(request)
    // Without a variable's value, an Allow leaves out everything, and a Deny nothing.
    return not(isAllow ? resources.meets(request, true) : resources.contains(request))
  }
  return {
    effect,
    sid,
    principals,
    conditions,
    applies(request) {
      if (actions.has(request.action) === action.isNot) return false
      if (principals.matches(request.context.principal) === principal.isNot) return false
      const covered = covers(request)
      if (covered === false) return false
      const holds = every(conditions, (condition) => condition.holds(request))
      return holds === true ? covered : holds
    },
  }
}

function effectOf(block: Block): Statement['effect'] {
  const effect = block['Effect']
  if (effect === undefined) throw malformed({ kind: 'missing element', element: 'Effect' })
  if (effect === 'Allow' || effect === 'Deny') return effect
  throw typeof effect === 'string'
    ? malformed({ kind: 'invalid effect', effect })
    : malformed({ kind: 'invalid syntax' })
}

/** An element, or its negation, of which a statement has exactly one. */
function oneOf(block: Block, name: string, notName: string): Element {
  const value = block[name]
  const notValue = block[notName]
  if (value !== undefined && notValue !== undefined) throw malformed({ kind: 'invalid syntax' })
  if (value !== undefined) return { value, isNot: false }
  if (notValue !== undefined) return { value: notValue, isNot: true }
  throw malformed({ kind: 'missing element', element: name })
}

function textsOf(value: unknown, kind: 'invalid action' | 'invalid resource'): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0) throw malformed({ kind })
  return list.map((item) => {
    if (typeof item !== 'string') throw malformed({ kind: 'invalid syntax' })
    return item
  })
}

function actionsOf(entries: readonly string[]): readonly (readonly string[])[] {
  return entries.map((entry) => {
    const matched = actionsMatching(entry)
    if (matched.length === 0) throw malformed({ kind: 'invalid action' })
    return matched
  })
}

/** Each entry must match an action to which a resource and all conditions of the statement can apply. */
function checkCombination(
  entries: readonly (readonly string[])[],
  resources: ResourcePattern,
  isNotResource: boolean,
  conditions: readonly Condition[],
): void {
  for (const actions of entries) {
    const applicable = actions.filter((action) => {
      const kind = kindOfAction(action)
      return kind !== undefined && (isNotResource || resources.hasKind(kind))
    })
    if (applicable.length === 0) throw malformed({ kind: 'action without resource' })
    const hasAll = applicable.some((action) => conditions.every(({ key }) => key.appliesTo(action)))
    if (!hasAll) throw malformed({ kind: 'inapplicable condition' })
  }
}
