// The rows of a JSON object: its lines, or what FROM leads to in its documents.

import { contentSelectLimits } from '../base/limits.ts'
import type { PathStep, SourceStep } from './ast.ts'
import type { Evaluate } from './compile.ts'
import { QueryError } from './error.ts'
import { JsonReader } from './json-reader.ts'
import { expand, parseJson, pathReader } from './json-value.ts'
import type { RowOutput } from './output.ts'
import type { ChunkSource, RowSource } from './row-source.ts'
import { TextChunks } from './text-chunks.ts'
import { valueOfJson } from './value.ts'

/** Finds values in bytes. */
interface ValueReader {
  readonly value: unknown
  feed(chunk: Buffer): void
  end(): void
  next(): boolean
}

export class JsonRows implements RowSource {
  readonly #text: TextChunks
  readonly #reader: ValueReader
  readonly #rowName: string

  /** @param rowName what a row is called that has no members */
  constructor(
    type: 'DOCUMENT' | 'LINES',
    chunks: ChunkSource,
    source: { readonly steps: readonly SourceStep[]; readonly rowName: string | undefined },
  ) {
    this.#text = new TextChunks(chunks)
    this.#reader = type === 'LINES' ? new LineReader(source.steps) : new JsonReader(source.steps)
    this.#rowName = source.rowName ?? '_1'
  }

  async open(): Promise<void> {}

  async fill(): Promise<boolean> {
    const chunk = await this.#text.read()
    if (chunk === undefined) this.#reader.end()
    else this.#reader.feed(chunk)
    return chunk !== undefined
  }

  next(): boolean {
    return this.#reader.next()
  }

  column(steps: readonly PathStep[]): Evaluate {
    const reader = this.#reader
    const read = pathReader(steps)
    return () => read(reader.value)
  }

  writeAll(output: RowOutput): void {
    output.writeValue(valueOfJson(this.#reader.value), this.#rowName)
  }
}

/** Reads one value from each line that isn't blank. */
class LineReader implements ValueReader {
  value: unknown
  readonly #steps: readonly SourceStep[]
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  #isEnded = false
  #values: unknown[] = []
  #next = 0

  constructor(steps: readonly SourceStep[]) {
    this.#steps = steps
  }

  feed(chunk: Buffer): void {
    const rest = this.#buffer.subarray(this.#at)
    this.#buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    this.#at = 0
  }

  end(): void {
    this.#isEnded = true
  }

  next(): boolean {
    while (this.#next < this.#values.length) {
      this.value = this.#values[this.#next++]
      return true
    }
    for (;;) {
      const start = this.#at
      let end = this.#buffer.indexOf(0x0a, start)
      if (end === -1 && this.#isEnded) end = this.#buffer.length
      const length = (end === -1 ? this.#buffer.length : end) - start
      if (length > contentSelectLimits.recordBytes) throw new QueryError('OverMaxRecordSize')
      if (end === -1 || (length === 0 && start >= this.#buffer.length)) return false
      this.#at = Math.min(end + 1, this.#buffer.length)
      const text = this.#buffer.toString('utf8', start, end)
      if (text.trim() === '') continue
      const value = parseJson(text)
      if (this.#steps.length === 0) {
        this.value = value
        return true
      }
      this.#values = expand(value, this.#steps)
      this.value = this.#values[0]
      this.#next = 1
      return true
    }
  }
}
