// Opens a store shared with a server and other programs: for embedding and for commands.

import { resolve } from 'node:path'
import { makeFolders } from './base/folder.ts'
import { FolderLock } from './cli/lock.ts'
import { type OpenServices, openServices, type ServiceOptions } from './compose.ts'

/**
 * As {@link openServices}, for a folder that is shared as long as the services are open.
 * @throws CommandError `refused` while a server that doesn't share has the folder
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
