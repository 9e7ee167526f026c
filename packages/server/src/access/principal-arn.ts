// Amazon resource names of owners. An owner is an account whose id is the owner's, with one user, whose name
// is the owner's display name and who has the rights of the account's root.

import type { Principal } from './principal.ts'

/** The ARN of the user whose key made a request. */
export function principalArn({ owner }: Principal): string {
  return `arn:aws:iam::${owner.id}:user/${owner.displayName}`
}
