// Form uploads by browsers: the signature of the policy, and the policy's conditions on the form.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html

import { s3Limits } from '../../base/limits.ts'
import { isSameSignature, sign } from './canonical.ts'
import { parseCredential } from './credential.ts'
import { SignError } from './error.ts'
import { isoSeconds, parseTimestamp } from './timestamp.ts'
import type { VerifyContext } from './v4.ts'

/** The fields of a form before its file. Names are case-insensitive. */
export interface PostFields {
  /** The value of a field; `name` in lower case. */
  get(name: string): string | undefined
  /** Every field as sent, in order. */
  readonly fields: readonly { readonly name: string; readonly value: string }[]
}

/**
 * Verifies the signature of the policy in a form.
 * @throws SignError InvalidArgument, InvalidFormCredential, InvalidAccessKeyId, SignatureDoesNotMatch,
 *   RequestTimeTooSkewed or InvalidToken
 */
export function verifyPostFields<P>(
  fields: PostFields,
  context: VerifyContext<P>,
): { readonly principal: P; readonly accessKeyId: string } {
  const policy = requiredField(fields, 'policy')
  const algorithm = requiredField(fields, 'x-amz-algorithm')
  const credentialText = requiredField(fields, 'x-amz-credential')
  const signature = requiredField(fields, 'x-amz-signature')
  const timestamp = requiredField(fields, 'x-amz-date')
  if (algorithm !== 'AWS4-HMAC-SHA256') {
    throw new SignError({
      code: 'InvalidArgument',
      argument: 'x-amz-algorithm',
      value: algorithm,
      fault: 'form algorithm',
    })
  }
  const credential = parseCredential(credentialText, context)
  if ('fault' in credential) {
    const { fault } = credential
    throw new SignError({ code: 'InvalidFormCredential', value: credentialText, fault })
  }
  const signedAtMs = parseTimestamp(timestamp)
  if (signedAtMs === undefined || timestamp.slice(0, 8) !== credential.date) {
    throw new SignError({
      code: 'InvalidArgument',
      argument: 'x-amz-date',
      value: timestamp,
      fault: 'form date',
    })
  }
  const token = fields.get('x-amz-security-token')
  if (token !== undefined) throw new SignError({ code: 'InvalidToken', token })
  const { accessKeyId } = credential
  const found = context.lookup(accessKeyId)
  if (found === undefined) throw new SignError({ code: 'InvalidAccessKeyId', accessKeyId })
  const key = context.keys.get(credential, found.secretAccessKey)
  if (!isSameSignature(sign(key, policy), signature)) {
    throw new SignError({
      code: 'SignatureDoesNotMatch',
      accessKeyId,
      stringToSign: policy,
      signature,
    })
  }
  // A form is valid until its policy expires, so only a date in the future is refused.
  if (signedAtMs - context.nowMs > s3Limits.clockSkewMs) {
    throw new SignError({
      code: 'RequestTimeTooSkewed',
      requestTime: isoSeconds(signedAtMs),
      nowMs: context.nowMs,
      maximumMs: s3Limits.clockSkewMs,
    })
  }
  return { principal: found.principal, accessKeyId }
}

/** A required field of a form. @throws SignError InvalidArgument with its name */
export function requiredField(fields: PostFields, name: string): string {
  const value = fields.get(name)
  if (value) return value
  throw new SignError({
    code: 'InvalidArgument',
    argument: name,
    value: '',
    fault: 'missing field',
  })
}

/** The allowed size of the file of a form, in bytes. */
export interface ContentLengthRange {
  readonly minimumBytes: number
  readonly maximumBytes: number
}

type Condition =
  | { readonly kind: 'eq' | 'starts-with'; readonly field: string; readonly value: string }
  | ({ readonly kind: 'content-length-range' } & ContentLengthRange)

interface Policy {
  readonly expiresAtMs: number
  readonly conditions: readonly { readonly condition: Condition; readonly source: string }[]
}

const exemptFields = new Set(['awsaccesskeyid', 'file', 'policy', 'signature', 'x-amz-signature'])

