// A bucket policy that was checked and compiled: what decisions ask of it.

import type { Owner } from '../principal.ts'

/** A compiled policy. It is immutable, and depends on nothing but its text and its bucket's name. */
export interface CompiledPolicy {
  /** True if it grants the public access, by the rules of S3's policy status. */
  readonly isPublic: boolean
  /** The owners that it names as principals by their bare ids, which the caller may compare with known ones. */
  readonly namedOwners: ReadonlySet<Owner['id']>
}

/** The statement that decided. */
export interface StatementName {
  /** From 0, in the order of the document. */
  readonly index: number
  readonly sid?: string | undefined
}
