// Texts of a policy with wildcards and policy variables: `${aws:username}`, `${key, 'default'}`, and the
// escapes `${*}`, `${?}` and `${$}`.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html

import { type ContextKey, contextKey, type Unknown, unknownValue } from './context-key.ts'
import { anyText, anyUnit, type Glob, type GlobPart, globOf } from './glob.ts'
import type { PolicyRequest } from './request.ts'

/** The features of a text. */
export interface Syntax {
  readonly hasWildcards: boolean
  /** Variables have been part of the language since version 2012-10-17. */
  readonly hasVariables: boolean
  /** True if letters count as their lower case. */
  readonly ignoresCase?: boolean
}

/** A compiled text. */
export interface Pattern {
  /** The text if it has neither wildcards nor variables; its case is ignored if the syntax says so. */
  readonly fixed: string | undefined
  /** The glob for a request. It is undefined if a variable has no value, so that nothing matches. */
  resolve(request: PolicyRequest): Glob | undefined | Unknown
}

type Part = GlobPart | Variable

interface Variable {
  readonly key: ContextKey | undefined
  readonly fallback: string | undefined
}

/** Compiles a text. Unknown variables never have a value. */
export function patternOf(text: string, syntax: Syntax): Pattern {
  const parts = partsOf(text, syntax)
  const constant = parts.filter((part) => typeof part !== 'object')
  if (constant.length === parts.length) {
    const glob = globOf(constant)
    return { fixed: glob.fixed, resolve: () => glob }
  }
  return {
    fixed: undefined,
    resolve(request) {
      const resolved = parts.map((part) =>
        typeof part === 'object' ? textOf(part, request, syntax) : part,
      )
      if (resolved.includes(unknownValue)) return unknownValue
      const known = resolved.filter((part) => part !== undefined && part !== unknownValue)
      return known.length === resolved.length ? globOf(known) : undefined
    },
  }
}

const variable = /\$\{(?:([*?$])|([^\s,{}]+)\s*(?:,\s*'([^']*)')?\s*)\}/y

function partsOf(text: string, syntax: Syntax): Part[] {
  const { hasWildcards, hasVariables, ignoresCase = false } = syntax
  const parts: Part[] = []
  let literal = ''
  const push = (part: Part): void => {
    if (literal !== '') parts.push(ignoresCase ? literal.toLowerCase() : literal)
    literal = ''
    parts.push(part)
  }
  for (let at = 0; at < text.length; at++) {
    const unit = text.charAt(at)
    variable.lastIndex = at
    const found = hasVariables && unit === '$' ? variable.exec(text) : null
    if (found !== null) {
      const [all, escaped, name = '', fallback] = found
      if (escaped === undefined) push({ key: contextKey(name), fallback })
      else literal += escaped
      at += all.length - 1
    } else if (hasWildcards && unit === '*') push(anyText)
    else if (hasWildcards && unit === '?') push(anyUnit)
    else literal += unit
  }
  if (literal !== '') parts.push(ignoresCase ? literal.toLowerCase() : literal)
  return parts
}

/** The value is a literal text: wildcards in it have no meaning. */
function textOf(
  { key, fallback }: Variable,
  request: PolicyRequest,
  { ignoresCase = false }: Syntax,
): string | undefined | Unknown {
  const value = key?.valueOf(request)
  if (value === unknownValue) return unknownValue
  // A variable needs one value; lists can't be used.
  const text = typeof value === 'string' ? value : fallback
  return ignoresCase ? text?.toLowerCase() : text
}
