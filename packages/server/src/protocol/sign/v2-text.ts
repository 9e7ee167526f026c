// The text that Signature Version 2 signs, made in steps: a request may have 25,000 parameters of several MiB.

import { createHmac } from 'node:crypto'
import type { Steps } from '../../base/fair-queue.ts'

/** One parameter, decoded. */
interface Parameter {
  readonly name: string
  readonly value: string
}

/** A parameter as it is sorted and written. */
interface Entry {
  /** Strings of bytes, since UTF-16 has another order than UTF-8. */
  readonly name: string
  readonly value: string
  readonly text: string
}

/** Parameters between two steps. */
const stepParameters = 256
/** Parameters that are sorted in one step. */
const runParameters = 2048

/** The canonical parameters: all but the signature, by name in byte order, then by value, escaped. */
export function* canonicalPieces(parameters: readonly Parameter[]): Steps<readonly string[]> {
  const entries: Entry[] = []
  for (const { name, value } of parameters) {
    if (name === 'Signature') continue
    const text = `${escaped(name)}=${escaped(value)}`
    entries.push({ name: byteText(name), value: byteText(value), text })
    if (entries.length % stepParameters === 0) yield
  }
  return yield* piecesOf(entries, '&')
}

/** The text that Version 1 signs: names and values put together, by name without regard to case. */
export function* version1Pieces(parameters: readonly Parameter[]): Steps<readonly string[]> {
  const entries: Entry[] = []
  for (const { name, value } of parameters) {
    if (name === 'Signature') continue
    entries.push({ name: byteText(name.toLowerCase()), value: '', text: name + value })
    if (entries.length % stepParameters === 0) yield
  }
  return yield* piecesOf(entries, '')
}

/** The digest of a text in pieces. */
export function* digestInSteps(
  { algorithm, secret }: { readonly algorithm: 'sha1' | 'sha256'; readonly secret: string },
  pieces: readonly string[],
): Steps<Buffer> {
  const hmac = createHmac(algorithm, secret)
  for (const piece of pieces) {
    hmac.update(piece, 'utf8')
    yield
  }
  return hmac.digest()
}

/** The texts of the sorted entries, many in a piece. */
function* piecesOf(entries: readonly Entry[], separator: '&' | ''): Steps<readonly string[]> {
  const sorted = yield* sortedInSteps(entries)
  const pieces: string[] = []
  for (let from = 0; from < sorted.length; from += stepParameters) {
    const some = sorted.slice(from, from + stepParameters).map(({ text }) => text)
    pieces.push(`${from === 0 ? '' : separator}${some.join(separator)}`)
    yield
  }
  return pieces
}

/** Sorts runs, and merges them; entries that are equal keep their order. */
function* sortedInSteps(entries: readonly Entry[]): Steps<readonly Entry[]> {
  let runs: Entry[][] = []
  for (let from = 0; from < entries.length; from += runParameters) {
    runs.push(entries.slice(from, from + runParameters).sort(compare))
    yield
  }
  while (runs.length > 1) {
    const merged: Entry[][] = []
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* mergedInSteps(runs[at] ?? [], runs[at + 1] ?? []))
    }
    runs = merged
  }
  return runs[0] ?? []
}

function* mergedInSteps(left: readonly Entry[], right: readonly Entry[]): Steps<Entry[]> {
  const merged: Entry[] = []
  let [i, j] = [0, 0]
  for (;;) {
    const [a, b] = [left[i], right[j]]
    if (a === undefined && b === undefined) return merged
    if (b === undefined || (a !== undefined && compare(a, b) <= 0)) {
      if (a !== undefined) merged.push(a)
      i++
    } else {
      merged.push(b)
      j++
    }
    if (merged.length % runParameters === 0) yield
  }
}

function compare(a: Entry, b: Entry): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  if (a.value === b.value) return 0
  return a.value < b.value ? -1 : 1
}

const beyondAscii = /[^\0-\x7f]/

/** The UTF-8 of a text, a character for each byte. */
function byteText(text: string): string {
  return beyondAscii.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}

/** Percent-encodes UTF-8, all but RFC 3986's unreserved characters. */
function escaped(text: string): string {
  if (/^[A-Za-z0-9\-._~]*$/.test(text)) return text
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
