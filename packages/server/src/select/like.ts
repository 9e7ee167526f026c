// Patterns of `like`: `%` matches any run of characters, even an empty one, and `\%` a percent
// sign. A backslash before any other character is literal.

/** The texts between a pattern's wildcards. A single text means that there is no wildcard. */
export function splitPattern(pattern: string): readonly string[] {
  return pattern.split(/(?<!\\)%/).map((part) => part.replaceAll('\\%', '%'))
}

/** True if `value` matches the pattern with these parts. */
export function matchesPattern(value: string, parts: readonly string[]): boolean {
  const first = parts[0] ?? ''
  const last = parts.at(-1) ?? ''
  if (parts.length === 1) return value === first
  if (!value.startsWith(first) || !value.endsWith(last)) return false
  const end = value.length - last.length
  let position = first.length
  for (let index = 1; index < parts.length - 1; index++) {
    const part = parts[index] ?? ''
    const found = value.indexOf(part, position)
    if (found === -1) return false
    position = found + part.length
  }
  return position <= end
}
