// The reference for durable writes: 4 KiB rows committed directly to LMDB, opened with the server's
// options. Arguments: folder, concurrent writers, milliseconds. Prints commits per second.

import { open } from 'lmdb'
import { bodyOf } from '../test/crash/content.ts'

const [folder = '', writers = '1', durationMs = '1000'] = process.argv.slice(2)
const value = bodyOf('bench', 4096)

const store = open<Buffer, number>({ path: folder, encoding: 'binary', overlappingSync: false })
const started = performance.now()
const deadline = started + Number(durationMs)
let commits = 0
const writer = async (): Promise<void> => {
  while (performance.now() < deadline) {
    commits += 1
    const key = commits
    await store.transaction(() => store.put(key, value))
  }
}
await Promise.all(Array.from({ length: Number(writers) }, writer))
const seconds = (performance.now() - started) / 1e3
process.stdout.write(`${commits / seconds}\n`)
await store.close()
