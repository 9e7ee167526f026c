// BoxUsage: the cost of a request, in hours of a machine. The formulas give every number that was
// recorded of Amazon's service. In units of 1e-10 hours, so that nothing is rounded but at the end.

/** An amount of machine time, in units of 1e-10 hours. */
export type Usage = number

/** The cost of a request that does nothing. */
export const baseUsage = {
  changeDomain: 55_590_278,
  readDomain: 71_759,
  write: 219_907,
  read: 93_202,
  select: 137_200,
} as const

/** Puts and deletes, by the pairs that the request gives for each item. */
export function writeUsage(pairs: readonly number[]): Usage {
  const usage = pairs.reduce((sum, count) => sum + baseUsage.write + 2 * count ** 3, 0)
  return pairs.length > 1 ? Math.floor((usage * 7) / 10) : usage
}

/** GetAttributes, by the distinct names that it returns. */
export function readUsage(names: number): Usage {
  return baseUsage.read + 20 * names ** 2
}

/**
 * Select, by the size of its result. Amazon published no formula: this one gives what was recorded for item
 * names alone, and for the one item of two attributes in Amazon's article on consistency.
 */
export function selectUsage(returned: {
  readonly items: number
  /** Distinct names of attributes on the page. */
  readonly names: number
}): Usage {
  const { items, names } = returned
  return items === 0 ? baseUsage.select : 140_000 + 80 * items + 44_268 * names
}

/** Select of `count(*)`, by the items counted; 2,625 were recorded to cost 0.0000434338. */
export function countUsage(count: number): Usage {
  return 140_000 + Math.floor((count * 294_338) / 2625)
}

/** As the wire has it: ten decimals. */
export function formatUsage(usage: Usage): string {
  const text = String(usage).padStart(11, '0')
  return `${text.slice(0, -10)}.${text.slice(-10)}`
}
