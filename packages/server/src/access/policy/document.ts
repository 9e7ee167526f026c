// Reads the JSON of a policy into its elements, which are then compiled one by one.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

import { s3Limits } from '../../base/limits.ts'
import { isRecord, malformed } from './fault.ts'

/** The elements of a policy. */
export interface PolicyDocument {
  readonly version: string
  /** True if the language has policy variables in this version. */
  readonly hasVariables: boolean
  readonly statements: readonly Readonly<Record<string, unknown>>[]
}

const versions = ['2008-10-17', '2012-10-17'] as const

/** Parses a policy. @throws StoreError `MalformedPolicy` */
export function parsePolicy(text: string): PolicyDocument {
  if (!text.startsWith('{')) throw malformed({ kind: 'not an object' })
  const document = parseJson(text)
  if (!isRecord(document)) throw malformed({ kind: 'not an object' })
  const size = Buffer.byteLength(text.replace(jsonSpace, '$<text>'))
  const maximumBytes = s3Limits.policyBytes
  if (size > maximumBytes) throw malformed({ kind: 'too large', maximumBytes })
  checkElements(document, ['Version', 'Id', 'Statement'])
  const { Version: version = versions[0], Id: id = '', Statement: statement } = document
  if (version !== versions[0] && version !== versions[1]) {
    throw malformed({ kind: 'invalid version' })
  }
  if (typeof id !== 'string') throw malformed({ kind: 'invalid syntax' })
  if (statement === undefined) throw malformed({ kind: 'missing element', element: 'Statement' })
  return { version, hasVariables: version === versions[1], statements: statementsOf(statement) }
}

function statementsOf(value: unknown): PolicyDocument['statements'] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0) throw malformed({ kind: 'no statement' })
  return list.map((statement) => {
    if (!isRecord(statement)) throw malformed({ kind: 'invalid syntax' })
    return statement
  })
}

/** Refuses elements that the language doesn't have. @throws StoreError `MalformedPolicy` */
export function checkElements(
  block: Readonly<Record<string, unknown>>,
  known: readonly string[],
): void {
  const element = Object.keys(block).find((name) => !known.includes(name))
  if (element !== undefined) throw malformed({ kind: 'unknown element', element })
}

function parseJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw malformed({ kind: 'invalid JSON' }, { cause: error })
  }
  if (hasRepeatedKey(text)) throw malformed({ kind: 'invalid JSON' })
  return value
}

/** White space of valid JSON, or a text of it, which is kept. */
const jsonSpace = /(?<text>"[^"\\]*(?:\\.[^"\\]*)*")|\s+/g
/** A key with its colon, another text, or a brace. */
const jsonToken = /"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?|[{}]/g

/** True if an object of valid JSON has a key twice; `JSON.parse` would keep the last one silently. */
function hasRepeatedKey(text: string): boolean {
  const open: Set<string>[] = []
  for (const [token] of text.matchAll(jsonToken)) {
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (token.endsWith(':')) {
      const key: unknown = JSON.parse(token.slice(0, -1))
      const keys = open.at(-1)
      if (typeof key !== 'string' || keys === undefined) continue
      if (keys.has(key)) return true
      keys.add(key)
    }
  }
  return false
}
