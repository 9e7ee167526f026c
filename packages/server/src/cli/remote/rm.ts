// `holdfast rm`: removes objects, and folders with their contents, without confirmation. A final slash means a folder.

import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { CommandError, exitCodes } from '../../base/exit.ts'
import type { RemoveConfig } from './config.ts'
import { formatCount, formatSize } from './format.ts'
import { slashHint } from './hint.ts'
import { countObjects, findObject, type Total } from './listing.ts'
import { isFolder, type RemoteName, show } from './name.ts'
import { type Session, withServer } from './session.ts'

/** Removes the names in order. A missing one ends the command. */
export async function rm(config: RemoveConfig): Promise<number> {
  await withServer(config.server, async (session) => {
    for (const name of config.names) {
      if (config.isDryRun) await announce(session, name, config.isJson)
      else {
        await remove(session, name)
        console.log(
          config.isJson ? JSON.stringify({ removed: show(name) }) : `removed ${show(name)}`,
        )
      }
    }
  })
  return exitCodes.ok
}

/** Counts the objects to be removed. @throws CommandError for a missing object */
async function announce(session: Session, name: RemoteName, isJson: boolean): Promise<void> {
  const total = isFolder(name) ? await countObjects(session, name) : await countOne(session, name)
  if (isJson) console.log(JSON.stringify({ wouldRemove: show(name), ...total }))
  else {
    const content = `${formatCount(total.objects, 'object')}, ${formatSize(total.bytes)}`
    console.log(`would remove ${show(name)} (${content})`)
  }
}

async function countOne(session: Session, name: RemoteName): Promise<Total> {
  const found = await findObject(session, name)
  if (found === undefined) throw await absent(session, name)
  return { objects: 1, bytes: found.sizeBytes }
}

async function absent(session: Session, name: RemoteName): Promise<CommandError> {
  return new CommandError(`there is no object ${show(name)}${await slashHint(session, name)}`)
}

async function remove(session: Session, name: RemoteName): Promise<void> {
  const { s3, folders, signal } = session
  if (isFolder(name)) {
    await folders.remove({ bucket: name.bucket, folder: name.key }, { signal })
    return
  }
  if ((await findObject(session, name)) === undefined) throw await absent(session, name)
  const command = new DeleteObjectCommand({ Bucket: name.bucket, Key: name.key })
  await s3.send(command, { abortSignal: signal })
}
