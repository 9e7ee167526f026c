// The mismatches of a data folder's rows and blobs that an operator can accept, see `fit.ts`.

/** The names, as in the options `--accept-…`. */
export const acceptances = ['lost-rows', 'lost-blobs'] as const

export type Acceptance = (typeof acceptances)[number]
