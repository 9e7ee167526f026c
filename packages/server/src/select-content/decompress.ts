// Decompresses an object while it is read, on demand. A small object that decompresses to a large one thus
// takes no more memory than others.

import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Bunzip } from './bunzip.ts'
import { QueryError } from './error.ts'
import type { Compression } from './format.ts'
import type { ChunkSource } from './row-source.ts'

const chunkBytes = 262_144

/** The decompressed bytes of `source`. Reading them @throws QueryError `TruncatedInput` */
export function decompressed(source: ChunkSource, compression: Compression): ChunkSource {
  switch (compression) {
    case 'NONE':
      return source
    case 'GZIP':
      return gunzip(source)
    case 'BZIP2':
      return new Bunzip(source)
  }
}

function gunzip(source: ChunkSource): ChunkSource {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let chunk = await source.read(); chunk !== undefined; chunk = await source.read()) {
      yield chunk
    }
  }
  const inflate = createGunzip({ chunkSize: chunkBytes })
  const input = Readable.from(chunks(), { objectMode: false, highWaterMark: chunkBytes })
  input.on('error', (error) => inflate.destroy(error))
  const output = input.pipe(inflate)[Symbol.asyncIterator]()
  return {
    async read() {
      try {
        const step = await output.next()
        return step.done === true ? undefined : Buffer.from(step.value)
      } catch (error) {
        if (error instanceof QueryError) throw error
        throw notCompressed('GZIP', error)
      }
    },
  }
}

/** The error for an object that isn't compressed as the request says. */
function notCompressed(format: string, cause?: unknown): QueryError {
  return new QueryError('TruncatedInput', `The object is not valid ${format}.`, { cause })
}
