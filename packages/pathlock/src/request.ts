// Lock requests: a set of paths to read and a set to write, each path with everything below it.

import { type Components, isAtOrAbove, type ParsePath, type Path } from './path.ts'

/**
 * The paths that one task needs at the same time, each with everything below it. They may nest,
 * repeat, and occur in both lists; a written path may be read too.
 */
export interface LockRequest {
  readonly read?: Paths
  readonly write?: Paths
}

/**
 * A list, set or other iterable of paths. A string is excluded, because it is a path rather than a
 * list of paths.
 */
export type Paths = Iterable<Path> & object

/** A request in internal form: copied, and with every path split. */
export interface PathSets {
  readonly read: readonly Components[]
  readonly write: readonly Components[]
}

const noPaths: readonly Components[] = []

/** Copies a request. Throws TypeError for a string in place of a list of paths. */
export function parseRequest(request: LockRequest, parse: ParsePath): PathSets {
  return { read: parsePaths(request.read, parse), write: parsePaths(request.write, parse) }
}

/** Splits a path, or copies its components. */
export function parsePath(path: Path, parse: ParsePath): Components {
  return typeof path === 'string' ? parse(path) : path.slice()
}

/** True if a claim on `sets` permits `mode` at `path`. */
export function covers(sets: PathSets, path: Components, mode: 'read' | 'write'): boolean {
  const isCovering = (above: Components): boolean => isAtOrAbove(above, path)
  return sets.write.some(isCovering) || (mode === 'read' && sets.read.some(isCovering))
}

/** True if `part` has only paths of `whole`, and writes only paths that `whole` writes. */
export function isSubset(part: PathSets, whole: PathSets): boolean {
  const written = new Set(whole.write.map(pathKey))
  const named = new Set([...written, ...whole.read.map(pathKey)])
  return (
    part.write.every((path) => written.has(pathKey(path))) &&
    part.read.every((path) => named.has(pathKey(path)))
  )
}

function parsePaths(paths: Paths | undefined, parse: ParsePath): readonly Components[] {
  if (paths === undefined) return noPaths
  if (typeof paths === 'string')
    throw new TypeError('read and write are lists of paths, not a path')
  const parsed: Components[] = []
  for (const path of paths) parsed.push(parsePath(path, parse))
  return parsed
}

function pathKey(path: Components): string {
  return JSON.stringify(path)
}
