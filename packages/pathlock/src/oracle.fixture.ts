// The expected behaviour, stated independently of the code: which operations conflict (by paths,
// never by modes), and what each scheme allows. Checks receive the modules under test as a
// parameter, so that mutants can replace them.

import type { Components } from './path.ts'
import type { PathSets } from './request.ts'
import type { Scheme } from './scheme.ts'

/** The modules under test. */
export interface Subject {
  readonly index: typeof import('./index.ts')
  readonly table: typeof import('./table.ts')
}

/** Checks by name; a name is a sentence about behaviour. */
export type Checks = Readonly<Record<string, (subject: Subject) => void | Promise<void>>>

/** The expected properties of a scheme. */
export interface Promised {
  readonly scheme: 'globalExclusive' | 'globalReadWrite' | 'ancestorReadWrite' | 'hierarchical'
  /** How many of the article's four harmless combinations may run together. */
  readonly score: number
  readonly conflicts: (a: PathSets, b: PathSets) => boolean
}

/** The four schemes. */
export const promises: readonly Promised[] = [
  { scheme: 'globalExclusive', score: 0, conflicts: () => true },
  { scheme: 'globalReadWrite', score: 2, conflicts: (a, b) => isWriting(a) || isWriting(b) },
  { scheme: 'ancestorReadWrite', score: 3, conflicts: (a, b) => meet(all(a), all(b)) },
  { scheme: 'hierarchical', score: 4, conflicts },
]

/**
 * True if two requests must not run together: one writes a path that is at, above or below a path
 * of the other.
 */
export function conflicts(a: PathSets, b: PathSets): boolean {
  return meet(a.write, b.write) || meet(a.write, b.read) || meet(a.read, b.write)
}

/** True if one of two paths equals the other or is an ancestor of it. */
export function areRelated(p: Components, q: Components): boolean {
  return p.every((name, depth) => depth >= q.length || name === q[depth])
}

/** A request with paths written as `a/b`; the root is the empty string. */
export function sets(request: { read?: readonly string[]; write?: readonly string[] }): PathSets {
  const split = (path: string): Components => (path === '' ? [] : path.split('/'))
  return { read: (request.read ?? []).map(split), write: (request.write ?? []).map(split) }
}

/** The paths of a binary tree: 7 of depth 2, 15 of depth 3. */
export function binaryTree(depth: number): Components[] {
  if (depth === 0) return [[]]
  const below = binaryTree(depth - 1)
  return [[], ...['a', 'b'].flatMap((name) => below.map((path) => [name, ...path]))]
}

/** All requests that read up to `size` paths and write up to `size` paths, except the empty one. */
export function allRequests(paths: readonly Components[], size: 1 | 2): PathSets[] {
  const choices: Components[][] = [[], ...paths.map((path) => [path])]
  if (size === 2) {
    paths.forEach((p, index) => {
      for (const q of paths.slice(index + 1)) choices.push([p, q])
    })
  }
  return choices
    .flatMap((read) => choices.map((write) => ({ read, write })))
    .filter(({ read, write }) => read.length + write.length > 0)
}

/**
 * Over all ordered pairs of requests, counts those that run together but must not, and those that
 * wait but need not.
 */
export function countFaults(
  { index }: Subject,
  scheme: Scheme,
  requests: readonly PathSets[],
  conflict: (a: PathSets, b: PathSets) => boolean,
): { pairs: number; unsafe: number; overBlocked: number } {
  const lock = new index.PathLock({ scheme })
  let unsafe = 0
  let overBlocked = 0
  for (const a of requests) {
    const holder = lock.tryAcquire(a)
    for (const b of requests) {
      const other = lock.tryAcquire(b)
      if (other === undefined && !conflict(a, b)) overBlocked += 1
      if (other !== undefined && conflict(a, b)) unsafe += 1
      other?.release()
    }
    holder?.release()
  }
  return { pairs: requests.length ** 2, unsafe, overBlocked }
}

/** The factor by which the usual number of runs is multiplied. */
export function testScale(): number {
  const { HOLDFAST_TEST_SCALE = '1' } = process.env
  return Number(HOLDFAST_TEST_SCALE)
}

/** Lets all pending microtasks run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function all({ read, write }: PathSets): readonly Components[] {
  return [...read, ...write]
}

function isWriting({ write }: PathSets): boolean {
  return write.length > 0
}

function meet(a: readonly Components[], b: readonly Components[]): boolean {
  return a.some((p) => b.some((q) => areRelated(p, q)))
}
