// LIKE without backtracking. Each run of the pattern between two `%` is searched once, after the previous
// run. The time is at most the length of the pattern for each character of the text.

import { QueryError } from './error.ts'

/** The characters of a run; undefined for `_`. */
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

/** The offset after a run that matches at `start`; -1 if it doesn't match. */
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

/** The offset after the first match of a run from `start` on; -1 if there is none. */
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

/** True if the text ends with a match of the run that begins at `from` or later. */
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
