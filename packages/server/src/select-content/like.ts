// LIKE without backtracking: each run of the pattern between two `%` is looked for once, behind the one
// before, so that no pattern takes more than its length for each character of the text.

import { QueryError } from './error.ts'

/** A run of the pattern; undefined stands for `_`. */
type Run = readonly (string | undefined)[]

/**
 * A function that tests texts against a pattern.
 * @throws QueryError `LikeInvalidInputs`, `EvaluatorLikePatternInvalidEscapeSequence`
 */
export function likeTest(pattern: string, mark: string | undefined): (text: string) => boolean {
  const runs = runsOf(pattern, mark)
  const [first = [], ...others] = runs
  const last = others.pop()
  if (last === undefined) {
    return (text) => matchAt(text, 0, first) === text.length
  }
  return (text) => {
    let at = matchAt(text, 0, first)
    for (const run of others) {
      if (at < 0) return false
      at = find(text, at, run)
    }
    return at >= 0 && matchesEnd(text, at, last)
  }
}

function runsOf(pattern: string, mark: string | undefined): Run[] {
  if (mark !== undefined && [...mark].length !== 1) throw new QueryError('LikeInvalidInputs')
  const runs: (string | undefined)[][] = [[]]
  let literal = ''
  const flush = (): void => {
    if (literal !== '') runs.at(-1)?.push(literal)
    literal = ''
  }
  const characters = [...pattern]
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at]
    if (character === mark && mark !== undefined) {
      const next = characters[++at]
      if (next !== '%' && next !== '_' && next !== mark) {
        throw new QueryError('EvaluatorLikePatternInvalidEscapeSequence')
      }
      literal += next
    } else if (character === '%') {
      flush()
      runs.push([])
    } else if (character === '_') {
      flush()
      runs.at(-1)?.push(undefined)
    } else {
      literal += character
    }
  }
  flush()
  return runs
}

/** Where the text goes on behind a run that stands at `start`; -1 if it doesn't. */
function matchAt(text: string, start: number, run: Run): number {
  let at = start
  for (const piece of run) {
    if (piece === undefined) {
      if (at >= text.length) return -1
      at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
    } else {
      if (!text.startsWith(piece, at)) return -1
      at += piece.length
    }
  }
  return at
}

/** Where the text goes on behind the first place of a run from `start` on; -1 without one. */
function find(text: string, start: number, run: Run): number {
  const [head] = run
  if (head === undefined && run.length === 0) return start
  for (let at = start; at <= text.length; at++) {
    if (head !== undefined) {
      at = text.indexOf(head, at)
      if (at === -1) return -1
    }
    const end = matchAt(text, at, run)
    if (end !== -1) return end
  }
  return -1
}

/** Whether a run is how the text ends, at `from` or later. */
function matchesEnd(text: string, from: number, run: Run): boolean {
  let at = text.length
  for (let index = run.length - 1; index >= 0; index--) {
    const piece = run[index]
    if (piece === undefined) {
      at -= (text.codePointAt(at - 2) ?? 0) > 0xffff ? 2 : 1
    } else {
      at -= piece.length
      if (!text.startsWith(piece, Math.max(at, 0))) return false
    }
    if (at < from) return false
  }
  return true
}
