// The reasons for which a bucket policy is malformed.

export type PolicyFault =
  /** The first byte isn't that of a JSON object. */
  | { readonly kind: 'not an object' }
  /** Invalid JSON, or an object that has a key twice. */
  | { readonly kind: 'invalid JSON' }
  | { readonly kind: 'too large'; readonly maximumBytes: number }
  /** A value of a wrong type, or elements that exclude each other. */
  | { readonly kind: 'invalid syntax' }
  | { readonly kind: 'invalid version' }
  | { readonly kind: 'no statement' }
  | { readonly kind: 'missing element' | 'unknown element'; readonly element: string }
  | { readonly kind: 'invalid effect'; readonly effect: string }
  | { readonly kind: 'repeated Sid' | 'empty principal' | 'allow with NotPrincipal' }
  /** `principal`: as in the policy, `"AWS" : "…"`. */
  | { readonly kind: 'invalid principal'; readonly principal: string }
  | { readonly kind: 'invalid action' | 'invalid resource' }
  /** An action for which no resource of its statement has the right kind. */
  | { readonly kind: 'action without resource' }
  | { readonly kind: 'invalid operator'; readonly operator: string }
  | { readonly kind: 'invalid condition key'; readonly key: string }
  | { readonly kind: 'invalid condition value'; readonly value: string }
  /** A condition key that one of the statement's actions doesn't have. */
  | { readonly kind: 'inapplicable condition' }
