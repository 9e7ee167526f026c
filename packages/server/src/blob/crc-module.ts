// Builds the WebAssembly module behind CRC32C and CRC64NVME: slicing-by-16 over tables of 64-bit
// entries, in two streams at once where there is enough input, and polynomial multiplication to combine CRCs.
// WebAssembly has fast 64-bit integers,
// JavaScript has not. The module is assembled here, instruction by instruction, instead of shipped as an
// unreadable binary.

/** The number of a CRC's table slices, which is the number of bytes that one step processes. */
export const sliceCount = 16
/** Bytes of the tables of one CRC: 256 entries of 8 bytes for each slice. */
export const tableBytes: number = sliceCount * 256 * 8
/** Bytes of a WebAssembly memory page. */
const pageBytes = 65_536

// https://webassembly.github.io/spec/core/binary/
const i32 = 0x7f
const i64 = 0x7e
const op = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  call: 0x10,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i64Load: 0x29,
  i64Load8: 0x31,
  i32Const: 0x41,
  i64Const: 0x42,
  i64Eqz: 0x50,
  i32LtU: 0x49,
  i32LeU: 0x4d,
  i32Add: 0x6a,
  i32And: 0x71,
  i64Sub: 0x7d,
  i64And: 0x83,
  i64Xor: 0x85,
  i64Shl: 0x86,
  i64ShrU: 0x88,
  i32Wrap: 0xa7,
} as const
const noResult = 0x40

/** The layout of the module's memory, in bytes: the input first, then the tables of each CRC. */
export interface CrcLayout {
  readonly inputBytes: number
  /** The bytes of each of two streams; a multiple of the slices. */
  readonly streamBytes: number
  /** Address of the tables of the function `update<n>`. */
  readonly tables: readonly number[]
}

/**
 * The module. It exports memory `memory`. For each table, `update<n>(register: i64, end: i32) → i64`
 * processes the input from address 0 to `end`, and
 * `updateTwo<n>(register: i64, power: i64, polynomial: i64, top: i64) → i64` that of two streams from address 0;
 * `power` is x^(8·`streamBytes`). Two streams are faster, since their steps don't wait for each other.
 * `multiply(a: i64, b: i64, polynomial: i64, top: i64) → i64` is the product of reflected polynomials
 * modulo `polynomial`; `top` has the bit of x⁰ set.
 */
export function crcModule(layout: CrcLayout): Uint8Array<ArrayBuffer> {
  const { tables: updates, streamBytes } = layout
  const multiply = updates.length
  const memoryBytes = Math.max(layout.inputBytes, ...updates.map((table) => table + tableBytes))
  const types = [
    [0x60, ...vector([[i64], [i32]]), ...vector([[i64]])],
    [0x60, ...vector([[i64], [i64], [i64], [i64]]), ...vector([[i64]])],
  ]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(3, vector([...updates.map(() => [0]), [1], ...updates.map(() => [1])])),
    ...section(5, vector([[0x00, ...unsigned(Math.ceil(memoryBytes / pageBytes))]])),
    ...section(
      7,
      vector([
        [...name('memory'), 0x02, 0],
        ...updates.map((_, index) => [...name(`update${index}`), 0x00, ...unsigned(index)]),
        [...name('multiply'), 0x00, ...unsigned(multiply)],
        ...updates.map((_, index) => [
          ...[...name(`updateTwo${index}`), 0x00, ...unsigned(multiply + 1 + index)],
        ]),
      ]),
    ),
    ...section(
      10,
      vector([
        ...updates.map(updateFunction),
        multiplyFunction(),
        ...updates.map((table) => updateTwoFunction(table, streamBytes, multiply)),
      ]),
    ),
  ])
}

/** `update(register, end)`: sixteen bytes per step, then the rest byte by byte. */
function updateFunction(tables: number): number[] {
  const [register, end, at, low, high] = [0, 1, 2, 3, 4]
  return code(
    [
      [1, i32],
      [2, i64],
    ],
    [
      ...[op.block, noResult, op.loop, noResult],
      ...[op.localGet, end, op.localGet, at, op.i32Const, ...signed(sliceCount), op.i32Add],
      ...[op.i32LtU, op.brIf, 1],
      ...loadStep({ register, at, low, high }, 0),
      ...lookupStep({ register, low, high }, tables),
      ...[op.localGet, at, op.i32Const, ...signed(sliceCount), op.i32Add, op.localSet, at],
      ...[op.br, 0, op.end, op.end],

      ...[op.block, noResult, op.loop, noResult],
      ...[op.localGet, end, op.localGet, at, op.i32LeU, op.brIf, 1],
      ...[op.localGet, at, op.i64Load8, 0, 0, op.localGet, register, op.i64Xor, op.localSet, low],
      ...lookup(low, 0, tables),
      ...[op.localGet, register, op.i64Const, ...signed(8), op.i64ShrU, op.i64Xor],
      ...[op.localSet, register],
      ...[op.localGet, at, op.i32Const, ...signed(1), op.i32Add, op.localSet, at],
      ...[op.br, 0, op.end, op.end],
      ...[op.localGet, register],
    ],
  )
}

