// Cross-origin resource sharing: which requests of other origins' pages a bucket's rules allow.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html

/** The methods that a rule can allow. */
export const corsMethods = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'] as const

export type CorsMethod = (typeof corsMethods)[number]

/** One rule of a bucket, as it was configured. */
export interface CorsRule {
  readonly id?: string | undefined
  /** Each with at most one `*`, which stands for any text. */
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly CorsMethod[]
  /** In any case, each with at most one `*`. */
  readonly allowedHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  readonly maxAgeSeconds?: number | undefined
}

/** A request from a page of another origin, or the request that asks whether such a one is allowed. */
export interface CrossOrigin {
  readonly origin: string
  /** The method of the request itself, or the one that a preflight request asks for. */
  readonly method: string
  /** The headers that a preflight request asks for, in lower case. */
  readonly headers: readonly string[]
}

/** The rule that allows a request. */
export interface CorsMatch {
  readonly rule: CorsRule
  /** True if the rule allows every origin, so that no credentials of the browser may go along. */
  readonly isForAll: boolean
}

/** The rules of a bucket in the form in which they are compared. */
export interface CompiledCors {
  /** Header names are in lower case. */
  readonly rules: readonly CorsRule[]
}

export function compileCors(rules: readonly CorsRule[]): CompiledCors {
  const lower = (name: string): string => name.toLowerCase()
  return {
    rules: rules.map((rule) => ({ ...rule, allowedHeaders: rule.allowedHeaders.map(lower) })),
  }
}

/** The first rule that allows the request; undefined if none does. */
export function matchCors({ rules }: CompiledCors, asked: CrossOrigin): CorsMatch | undefined {
  for (const rule of rules) {
    const allowed = rule.allowedOrigins.find((pattern) => matchesPattern(pattern, asked.origin))
    if (allowed === undefined) continue
    if (!rule.allowedMethods.some((method) => method === asked.method)) continue
    if (!asked.headers.every((header) => isAllowedHeader(rule, header))) continue
    return { rule, isForAll: allowed === '*' }
  }
  return undefined
}

function isAllowedHeader({ allowedHeaders }: CorsRule, header: string): boolean {
  return allowedHeaders.some((pattern) => matchesPattern(pattern, header))
}

/** True if `text` is `pattern`, whose only `*`, if there is one, stands for any text. */
function matchesPattern(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === text
  const end = pattern.slice(star + 1)
  const isLongEnough = text.length >= pattern.length - 1
  return isLongEnough && text.startsWith(pattern.slice(0, star)) && text.endsWith(end)
}
