// The content of a NextToken: the position at which a page ended. The caller seals it against
// tampering, and binds it to the domain and to `tokenScope`. The output and the limit may change
// between pages.

import type { Bytes } from '../base/bytes.ts'
import type { Select } from './ast.ts'
import { invalidNextToken, unsupportedNextToken } from './error.ts'
import type { SelectPosition } from './plan.ts'
import { printExpression, printOrder } from './print.ts'

/** Increment when a position in a plan changes its meaning; see `plan.ts`. */
const version = 1

const kinds = ['items', 'indexes', 'sorted'] as const

/** The parts of a query to which a token is bound besides the domain: the conditions and the order. */
export function tokenScope({ where, order }: Select): string {
  const conditions = where === undefined ? '' : printExpression(where)
  return `${conditions}\0${order === undefined ? '' : printOrder(order)}`
}

/** Encodes a position: at most about 1,100 bytes, 1,024 of them for a value. */
export function encodePosition(position: SelectPosition): Bytes {
  const head = [version, kinds.indexOf(position.kind)]
  if (position.kind === 'indexes') {
    head.push(position.path, position.choices.length, ...position.choices)
  }
  const item = Buffer.alloc(8)
  item.writeBigUInt64BE(BigInt(position.item))
  const value = position.kind === 'items' ? Buffer.alloc(0) : position.value
  return Buffer.concat([Buffer.from(head), item, value])
}

/**
 * Decodes a position.
 * @throws StoreError `UnsupportedNextToken` when another version wrote it, `InvalidNextToken` when
 *   it is malformed.
 */
export function decodePosition(bytes: Bytes): SelectPosition {
  const reader = new Reader(bytes)
  if (reader.byte() !== version) throw unsupportedNextToken()
  const kind = kinds[reader.byte()]
  if (kind === undefined) throw invalidNextToken()
  switch (kind) {
    case 'items': {
      const item = reader.number()
      if (reader.rest().byteLength > 0) throw invalidNextToken()
      return { kind, item }
    }
    case 'indexes': {
      const path = reader.byte()
      const choices = Array.from({ length: reader.byte() }, () => reader.byte())
      return { kind, path, choices, item: reader.number(), value: reader.rest() }
    }
    case 'sorted':
      return { kind, item: reader.number(), value: reader.rest() }
  }
}

class Reader {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Bytes) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  byte(): number {
    const value = this.#bytes[this.#position++]
    if (value === undefined) throw invalidNextToken()
    return value
  }

  number(): number {
    if (this.#position + 8 > this.#bytes.byteLength) throw invalidNextToken()
    const value = Number(this.#bytes.readBigUInt64BE(this.#position))
    this.#position += 8
    if (!Number.isSafeInteger(value)) throw invalidNextToken()
    return value
  }

  rest(): Bytes {
    return this.#bytes.subarray(this.#position)
  }
}
