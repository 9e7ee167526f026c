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
  /** The request's headers by lower-case name. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
}
