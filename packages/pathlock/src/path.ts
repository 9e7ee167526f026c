// Paths and their components. Components are compared literally: no case folding, no Unicode
// normalisation, no `.` or `..`.

/**
 * A path from the root, as names of nodes; `[]` is the root, and a proper prefix is an ancestor.
 */
export type Components = readonly string[]

/** A path as a caller gives it: literal components, or a string for the lock's `parse` to split. */
export type Path = string | Components

/** Splits the string form of a path into components. */
export type ParsePath = (path: string) => Components

/**
 * The default syntax: one leading and one trailing slash are ignored, the rest is split at each
 * slash. So `a`, `/a` and `a/` are one node, the empty string and `/` are the root, and `a//b` has
 * an empty name in the middle.
 */
export function coarsePath(path: string): Components {
  const start = path.startsWith('/') ? 1 : 0
  const end = path.length > start && path.endsWith('/') ? path.length - 1 : path.length
  return start === end ? [] : path.slice(start, end).split('/')
}

/**
 * The syntax for exact S3 keys and prefixes: a folder's name keeps its slash, and nothing is
 * normalised. The object `a` and the folder `a/` are two nodes. `/a`, `a//b` and `a/b` are related
 * only through their common prefixes. A string that ends in a slash is the folder with everything
 * below it; the object of that very key is `[...s3Path(key), '']`.
 */
export function s3Path(path: string): Components {
  return path === '' ? [] : path.split(/(?<=\/)/)
}

/** True if `above` is `path` itself or one of its ancestors. */
export function isAtOrAbove(above: Components, path: Components): boolean {
  return above.length <= path.length && above.every((name, index) => name === path[index])
}
