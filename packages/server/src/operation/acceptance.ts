// The defects of a data folder, with rows and blobs that don't match, that an operator can accept:
// see `fit.ts`.

/** As in the names of the options `--accept-…`. */
export const acceptances = ['lost-rows', 'lost-blobs'] as const

export type Acceptance = (typeof acceptances)[number]
