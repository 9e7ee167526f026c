// The executable specification: a bucket as a flat map of keys. An operation includes its result,
// so the model can tell whether that result was possible.

import type { Model } from './linearize.ts'

/** The result of an operation that changes folders. */
export type FolderAnswer = 'done' | 'missing' | 'exists' | 'invalid'

/**
 * An operation with its result. Values are the objects' contents; listings show them too. An object has one tag
 * at most.
 */
export type Op =
  | {
      readonly kind: 'put'
      readonly key: string
      readonly value: string
      readonly tag?: string | undefined
    }
  | {
      readonly kind: 'get'
      readonly key: string
      readonly found: string | undefined
      /** Undefined for a read that doesn't tell. */
      readonly isTagged?: boolean | undefined
    }
  | {
      readonly kind: 'tag'
      readonly key: string
      /** Undefined to remove it. */
      readonly tag: string | undefined
      readonly answer: 'done' | 'missing'
    }
  | {
      readonly kind: 'tags'
      readonly key: string
      readonly answer: 'done' | 'missing'
      readonly found?: string | undefined
    }
  | { readonly kind: 'delete'; readonly key: string }
  | {
      readonly kind: 'list'
      readonly prefix: string
      readonly isGrouped: boolean
      /** `key value`, or a common prefix, in order. */
      readonly found: readonly string[]
    }
  | {
      readonly kind: 'rename' | 'copy'
      readonly from: string
      readonly to: string
      readonly replace: boolean
      readonly answer: FolderAnswer
    }
  | { readonly kind: 'delete folder'; readonly folder: string }
  | {
      readonly kind: 'archive'
      readonly folder: string
      /** `rest-of-key value`, in order; undefined if there was no such folder. */
      readonly found: readonly string[] | undefined
    }

/** An object. */
export interface Stored {
  readonly value: string
  readonly tag?: string | undefined
}

/** Keys and their objects. */
export type State = ReadonlyMap<string, Stored>

/** S3 orders by UTF-8; for the ASCII keys used here, JavaScript's order is the same. */
function under(state: State, prefix: string): [string, Stored][] {
  return [...state]
    .filter(([key]) => key.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

function changed(state: State, change: (next: Map<string, Stored>) => void): State {
  const next = new Map(state)
  change(next)
  return next
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

/** The listing of `state`. */
export function listed(state: State, prefix: string, isGrouped: boolean): string[] {
  const found: string[] = []
  for (const [key, { value }] of under(state, prefix)) {
    const slash = isGrouped ? key.indexOf('/', prefix.length) : -1
    const item = slash < 0 ? `${key} ${value}` : key.slice(0, slash + 1)
    if (found.at(-1) !== item) found.push(item)
  }
  return found
}

function moved(state: State, op: Extract<Op, { kind: 'rename' | 'copy' }>): State | undefined {
  const { kind, from, to, replace, answer } = op
  const isInvalid = kind === 'rename' ? to.startsWith(from) : to === from
  const source = under(state, from)
  const target = under(state, to)
  let expected: FolderAnswer = 'done'
  if (isInvalid) expected = 'invalid'
  else if (source.length === 0) expected = 'missing'
  else if (target.length > 0 && !replace) expected = 'exists'
  if (answer !== expected) return undefined
  if (answer !== 'done') return state
  return changed(state, (next) => {
    if (kind === 'rename') for (const [key] of source) next.delete(key)
    for (const [key] of target) next.delete(key)
    for (const [key, stored] of source) next.set(to + key.slice(from.length), stored)
  })
}

function isFound(stored: Stored | undefined, op: Extract<Op, { kind: 'get' }>): boolean {
  if (stored?.value !== op.found) return false
  return op.isTagged === undefined || op.isTagged === (stored?.tag !== undefined)
}

function tagged(state: State, op: Extract<Op, { kind: 'tag' }>): State | undefined {
  const stored = state.get(op.key)
  if (op.answer !== (stored === undefined ? 'missing' : 'done')) return undefined
  if (stored === undefined) return state
  return changed(state, (next) => next.set(op.key, { value: stored.value, tag: op.tag }))
}

/** A bucket as a flat map. */
export const flatMap: Model<Op, State> = {
  step(state, op) {
    switch (op.kind) {
      case 'put':
        return changed(state, (next) => next.set(op.key, { value: op.value, tag: op.tag }))
      case 'get':
        return isFound(state.get(op.key), op) ? state : undefined
      case 'tag':
        return tagged(state, op)
      case 'tags': {
        const stored = state.get(op.key)
        const answer = stored === undefined ? 'missing' : 'done'
        return answer === op.answer && stored?.tag === op.found ? state : undefined
      }
      case 'delete':
        return changed(state, (next) => next.delete(op.key))
      case 'list':
        return sameList(listed(state, op.prefix, op.isGrouped), op.found) ? state : undefined
      case 'rename':
      case 'copy':
        return moved(state, op)
      case 'delete folder':
        return changed(state, (next) => {
          for (const [key] of under(state, op.folder)) next.delete(key)
        })
      case 'archive': {
        const found = under(state, op.folder).map(
          ([key, { value }]) => `${key.slice(op.folder.length)} ${value}`,
        )
        const expected = found.length === 0 ? undefined : found
        if (expected === undefined || op.found === undefined) {
          return expected === op.found ? state : undefined
        }
        return sameList(expected, op.found) ? state : undefined
      }
    }
  },
  key: (state) => JSON.stringify(under(state, '')),
}
