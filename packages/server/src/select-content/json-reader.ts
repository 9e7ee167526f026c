// Finds the values that match a path of FROM in a stream of JSON documents. Values off the path are skipped,
// so that only one row is held in memory.

import { contentSelectLimits } from '../base/limits.ts'
import type { SourceStep } from './ast.ts'
import { QueryError } from './error.ts'
import { parseJson } from './json-value.ts'

const sign = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openArray: 0x5b,
  backslash: 0x5c,
  closeArray: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const

/** An object or array on the path. */
interface Frame {
  readonly isObject: boolean
  /** The number of path steps from the document to the members or elements. */
  readonly level: number
  /** The index of the current element. */
  index: number
  /** True if a member or element so far matched the next step. */
  isFound: boolean
  /** The tokens that may follow. */
  expects: 'first' | 'more' | 'name' | 'colon' | 'value'
  /** True if the current member matches the next step. */
  isMember: boolean
}

/** The progress through a value that is skipped, or that is a row. */
interface Scan {
  readonly isTaken: boolean
  readonly isScalar: boolean
  depth: number
  isInText: boolean
}

export class JsonReader {
  /** The current row; MISSING if nothing matches the path. */
  value: unknown
  readonly #steps: readonly SourceStep[]
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  /** The offset of the first byte that is still needed. */
  #kept = 0
  #isEnded = false
  readonly #frames: Frame[] = []
  #scan: Scan | undefined

  constructor(steps: readonly SourceStep[]) {
    this.#steps = steps
  }

  /** Adds input. The caller must not modify the bytes afterwards. */
  feed(chunk: Buffer): void {
    const from = this.#scan?.isTaken === true ? this.#kept : this.#at
    const rest = this.#buffer.subarray(from)
    this.#buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    this.#at -= from
    this.#kept = 0
  }

  /** Marks the end of the input. */
  end(): void {
    this.#isEnded = true
  }

  /**
   * Moves to the next row. False at the end of the buffered input.
   * @throws QueryError `JSONParsingError`, `OverMaxRecordSize`
   */
  next(): boolean {
    for (;;) {
      if (this.#scan !== undefined) {
        const { isTaken } = this.#scan
        if (!this.#scanOn(this.#scan)) return this.#wait()
        this.#scan = undefined
        if (isTaken) return true
        continue
      }
      this.#skipBlanks()
      const byte = this.#buffer[this.#at]
      if (byte === undefined) return this.#wait()
      const frame = this.#frames.at(-1)
      const hasRow = frame === undefined ? this.#begin(byte, 0) : this.#moveIn(frame, byte)
      if (hasRow === undefined) return this.#wait()
      if (hasRow) return true
    }
  }

  #wait(): boolean {
    const isInside = this.#frames.length > 0 || this.#scan !== undefined
    if (this.#isEnded && (isInside || this.#at < this.#buffer.length)) {
      throw new QueryError('JSONParsingError', 'The document ends too early.')
    }
    const from = this.#scan?.isTaken === true ? this.#kept : this.#at
    if (this.#buffer.length - from > contentSelectLimits.recordBytes) {
      throw new QueryError('OverMaxRecordSize')
    }
    return false
  }

