// The part of a question about access that a policy looks at.

import type { RequestContext } from '../context.ts'
import type { Resource } from '../resource.ts'

export interface PolicyRequest {
  readonly context: RequestContext
  /** An IAM name, such as `s3:GetObject`. */
  readonly action: string
  readonly resource: Resource
  readonly bucket?: { readonly ownerId: string; readonly region: string } | undefined
  /** Undefined before the object was looked up, and where many objects are meant. */
  readonly object?: { readonly tags: Readonly<Record<string, string>> } | 'absent' | undefined
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}
