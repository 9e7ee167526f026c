// `holdfast rm`: objects, and folders with all that is in them. It doesn't ask for confirmation; a final slash means a folder.

import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { CommandError, exitCodes } from '../../base/exit.ts'
import type { RemoveConfig } from './config.ts'
import { slashHint } from './hint.ts'
import { findObject } from './listing.ts'
import { isFolder, type RemoteName, show } from './name.ts'
import { type Session, withServer } from './session.ts'

/** Removes one after the other; a missing one ends the command. */
export async function rm(config: RemoveConfig): Promise<number> {
  await withServer(config.server, async (session) => {
    for (const name of config.names) {
      await remove(session, name)
      console.log(config.isJson ? JSON.stringify({ removed: show(name) }) : `removed ${show(name)}`)
    }
  })
  return exitCodes.ok
}

async function remove(session: Session, name: RemoteName): Promise<void> {
  const { s3, folders, signal } = session
  if (isFolder(name)) {
    await folders.remove({ bucket: name.bucket, folder: name.key }, { signal })
    return
  }
  if ((await findObject(session, name)) === undefined) {
    throw new CommandError(`there is no object ${show(name)}${await slashHint(session, name)}`)
  }
  const command = new DeleteObjectCommand({ Bucket: name.bucket, Key: name.key })
  await s3.send(command, { abortSignal: signal })
}
