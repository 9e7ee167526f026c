// Opens a store beside a server, and beside other programs: for those that embed it, and for commands.

import { resolve } from 'node:path'
import { makeFolders } from './base/folder.ts'
import { FolderLock } from './cli/lock.ts'
import { type OpenServices, openServices, type ServiceOptions } from './compose.ts'

/**
 * As {@link openServices}, of a folder that is shared for as long as they are open.
 * @throws CommandError `refused` while a server has it that doesn't share
 */
export async function openShared(options: ServiceOptions): Promise<OpenServices> {
  await makeFolders(resolve(options.dataFolder))
  const lock = FolderLock.share(options.dataFolder)
  try {
    const store = await openServices(options)
    return {
      ...store,
      async close() {
        await store.close()
        lock.leave()
      },
    }
  } catch (error) {
    lock.leave()
    throw error
  }
}