/** `updateTwo(register, power, polynomial, top)`: the second stream begins with an empty register. */
function updateTwoFunction(tables: number, streamBytes: number, multiply: number): number[] {
  const [register, power, polynomial, top, at, second] = [0, 1, 2, 3, 4, 5]
  const first = { register, at, low: 6, high: 7 }
  const other = { register: second, at, low: 8, high: 9 }
  return code(
    [
      [1, i32],
      [5, i64],
    ],
    [
      ...[op.loop, noResult],
      ...loadStep(first, 0),
      ...loadStep(other, streamBytes),
      ...lookupStep(first, tables),
      ...lookupStep(other, tables),
      ...[op.localGet, at, op.i32Const, ...signed(sliceCount), op.i32Add, op.localTee, at],
      ...[op.i32Const, ...signed(streamBytes), op.i32LtU, op.brIf, 0, op.end],
      ...[op.localGet, register, op.localGet, power, op.localGet, polynomial, op.localGet, top],
      ...[op.call, ...unsigned(multiply), op.localGet, second, op.i64Xor],
    ],
  )
}

/** The locals of one stream. */
interface Stream {
  readonly register: number
  readonly at: number
  readonly low: number
  readonly high: number
}

/** Loads sixteen bytes at `at` + `offset`, the first eight with the register added. */
function loadStep({ register, at, low, high }: Stream, offset: number): number[] {
  return [
    ...[op.localGet, at, op.i64Load, 0, ...unsigned(offset)],
    ...[op.localGet, register, op.i64Xor, op.localSet, low],
    ...[op.localGet, at, op.i64Load, 0, ...unsigned(offset + 8), op.localSet, high],
  ]
}

/** Sets the register to that after sixteen bytes. */
function lookupStep({ register, low, high }: Omit<Stream, 'at'>, tables: number): number[] {
  const entries = Array.from({ length: sliceCount }, (_, index) => {
    // The first byte of a step is followed by the most zeros, so it uses the last slice.
    const slice = tables + (sliceCount - 1 - index) * 256 * 8
    const entry = lookup(index < 8 ? low : high, (index % 8) * 8, slice)
    return index === 0 ? entry : [...entry, op.i64Xor]
  })
  return [...entries.flat(), op.localSet, register]
}

/** Pushes the entry of the table at `table` for the byte at bit `shift` of `local`. */
function lookup(local: number, shift: number, table: number): number[] {
  // Entries are 8 bytes, so the index is the byte shifted left by three bits.
  const turn =
    shift === 0
      ? [op.i64Const, ...signed(3), op.i64Shl]
      : [op.i64Const, ...signed(shift - 3), op.i64ShrU]
  const address = [
    op.localGet,
    local,
    ...turn,
    op.i32Wrap,
    op.i32Const,
    ...signed(0x7f8),
    op.i32And,
  ]
  return [...address, op.i64Load, 3, ...unsigned(table)]
}

/** `multiply(a, b, polynomial, top)`: adds b·xⁿ for every bit n of a, from x⁰ on. */
function multiplyFunction(): number[] {
  const [a, b, polynomial, top, product] = [0, 1, 2, 3, 4]
  const zero = [op.i64Const, ...signed(0)]
  const one = [op.i64Const, ...signed(1)]
  return code(
    [[1, i64]],
    [
      ...[op.block, noResult, op.loop, noResult],
      ...[op.localGet, top, op.i64Eqz, op.brIf, 1],
      ...[op.block, noResult, op.localGet, a, op.localGet, top, op.i64And, op.i64Eqz, op.brIf, 0],
      ...[op.localGet, product, op.localGet, b, op.i64Xor, op.localSet, product, op.end],
      ...[op.localGet, b, ...one, op.i64ShrU],
      ...[
        ...zero,
        op.localGet,
        b,
        ...one,
        op.i64And,
        op.i64Sub,
        op.localGet,
        polynomial,
        op.i64And,
      ],
      ...[op.i64Xor, op.localSet, b],
      ...[op.localGet, top, ...one, op.i64ShrU, op.localSet, top],
      ...[op.br, 0, op.end, op.end],
      ...[op.localGet, product],
    ],
  )
}

function code(locals: readonly (readonly number[])[], body: readonly number[]): number[] {
  const bytes = [...vector(locals), ...body, op.end]
  return [...unsigned(bytes.length), ...bytes]
}

function section(id: number, body: readonly number[]): number[] {
  return [id, ...unsigned(body.length), ...body]
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

function name(text: string): number[] {
  return [...unsigned(text.length), ...Buffer.from(text)]
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

/** Signed LEB128 of a non-negative number: the top bit of the last byte is a sign. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)]
}