/** The facts that a policy is evaluated on, besides the form. */
export interface PolicySubject {
  readonly bucket: string
  readonly nowMs: number
  readonly template?: PostFields
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: the literal placeholder of forms
export const filenamePlaceholder = '${filename}'

/**
 * Checks a form against its policy. Returns the allowed range of the file's size.
 * @param form the form with the placeholder of the file's name replaced; `bucket` is the bucket of the request,
 *   regardless of the form's field, and `template` the form as sent, if it differs
 * @throws SignError InvalidPolicyDocument for an invalid policy, PolicyNotMet for a form that the policy doesn't allow
 */
export function evaluatePolicy(
  policyBase64: string,
  form: PostFields,
  { bucket, nowMs, template }: PolicySubject,
): ContentLengthRange {
  const policy = parsePolicy(policyBase64)
  if (nowMs >= policy.expiresAtMs) throw notAllowed('Policy expired.')
  const covered = new Set<string>()
  let minimumBytes = 0
  let maximumBytes: number = s3Limits.singlePutBytes
  for (const { condition, source } of policy.conditions) {
    if (condition.kind === 'content-length-range') {
      minimumBytes = Math.max(minimumBytes, condition.minimumBytes)
      maximumBytes = Math.min(maximumBytes, condition.maximumBytes)
      continue
    }
    const actual = condition.field === 'bucket' ? bucket : (form.get(condition.field) ?? '')
    // A policy that repeats a field with the placeholder allows any file name there.
    const isTemplate =
      condition.value.includes(filenamePlaceholder) &&
      holds(condition, template?.get(condition.field) ?? '')
    if (!isTemplate && !holds(condition, actual))
      throw notAllowed(`Policy Condition failed: ${source}`)
    covered.add(condition.field)
  }
  const extra = form.fields.filter(({ name }) => {
    const field = name.toLowerCase()
    return !covered.has(field) && !exemptFields.has(field) && !field.startsWith('x-ignore-')
  })
  // The bucket is in the URL. If the form has it too, both must be equal.
  const named = form.get('bucket')
  if (named !== undefined && named !== bucket) {
    throw notAllowed(`Policy Condition failed: ["eq", "$bucket", "${bucket}"]`)
  }
  const uncovered = new Set(extra.map(({ name }) => name))
  // Without this, a policy without a bucket would apply to all buckets of its signer.
  if (!covered.has('bucket')) uncovered.add('bucket')
  if (uncovered.size > 0) throw notAllowed(`Extra input fields: ${[...uncovered].join(', ')}`)
  return { minimumBytes, maximumBytes }
}

function holds(condition: Exclude<Condition, ContentLengthRange>, actual: string): boolean {
  if (condition.kind === 'eq') return actual === condition.value
  // A browser may send several content types in one field; each must match.
  if (condition.field === 'content-type') {
    return actual.split(',').every((type) => type.trim().startsWith(condition.value))
  }
  return actual.startsWith(condition.value)
}

function parsePolicy(policyBase64: string): Policy {
  const compact = policyBase64.replace(/[\r\n]/g, '')
  if (compact === '') throw invalidPolicy("Expecting '{' but found End-of-Input")
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(compact) || compact.length % 4 === 1) {
    throw invalidPolicy('invalid Base64 encoding.')
  }
  let document: unknown
  try {
    const bytes = Buffer.from(compact, 'base64')
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw invalidPolicy('Invalid JSON.', cause)
  }
  if (!isRecord(document)) throw invalidPolicy("Expecting '{'")
  const { expiration, conditions } = policyMembers(document)
  return { expiresAtMs: parseExpiration(expiration), conditions: conditions.map(parseCondition) }
}

function policyMembers(document: Record<string, unknown>): {
  expiration: unknown
  conditions: unknown[]
} {
  let expiration: unknown
  let conditions: unknown
  for (const [name, value] of Object.entries(document)) {
    // These names are case-sensitive, unlike those of fields.
    if (name === 'expiration') expiration = value
    else if (name === 'conditions') conditions = value
    else throw invalidPolicy(`Unexpected: '${name}'`)
  }
  if (expiration === undefined) throw invalidPolicy('Policy missing expiration.')
  if (conditions === undefined) throw invalidPolicy('Policy missing conditions.')
  if (!Array.isArray(conditions)) {
    throw invalidPolicy("Invalid 'conditions' value: must be a List.")
  }
  return { expiration, conditions }
}

const isoMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

function parseExpiration(value: unknown): number {
  const ms = typeof value === 'string' && isoMoment.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(ms)) throw invalidPolicy(`Invalid 'expiration' value: '${String(value)}'`)
  return ms
}

function parseCondition(value: unknown): { condition: Condition; source: string } {
  if (Array.isArray(value)) return parseListCondition(value)
  if (!isRecord(value)) throw invalidPolicy('Invalid condition test: must be a List or Object.')
  const [entry, ...others] = Object.entries(value)
  if (entry === undefined || others.length > 0) {
    throw invalidPolicy(
      'Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.',
    )
  }
  const [field, expected] = entry
  if (typeof expected !== 'string') {
    throw invalidPolicy('Invalid Simple-Condition: value must be a string.')
  }
  return {
    condition: { kind: 'eq', field: field.toLowerCase(), value: expected },
    source: conditionText('eq', `$${field}`, expected),
  }
}

function parseListCondition(list: readonly unknown[]): { condition: Condition; source: string } {
  const [first, second, third] = list
  if (typeof first !== 'string') {
    throw invalidPolicy('Invalid Condition: missing operation identifier.')
  }
  const kind = first.toLowerCase()
  if (kind !== 'eq' && kind !== 'starts-with' && kind !== 'content-length-range') {
    throw invalidPolicy(`Invalid Condition: unknown operation '${first}'.`)
  }
  if (list.length !== 3) throw invalidPolicy(`Invalid ${first}: wrong number of arguments.`)
  if (kind === 'content-length-range') {
    const minimumBytes = byteBound(second)
    const maximumBytes = byteBound(third)
    if (minimumBytes === undefined || maximumBytes === undefined) {
      throw invalidPolicy(`Invalid ${first}: arguments must be whole numbers.`)
    }
    return { condition: { kind, minimumBytes, maximumBytes }, source: '' }
  }
  if (typeof second !== 'string' || typeof third !== 'string' || !second.startsWith('$')) {
    throw invalidPolicy(`Invalid ${first}: arguments must be a field, as $name, and a string.`)
  }
  return {
    condition: { kind, field: second.slice(1).toLowerCase(), value: third },
    source: conditionText(kind, second, third),
  }
}

/** The text of a failed condition, as in AWS's errors. */
function conditionText(kind: string, field: string, value: string): string {
  return `["${kind}", "${field}", "${value}"]`
}

function byteBound(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0
    ? number
    : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalidPolicy(problem: string, cause?: unknown): SignError {
  return new SignError({ code: 'InvalidPolicyDocument', problem }, { cause })
}

function notAllowed(problem: string): SignError {
  return new SignError({ code: 'PolicyNotMet', problem })
}
