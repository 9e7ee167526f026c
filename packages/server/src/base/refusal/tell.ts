// Word tables: a row for each code, with the words for refusals of that code.

interface Coded {
  readonly code: string
}

/** A row for each code of `Kind`. */
export type WordTable<Kind extends Coded, Words> = {
  readonly [Code in Kind['code']]: (refusal: Extract<Kind, { readonly code: Code }>) => Words
}

/** Applies the row of `code` to `refusal`, which must have that code. */
export function tell<Kind extends Coded, Words, Code extends Kind['code']>(
  table: WordTable<Kind, Words>,
  code: Code,
  refusal: Extract<Kind, { readonly code: Code }>,
): Words {
  return table[code](refusal)
}
