// The executable specification: a bucket as a flat map of keys, and the settings that say what a stranger may
// do there. An operation includes its result, so the model can tell whether that result was possible.

import type { Model } from './linearize.ts'

/** The result of an operation that changes folders. */
export type FolderAnswer = 'done' | 'missing' | 'exists' | 'invalid'

/** An operation with its result. Values are the objects' contents; listings show them too. */
export type Op = ObjectOp | AccessOp

type ObjectOp =
  | {
      readonly kind: 'put'
      readonly key: string
      readonly value: string
      readonly tag?: string | undefined
    }
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

/** An operation on tags or settings, or one of a stranger. */
type AccessOp =
  /** Gives an object a tag, or takes it away if empty; false if there was no such object. */
  | {
      readonly kind: 'put tag'
      readonly key: string
      readonly tag: string
      readonly isThere: boolean
    }
  /** Reads the tag of an object; empty for one without a tag. */
  | { readonly kind: 'get tag'; readonly key: string; readonly found: string | undefined }
  /** Allows everyone to read and to write below a folder, or nobody. */
  | { readonly kind: 'put policy'; readonly folder: string | undefined }
  | { readonly kind: 'get policy'; readonly found: string | undefined }
  /** Makes a public policy count or not. */
  | { readonly kind: 'put block'; readonly isRestricting: boolean }
  | { readonly kind: 'get block'; readonly isRestricting: boolean }
  /** A stranger's read; `refused` for an object that isn't there, too. */
  | { readonly kind: 'stranger get'; readonly key: string; readonly found: string | 'refused' }
  | {
      readonly kind: 'stranger put'
      readonly key: string
      readonly value: string
      readonly isAllowed: boolean
    }

/** Objects by key: content and tag. Beside them the settings, under names that no key has. */
export type State = ReadonlyMap<string, string>

const settings = { policy: '\0policy', block: '\0block' } as const

/** What stands between an object's content and its tag. */
const tagMark = '\0'

function contentOf(object: string): string {
  return object.split(tagMark)[0] ?? ''
}

function withTag(content: string, tag = ''): string {
  return tag === '' ? content : content + tagMark + tag
}

function tagOf(object: string): string {
  return object.split(tagMark)[1] ?? ''
}

/** True if the policy allows a stranger what it allows for this key, and no block withdraws it. */
function isOpen(state: State, key: string): boolean {
  const folder = state.get(settings.policy)
  return folder !== undefined && key.startsWith(folder) && !state.has(settings.block)
}

/** S3 orders by UTF-8; for the ASCII keys used here, JavaScript's order is the same. */
function under(state: State, prefix: string): [string, string][] {
  return [...state]
    .filter(([key]) => key.startsWith(prefix) && !key.startsWith('\0'))
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
    const item = slash < 0 ? `${key} ${contentOf(value)}` : key.slice(0, slash + 1)
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
        return changed(state, (next) => next.set(op.key, withTag(op.value, op.tag)))
      case 'get':
        return found(state, op.key) === op.found ? state : undefined
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
        const files = under(state, op.folder).map(
          ([key, value]) => `${key.slice(op.folder.length)} ${contentOf(value)}`,
        )
        const expected = files.length === 0 ? undefined : files
        if (expected === undefined || op.found === undefined) {
          return expected === op.found ? state : undefined
        }
        return sameList(expected, op.found) ? state : undefined
      }
      default:
        return accessStep(state, op)
    }
  },
  key: (state) => JSON.stringify([...state].sort()),
}

function accessStep(state: State, op: AccessOp): State | undefined {
  switch (op.kind) {
    case 'put tag': {
      const object = state.get(op.key)
      if ((object !== undefined) !== op.isThere) return undefined
      if (object === undefined) return state
      return changed(state, (next) => next.set(op.key, withTag(contentOf(object), op.tag)))
    }
    case 'get tag': {
      const object = state.get(op.key)
      return (object === undefined ? undefined : tagOf(object)) === op.found ? state : undefined
    }
    case 'put policy':
      return changed(state, (next) => {
        if (op.folder === undefined) next.delete(settings.policy)
        else next.set(settings.policy, op.folder)
      })
    case 'get policy':
      return state.get(settings.policy) === op.found ? state : undefined
    case 'put block':
      return changed(state, (next) => {
        if (op.isRestricting) next.set(settings.block, 'restricting')
        else next.delete(settings.block)
      })
    case 'get block':
      return state.has(settings.block) === op.isRestricting ? state : undefined
    case 'stranger get': {
      const expected = isOpen(state, op.key) ? found(state, op.key) : undefined
      return (expected ?? 'refused') === op.found ? state : undefined
    }
    case 'stranger put':
      if (isOpen(state, op.key) !== op.isAllowed) return undefined
      return op.isAllowed ? changed(state, (next) => next.set(op.key, op.value)) : state
  }
}

/** The content of an object. */
function found(state: State, key: string): string | undefined {
  const object = state.get(key)
  return object === undefined ? undefined : contentOf(object)
}
