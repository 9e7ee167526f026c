// The executable specification: a bucket as a flat map of keys. An operation includes its result,
// so the model can tell whether that result was possible.

import type { Model } from './linearize.ts'

/** The result of an operation that changes folders. */
export type FolderAnswer = 'done' | 'missing' | 'exists' | 'invalid'

/** An operation with its result. Values are the objects' contents; listings show them too. */
export type Op =
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  | { readonly kind: 'get'; readonly key: string; readonly found: string | undefined }
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

/** Keys and their values. */
export type State = ReadonlyMap<string, string>

/** S3 orders by UTF-8; for the ASCII keys used here, JavaScript's order is the same. */
function under(state: State, prefix: string): [string, string][] {
  return [...state]
    .filter(([key]) => key.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

function changed(state: State, change: (next: Map<string, string>) => void): State {
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
  for (const [key, value] of under(state, prefix)) {
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
    for (const [key, value] of source) next.set(to + key.slice(from.length), value)
  })
}

/** A bucket as a flat map. */
export const flatMap: Model<Op, State> = {
  step(state, op) {
    switch (op.kind) {
      case 'put':
        return changed(state, (next) => next.set(op.key, op.value))
      case 'get':
        return state.get(op.key) === op.found ? state : undefined
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
          ([key, value]) => `${key.slice(op.folder.length)} ${value}`,
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