  #skipBlanks(): void {
    const buffer = this.#buffer
    let at = this.#at
    for (; at < buffer.length; at++) {
      const byte = buffer[at]
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
    }
    this.#at = at
  }

  /** Moves on in an object or array. True if a row was found; undefined if more input is needed. */
  #moveIn(frame: Frame, byte: number): boolean | undefined {
    switch (frame.expects) {
      case 'colon':
        if (byte !== sign.colon) throw new QueryError('JSONParsingError')
        this.#at++
        frame.expects = 'value'
        return false
      case 'value':
        frame.expects = 'more'
        if (frame.isObject ? frame.isMember : this.#isWanted(frame)) {
          frame.isFound = true
          frame.index++
          return this.#begin(byte, frame.level)
        }
        frame.index++
        this.#startScan(byte, false)
        return false
      case 'name':
        return this.#readName(frame, byte)
      default: {
        const close = frame.isObject ? sign.closeObject : sign.closeArray
        if (byte === close) return this.#close(frame)
        if (frame.expects === 'more') {
          if (byte !== sign.comma) throw new QueryError('JSONParsingError')
          this.#at++
        }
        frame.expects = frame.isObject ? 'name' : 'value'
        return false
      }
    }
  }

  #close(frame: Frame): boolean {
    this.#at++
    this.#frames.pop()
    this.value = undefined
    return !frame.isFound
  }

  #isWanted(frame: Frame): boolean {
    const step = this.#steps[frame.level - 1]
    return step?.kind === 'elements' || (step?.kind === 'index' && step.index === frame.index)
  }

  #readName(frame: Frame, byte: number): boolean | undefined {
    if (byte !== sign.quote) throw new QueryError('JSONParsingError')
    const end = endOfText(this.#buffer, this.#at + 1)
    if (end === -1) return undefined
    const name = parseJson(this.#buffer.toString('utf8', this.#at, end))
    this.#at = end
    const step = this.#steps[frame.level - 1]
    frame.isMember =
      step?.kind === 'members' || (step?.kind === 'name' && isNamed(String(name), step.name))
    frame.expects = 'colon'
    return false
  }

  /** Begins a value at `level` steps of the path. True if a row was found. */
  #begin(byte: number, level: number): boolean {
    const step = this.#steps[level]
    if (step === undefined) {
      this.#startScan(byte, true)
      return false
    }
    const isObject = step.kind === 'name' || step.kind === 'members'
    if (byte === (isObject ? sign.openObject : sign.openArray)) {
      this.#at++
      const expects = 'first'
      const inside = { index: 0, isFound: false, expects, isMember: false } as const
      this.#frames.push({ isObject, level: level + 1, ...inside })
      return false
    }
    this.#startScan(byte, false)
    this.value = undefined
    return true
  }

  #startScan(byte: number, isTaken: boolean): void {
    const isScalar = byte !== sign.openObject && byte !== sign.openArray
    this.#kept = this.#at
    this.#scan = { isTaken, isScalar, depth: 0, isInText: false }
  }

  /** Continues to the end of a value; false if more input is needed. */
  #scanOn(scan: Scan): boolean {
    const isComplete = scan.isScalar ? this.#scanScalar() : this.#scanNested(scan)
    if (!isComplete || !scan.isTaken) return isComplete
    if (this.#at - this.#kept > contentSelectLimits.recordBytes) {
      throw new QueryError('OverMaxRecordSize')
    }
    this.value = parseJson(this.#buffer.toString('utf8', this.#kept, this.#at))
    return true
  }

  #scanScalar(): boolean {
    const buffer = this.#buffer
    const start = this.#kept
    if (buffer[start] === sign.quote) {
      const end = endOfText(buffer, start + 1)
      if (end === -1) return false
      this.#at = end
      return true
    }
    let at = start
    while (at < buffer.length && isScalarByte(buffer[at] ?? 0)) at++
    if (at === start) throw new QueryError('JSONParsingError')
    if (at === buffer.length && !this.#isEnded) return false
    this.#at = at
    return true
  }

  #scanNested(scan: Scan): boolean {
    const buffer = this.#buffer
    let { depth, isInText } = scan
    let at = this.#at
    for (; at < buffer.length; at++) {
      const byte = buffer[at]
      if (isInText) {
        if (byte === sign.backslash) {
          // The escaped byte must be buffered too.
          if (at + 1 === buffer.length) break
          at++
        } else if (byte === sign.quote) {
          isInText = false
        }
      } else if (byte === sign.quote) {
        isInText = true
      } else if (byte === sign.openObject || byte === sign.openArray) {
        if (++depth > contentSelectLimits.jsonDepth) {
          throw new QueryError('JSONParsingError', 'The document is nested too deeply.')
        }
      } else if ((byte === sign.closeObject || byte === sign.closeArray) && --depth === 0) {
        this.#at = at + 1
        return true
      }
    }
    scan.depth = depth
    scan.isInText = isInText
    this.#at = at
    return false
  }
}

/** The offset after the closing quote of a text; -1 if the quote isn't buffered. */
function endOfText(buffer: Buffer, start: number): number {
  for (let at = start; at < buffer.length; at++) {
    const byte = buffer[at]
    if (byte === sign.quote) return at + 1
    if (byte === sign.backslash) at++
  }
  return -1
}

/** True for the bytes of numbers, `true`, `false` and `null`. */
function isScalarByte(byte: number): boolean {
  const isLetter = byte >= 0x61 && byte <= 0x7a
  const isDigit = byte >= 0x30 && byte <= 0x39
  return isLetter || isDigit || byte === 0x2b || byte === 0x2d || byte === 0x2e || byte === 0x45
}

function isNamed(
  name: string,
  wanted: { readonly text: string; readonly isQuoted: boolean },
): boolean {
  if (name === wanted.text) return true
  return !wanted.isQuoted && name.toLowerCase() === wanted.text.toLowerCase()
}
