// Wildcard patterns: `*` for any text, `?` for one UTF-16 unit. The time is linear in the text, and never
// exponential in the pattern: the pieces between the stars are sought from the left, each once.

/** A literal text, `*` or `?`. */
export type GlobPart = string | typeof anyText | typeof anyUnit

/** Any text, also none. */
export const anyText: unique symbol = Symbol('*')
/** One UTF-16 unit. */
export const anyUnit: unique symbol = Symbol('?')

/** A text without stars. */
interface Piece {
  readonly length: number
  /** A space stands for every `?`. */
  readonly text: string
  /** Undefined without a `?`. */
  readonly masks: Masks | undefined
}

/** For each unit, the places of a piece at which it may stand, as bits. */
interface Masks {
  readonly words: number
  readonly ofUnit: ReadonlyMap<number, Uint32Array>
  readonly ofOthers: Uint32Array
}

/** A compiled pattern. */
export interface Glob {
  /** The text, if the pattern has no wildcard. */
  readonly fixed: string | undefined
  matches(text: string): boolean
  /** True if it matches every text that begins with `prefix`. May be false for such a pattern that ends in `*?`. */
  containsAllBelow(prefix: string): boolean
  /** True if it matches a text that begins with `prefix`. */
  meetsAnyBelow(prefix: string): boolean
}

/** Compiles the parts of a pattern. */
export function globOf(parts: readonly GlobPart[]): Glob {
  const runs: GlobPart[][] = [[]]
  for (const part of parts) {
    if (part === anyText) runs.push([])
    else runs.at(-1)?.push(part)
  }
  const [first = emptyPiece, ...rest] = runs.map(pieceOf)
  const last = rest.pop()
  if (last === undefined) return exactGlob(first)
  const middle = rest.filter(({ length }) => length > 0)
  const minimum = [first, ...middle, last].reduce((sum, { length }) => sum + length, 0)
  const matches = (text: string): boolean => {
    if (text.length < minimum || !isAt(first, text, 0)) return false
    const end = text.length - last.length
    let from = first.length
    for (const piece of middle) {
      const at = find(piece, text, from)
      if (at === -1) return false
      from = at + piece.length
    }
    return from <= end && isAt(last, text, end)
  }
  return {
    fixed: undefined,
    matches,
    containsAllBelow: (prefix) => last.length === 0 && matches(prefix),
    meetsAnyBelow: (prefix) => agrees(first, prefix),
  }
}

function exactGlob(piece: Piece): Glob {
  return {
    fixed: piece.masks === undefined ? piece.text : undefined,
    matches: (text) => text.length === piece.length && isAt(piece, text, 0),
    containsAllBelow: () => false,
    meetsAnyBelow: (prefix) => prefix.length <= piece.length && agrees(piece, prefix),
  }
}

const emptyPiece: Piece = { length: 0, text: '', masks: undefined }

function pieceOf(run: readonly GlobPart[]): Piece {
  const hole = ' '
  const text = run.map((part) => (typeof part === 'string' ? part : hole)).join('')
  if (run.every((part) => typeof part === 'string')) {
    return { length: text.length, text, masks: undefined }
  }
  return { length: text.length, text, masks: masksOf(run, text.length) }
}

function masksOf(run: readonly GlobPart[], length: number): Masks {
  const words = Math.ceil(length / 32)
  const ofOthers = new Uint32Array(words)
  const literal: { readonly unit: number; readonly at: number }[] = []
  let at = 0
  for (const part of run) {
    if (typeof part !== 'string') setBit(ofOthers, at++)
    else for (let i = 0; i < part.length; i++) literal.push({ unit: part.charCodeAt(i), at: at++ })
  }
  const ofUnit = new Map<number, Uint32Array>()
  for (const { unit, at } of literal) {
    const mask = ofUnit.get(unit) ?? ofOthers.slice()
    ofUnit.set(unit, mask)
    setBit(mask, at)
  }
  return { words, ofUnit, ofOthers }
}

function setBit(bits: Uint32Array, at: number): void {
  const word = at >>> 5
  bits[word] = (bits[word] ?? 0) | (1 << (at & 31))
}

function hasBit(bits: Uint32Array, at: number): boolean {
  return (((bits[at >>> 5] ?? 0) >>> (at & 31)) & 1) === 1
}

/** True if `piece` stands at `at`. */
function isAt(piece: Piece, text: string, at: number): boolean {
  const { length, masks } = piece
  if (masks === undefined) return text.startsWith(piece.text, at)
  if (at + length > text.length) return false
  for (let i = 0; i < length; i++) {
    if (!hasBit(masks.ofUnit.get(text.charCodeAt(at + i)) ?? masks.ofOthers, i)) return false
  }
  return true
}

/** True if `piece` and `text` are the same as far as both reach. */
function agrees(piece: Piece, text: string): boolean {
  if (text.length >= piece.length) return isAt(piece, text, 0)
  if (piece.masks === undefined) return piece.text.startsWith(text)
  const { ofUnit, ofOthers } = piece.masks
  for (let i = 0; i < text.length; i++) {
    if (!hasBit(ofUnit.get(text.charCodeAt(i)) ?? ofOthers, i)) return false
  }
  return true
}

/** The first place of `piece` from `from` on, or -1. With `?`, by the bit-parallel algorithm Shift-And. */
function find({ text: sought, length, masks }: Piece, text: string, from: number): number {
  if (masks === undefined) return text.indexOf(sought, from)
  const { words, ofUnit, ofOthers } = masks
  const state = new Uint32Array(words)
  for (let i = from; i < text.length; i++) {
    const mask = ofUnit.get(text.charCodeAt(i)) ?? ofOthers
    let carry = 1
    for (let word = 0; word < words; word++) {
      const bits = state[word] ?? 0
      state[word] = ((bits << 1) | carry) & (mask[word] ?? 0)
      carry = bits >>> 31
    }
    if (hasBit(state, length - 1)) return i - length + 1
  }
  return -1
}
