// Bytes that arrive in pieces, for tests of their readers.

/** Yields pieces in one buffer, overwritten with `filler` as soon as the next is requested. */
export async function* reusing(
  pieces: readonly Uint8Array[],
  filler: number,
): AsyncGenerator<Uint8Array> {
  const shared = Buffer.alloc(Math.max(1, ...pieces.map((piece) => piece.byteLength)))
  for (const piece of pieces) {
    shared.fill(filler)
    shared.set(piece)
    yield shared.subarray(0, piece.byteLength)
  }
}

/** Cuts bytes at positions given as fractions of their length. */
export function cut(bytes: Buffer, fractions: readonly number[]): Buffer[] {
  const ends = [...fractions.map((f) => Math.floor(f * bytes.byteLength)), bytes.byteLength]
  let start = 0
  return ends
    .sort((a, b) => a - b)
    .map((end) => {
      const piece = bytes.subarray(start, end)
      start = end
      return piece
    })
}

/** All bytes of a source whose chunks are valid only until the next one is requested. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of source) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
