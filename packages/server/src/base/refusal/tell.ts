// Tables of words: a row for each code, which says how the refusals of that code are told.

interface Coded {
  readonly code: string
}

/** A row for each code of `Kind`. */
export type WordTable<Kind extends Coded, Words> = {
  readonly [Code in Kind['code']]: (refusal: Extract<Kind, { readonly code: Code }>) => Words
}

/** What the row of `code` says of `refusal`, whose code it is. */
export function tell<Kind extends Coded, Words, Code extends Kind['code']>(
  table: WordTable<Kind, Words>,
  code: Code,
  refusal: Extract<Kind, { readonly code: Code }>,
): Words {
  return table[code](refusal)
}
