// Opens a store shared with a server and other programs: for embedding and for commands.

import { resolve } from 'node:path'
import { prepareDataFolder } from './cli/data-folder.ts'
import { FolderLock } from './cli/lock.ts'
import { type OpenServices, openServices, type ServiceOptions } from './compose.ts'

/**
 * As {@link openServices}, for a folder that is shared as long as the services are open. `given` as in
 * `examineDataFolder`.
 * @throws CommandError if the folder is foreign or unusable, or while a server that doesn't share has it
 */
export async function openShared(
  options: ServiceOptions,
  given: readonly (string | undefined)[] = [],
): Promise<OpenServices> {
  await prepareDataFolder(resolve(options.dataFolder), given)
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
