// The Select suite over a domain in memory.

import { MemorySource } from './memory-source.fixture.ts'
import { selectSuite } from './select.suite.ts'

selectSuite('Select in memory', async (items) => {
  const source = new MemorySource(items)
  return { read: (body) => body(source), destroy: async () => undefined }
})
