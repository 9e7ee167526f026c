// Suggestions for a name that doesn't exist: usually, a slash is missing or redundant.

import { CommandError } from '../../base/exit.ts'
import { findObject, isFolderWithoutSlash } from './listing.ts'
import { isFolder, type RemoteName, show } from './name.ts'
import type { Session } from './session.ts'

/** The hint for a missing object that a folder of the name exists; empty if none does. */
export async function slashHint(session: Session, name: RemoteName): Promise<string> {
  if (isFolder(name) || !(await isFolderWithoutSlash(session, name))) return ''
  return `; ${show(name)}/ is a folder: write it with its slash`
}

/** The hint for a missing folder that an object of the name exists; empty if none does. */
export async function bareHint(session: Session, { bucket, key }: RemoteName): Promise<string> {
  const bare = { bucket, key: key.slice(0, -1) }
  if (!key.endsWith('/') || bare.key === '') return ''
  const found = await findObject(session, bare)
  return found === undefined ? '' : `; ${show(bare)} is an object: write it without the slash`
}

/** Explains the usual errors of copying or renaming an object. */
export async function explainObject(
  session: Session,
  { from, to, cause }: { from: RemoteName; to: RemoteName; cause: unknown },
): Promise<unknown> {
  if (!(cause instanceof Error)) return cause
  switch (cause.name) {
    case 'NoSuchKey':
    case 'NotFound': {
      const hint = await slashHint(session, from)
      return new CommandError(`there is no object ${show(from)}${hint}`, { cause })
    }
    case 'PreconditionFailed':
      return new CommandError(`there is an object ${show(to)} already`, { cause })
    default:
      return cause
  }
}
