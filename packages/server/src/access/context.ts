// The facts about a request on which a decision about access may depend.

import type { Principal } from './principal.ts'

/** One request as access sees it. Calls from inside the server have no network facts. */
export interface RequestContext {
  /** Undefined for an anonymous request. */
  readonly principal: Principal | undefined
  /** The client's IP address. */
  readonly sourceIp?: string | undefined
  /** True if the request came over TLS. */
  readonly isSecure?: boolean
  /**
   * The request's headers by lower-case name. The parameters of a presigned URL and the fields of a form
   * that act as headers are among them.
   */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The parameters of the URL. */
  readonly query?: { get(name: string): string | undefined } | undefined
  /** Undefined for an anonymous request. */
  readonly signature?: SignatureFacts | undefined
  /** The tags that the request sets, by key. Parsed on first use. */
  requestTags?(): Readonly<Record<string, string>>
}

/** The signature of a request. */
export interface SignatureFacts {
  readonly version: 'AWS4-HMAC-SHA256' | 'AWS'
  readonly authType: 'REST-HEADER' | 'REST-QUERY-STRING' | 'POST'
  /** Milliseconds since the epoch at which the request, URL or form was signed; undefined if not told. */
  readonly signedAt?: number | undefined
}
