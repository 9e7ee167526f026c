// The entry of every process of the program. Little is loaded before the role is known: a worker, or a command.

import cluster from 'node:cluster'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { endWhenAsked } from './signals.ts'

/** Milliseconds after the start at which compiled code is saved for the next start. */
const cacheAfterMs = 3000

/** Caches compiled code beside the program, since compiling takes most of the time of a start. */
function keepCompiledCode(): void {
  enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/holdfast', import.meta.url)))
  // By default, Node saves the code at exit, which a killed process never reaches.
  setTimeout(flushCompileCache, cacheAfterMs).unref()
}

if (!cluster.isWorker && process.argv[2] === 'serve') endWhenAsked()
keepCompiledCode()
// The reader of the output may close the pipe early.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
if (cluster.isWorker) {
  const { runWorker } = await import('./worker/worker.ts')
  runWorker()
} else {
  const { runCommand } = await import('./command.ts')
  process.exit(await runCommand(process.argv.slice(2)))
}
