// `holdfast mv`: renames an object or a folder in its bucket, in one step.

import { RenameObjectCommand } from '@aws-sdk/client-s3'
import { FolderNotFoundError } from 'holdfast-client'
import { CommandError, exitCodes } from '../../base/exit.ts'
import { UsageError } from '../../base/options.ts'
import type { MoveConfig } from './config.ts'
import { formatCount, formatSize } from './format.ts'
import { explainObject } from './hint.ts'
import { countObjects, findObject, type Total } from './listing.ts'
import { isFolder, lastName, type RemoteName, show } from './name.ts'
import { type Session, withServer } from './session.ts'

/** Renames, and prints source and target. */
export async function mv(config: MoveConfig): Promise<number> {
  const { from, isJson } = config
  const to = targetOf(config.from, config.to)
  if (from.bucket !== to.bucket) {
    throw new UsageError(
      'a name changes within its bucket: to another one, `holdfast cp` and then `holdfast rm`',
    )
  }
  if (config.isDryRun) return announce(config, to)
  await withServer(config.server, (session) =>
    isFolder(from) ? moveFolder(session, config, to) : moveObject(session, config, to),
  )
  console.log(
    isJson
      ? JSON.stringify({ moved: { from: show(from), to: show(to) } })
      : `moved ${show(from)} to ${show(to)}`,
  )
  return exitCodes.ok
}

/** Prints what would be renamed, and what it would replace. @throws CommandError for a missing source */
async function announce(config: MoveConfig, to: RemoteName): Promise<number> {
  const { from, isJson } = config
  const [moved, replaced] = await withServer(config.server, async (session) => [
    await countAt(session, from),
    await countAt(session, to),
  ])
  if (moved === undefined || moved.objects === 0) {
    throw new CommandError(`there is nothing at ${show(from)}`)
  }
  const names = { from: show(from), to: show(to) }
  if (isJson) {
    console.log(JSON.stringify({ wouldMove: { ...names, ...moved }, replaced }))
    return exitCodes.ok
  }
  console.log(`would move ${names.from} to ${names.to} (${describe(moved)})`)
  if (replaced !== undefined && replaced.objects > 0) {
    console.log(`there, it would meet ${describe(replaced)}`)
  }
  return exitCodes.ok
}

async function countAt(session: Session, name: RemoteName): Promise<Total | undefined> {
  if (isFolder(name)) return countObjects(session, name)
  const found = await findObject(session, name)
  return found === undefined ? undefined : { objects: 1, bytes: found.sizeBytes }
}

function describe({ objects, bytes }: Total): string {
  return `${formatCount(objects, 'object')}, ${formatSize(bytes)}`
}

/**
 * The target of a rename or copy: the name itself, or for an object, the same name in a target folder.
 * @throws UsageError
 */
export function targetOf(from: RemoteName, to: RemoteName): RemoteName {
  if (!isFolder(from)) {
    return isFolder(to) ? { bucket: to.bucket, key: to.key + lastName(from.key) } : to
  }
  if (from.key === '') throw new UsageError(`s3://${from.bucket} is a bucket: name a folder in it`)
  if (to.key.endsWith('/')) return to
  throw new UsageError(`${show(from)} is a folder; so the target's name ends in / too`)
}

async function moveFolder(
  { folders, signal }: Session,
  { from, isReplacing, isCareful }: MoveConfig,
  to: RemoteName,
): Promise<void> {
  if (isReplacing && isCareful) throw new UsageError('--replace or --no-clobber, not both')
  await folders
    .rename({ bucket: from.bucket, from: from.key, to: to.key }, { replace: isReplacing, signal })
    .catch((error: unknown) => {
      if (!(error instanceof FolderNotFoundError)) throw error
      throw new CommandError(`there is nothing under ${show(from)}`, { cause: error })
    })
}

async function moveObject(
  session: Session,
  { from, isReplacing, isCareful }: MoveConfig,
  to: RemoteName,
): Promise<void> {
  if (isReplacing) throw new UsageError('--replace is for folders; an object is overwritten')
  const command = new RenameObjectCommand({
    Bucket: from.bucket,
    Key: to.key,
    RenameSource: from.key.split('/').map(encodeURIComponent).join('/'),
    ...(isCareful ? { DestinationIfNoneMatch: '*' } : {}),
  })
  try {
    await session.s3.send(command, { abortSignal: session.signal })
  } catch (cause) {
    throw await explainObject(session, { from, to, cause })
  }
}
