// `holdfast cat`: writes objects to standard output.

import { exitCodes } from '../../base/exit.ts'
import { downloadStream } from './download.ts'
import type { CatConfig } from './inspect-config.ts'
import { withServer } from './session.ts'

/** Writes the objects. */
export async function cat(config: CatConfig): Promise<number> {
  await withServer(config.server, async (session) => {
    for (const name of config.names) await downloadStream(session, name)
  })
  return exitCodes.ok
}
