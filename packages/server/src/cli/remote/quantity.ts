// Parses sizes and durations on the command line.

const unitBytes: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['k', 1024],
  ['kb', 1000],
  ['kib', 1024],
  ['m', 1024 ** 2],
  ['mb', 1000 ** 2],
  ['mib', 1024 ** 2],
  ['g', 1024 ** 3],
  ['gb', 1000 ** 3],
  ['gib', 1024 ** 3],
  ['t', 1024 ** 4],
  ['tb', 1000 ** 4],
  ['tib', 1024 ** 4],
])

const unitMs: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
])

/** Parses a size in bytes: `1000`, `64KiB`, `1.5 GB`; undefined for other text. */
export function parseSize(text: string): number | undefined {
  return parse(text, unitBytes)
}

/** Parses a duration in milliseconds: `90s`, `15m`, `12h`, `7d`, `2w`, and their sums (`1d12h`); undefined for other text. */
export function parseAge(text: string): number | undefined {
  if (!/^(\d{1,9}[smhdw])+$/i.test(text)) return undefined
  let sum = 0
  for (const [part] of text.matchAll(/\d+[a-z]/gi)) sum += parse(part, unitMs) ?? 0
  return sum
}

function parse(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)$/i.exec(text) ?? []
  const factor = units.get(unit.toLowerCase())
  if (digits === '' || factor === undefined) return undefined
  return Math.floor(Number(digits) * factor)
}
