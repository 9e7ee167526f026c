// BoxUsage: the cost of a request, in machine hours. The formulas reproduce every recorded number of Amazon's
// service. Amounts are whole units of 1e-10 hours, so that rounding happens only at the end.

/** An amount of machine time, in units of 1e-10 hours. */
export type Usage = number

/** The base cost of a request. */
export const baseUsage = {
  changeDomain: 55_590_278,
  readDomain: 71_759,
  write: 219_907,
  read: 93_202,
  select: 137_200,
} as const

/** The cost of puts and deletes. @param pairs the number of pairs for each item */
export function writeUsage(pairs: readonly number[]): Usage {
  const usage = pairs.reduce((sum, count) => sum + baseUsage.write + 2 * count ** 3, 0)
  return pairs.length > 1 ? Math.floor((usage * 7) / 10) : usage
}

/** The cost of GetAttributes. @param names the number of distinct names returned */
export function readUsage(names: number): Usage {
  return baseUsage.read + 20 * names ** 2
}

/**
 * The cost of Select, by the size of its result. Amazon published no formula. This one reproduces the costs recorded
 * for item names alone, and for the item with two attributes in Amazon's article on consistency.
 */
export function selectUsage(returned: {
  readonly items: number
  /** The number of distinct attribute names on the page. */
  readonly names: number
}): Usage {
  const { items, names } = returned
  return items === 0 ? baseUsage.select : 140_000 + 80 * items + 44_268 * names
}

/** The cost of `count(*)`, by the number of items. The recorded cost of 2,625 items is 0.0000434338. */
export function countUsage(count: number): Usage {
  return 140_000 + Math.floor((count * 294_338) / 2625)
}

/** Formats an amount with ten decimals. */
export function formatUsage(usage: Usage): string {
  const text = String(usage).padStart(11, '0')
  return `${text.slice(0, -10)}.${text.slice(-10)}`
}
