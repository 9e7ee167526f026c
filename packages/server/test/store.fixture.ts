// A store opened in this process, without a server.

import { type OpenServices, openServices, type ServiceOptions } from '../src/compose.ts'
import { silentLog } from '../src/observe/log.ts'
import { silentMetrics } from '../src/observe/metrics.ts'

/** Opens the store in `dataFolder`, without logs, metrics or a sweeper unless `options` have them. */
export function openStore(
  dataFolder: string,
  options: Partial<ServiceOptions> = {},
): Promise<OpenServices> {
  return openServices({
    dataFolder,
    region: 'us-east-1',
    log: silentLog,
    metrics: silentMetrics,
    isSweeping: false,
    ...options,
  })
}
