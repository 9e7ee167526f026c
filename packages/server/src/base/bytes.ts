// Byte strings: the type of every key and value below the protocols, and its basic operations.

/** Bytes that are immutable by convention. A Node `Buffer` is one. */
export type Bytes = Uint8Array

/** UTF-8 bytes of `text`. */
export function utf8(text: string): Buffer {
  return Buffer.from(text, 'utf8')
}

/** The text of UTF-8 `bytes`. */
export function text(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** The bytes in hexadecimal, for messages. */
export function hexOf(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** Orders bytes as memcmp does, the shorter first where one is a prefix: S3's order of keys. */
export function compareBytes(a: Bytes, b: Bytes): number {
  return Buffer.compare(a, b)
}

/** Orders well-formed texts by their UTF-8 bytes. JavaScript orders strings by UTF-16 units instead. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index)
    const y = b.charCodeAt(index)
    if (x !== y) return x >= 0xd800 && y >= 0xd800 ? codeOrder(x) - codeOrder(y) : x - y
  }
  return a.length - b.length
}

/** Ranks surrogates above all other units: a pair encodes a code point above U+FFFF. */
function codeOrder(unit: number): number {
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

/** True when `bytes` begin with `prefix`. */
export function startsWith(bytes: Bytes, prefix: Bytes): boolean {
  if (bytes.byteLength < prefix.byteLength) return false
  return Buffer.compare(bytes.subarray(0, prefix.byteLength), prefix) === 0
}

/** The least byte string above every string that begins with `prefix`; undefined if there is none. */
export function afterPrefix(prefix: Bytes): Buffer | undefined {
  let end = prefix.byteLength
  while (end > 0 && prefix[end - 1] === 0xff) end--
  if (end === 0) return undefined
  const next = Buffer.from(prefix.subarray(0, end))
  next[end - 1] = (next[end - 1] ?? 0) + 1
  return next
}
