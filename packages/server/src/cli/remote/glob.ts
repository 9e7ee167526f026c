// Patterns of names, as in shells.

/** A pattern: `*` and `?` don't match slashes, `**` does, `[abc]` and `[!a-z]` are sets. */
export class Glob {
  readonly text: string
  readonly #expression: RegExp

  constructor(text: string) {
    this.text = text
    this.#expression = new RegExp(`^${translate(text)}$`, 'su')
  }

  /** True if the whole of `name` matches. */
  matches(name: string): boolean {
    return this.#expression.test(name)
  }
}

const token = /\*\*\/|\*+|\?|\[!?\]?[^\]]*\]|[\s\S]/gu

function translate(text: string): string {
  let expression = ''
  for (const [part] of text.matchAll(token)) {
    if (part === '**/') expression += '(?:.*/)?'
    else if (part.startsWith('**')) expression += '.*'
    else if (part === '*') expression += '[^/]*'
    else if (part === '?') expression += '[^/]'
    else if (part.length > 1) expression += setOf(part)
    else expression += quoted(part)
  }
  return expression
}

/** A set in brackets, whose only operators are a leading `!` and ranges. */
function setOf(part: string): string {
  const isNegated = part.startsWith('[!')
  const members = part.slice(isNegated ? 2 : 1, -1)
  if (members === '') return quoted(part)
  const safe = members.replace(/[\\^[\]]/g, '\\$&')
  try {
    const set = `[${isNegated ? '^/' : ''}${safe}]`
    return new RegExp(set, 'u').source
  } catch {
    return quoted(part)
  }
}

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
