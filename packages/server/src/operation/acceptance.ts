// What somebody who knows better may accept of a data folder whose rows and blobs don't fit each other:
// see `fit.ts`.

/** By the names of the options `--accept-…`. */
export const acceptances = ['lost-rows', 'lost-blobs'] as const

/** One of them. */
export type Acceptance = (typeof acceptances)[number]
