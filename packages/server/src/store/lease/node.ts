// The nodes of a bucket's path tree, and the mode of a lease at each node. Modes and their conflicts are
// pathlock's. Paths are exactly S3's: a folder's name keeps its slash.

import { hash } from 'node:crypto'
import { type Components, conflicts, join, Mode, s3Path } from 'pathlock'
import { StoreError } from '../../base/errors.ts'
import { leaseLimits } from '../../base/limits.ts'
import type { NodeId } from './schema.ts'

/** The paths of a lease: an object's key, a folder that ends in '/', or '' for the whole bucket. */
export interface LeasePaths {
  readonly read: readonly string[]
  readonly write: readonly string[]
}

/** One node of a lease, with the join of the modes that its paths need there. */
export interface LeaseNode {
  readonly node: NodeId
  readonly mode: Mode
  /** The index of the node above it in the same list; undefined for the root. */
  readonly parent: number | undefined
}

/** The target of a write: the object of a key, or a folder with its contents. */
export type WrittenPath = { readonly key: string } | { readonly folder: string }

/**
 * The position of each mode in the order of rows. The modes that conflict with a write at an ancestor
 * (`read`, `readAndWriteAncestor`, `write`) are contiguous at the end.
 */
const ranks: Readonly<Record<Mode, number>> = {
  [Mode.readAncestor]: 0,
  [Mode.writeAncestor]: 1,
  [Mode.read]: 2,
  [Mode.readAndWriteAncestor]: 3,
  [Mode.write]: 4,
}

/** The position of a mode in the order of rows. */
export function rankOf(mode: Mode): number {
  return ranks[mode]
}

/** The lowest rank that conflicts with a write, both at the ancestors of its path and at the path itself. */
export const ancestorRank: number = ranks[Mode.read]
export const pathRank: number = ranks[Mode.readAncestor]
/** The rank of a write lease at its own path. */
export const writeRank: number = ranks[Mode.write]

/** The ranks that a request of `mode` can't share a node with. */
export function conflictingRanks(mode: Mode): readonly number[] {
  return conflicts[mode].map(rankOf)
}

/** The ranks that a row of `rank` can't share a node with. */
export function conflictsOfRank(rank: number): readonly number[] {
  const mode = Object.values(Mode).find((one) => ranks[one] === rank)
  return mode === undefined ? [] : conflictingRanks(mode)
}

/** A node before its name is hashed, which is refused if there are too many. */
interface NamedNode {
  mode: Mode
  readonly index: number
  readonly parent: number | undefined
  /** The node's depth and path make its name. */
  readonly depth: number
  readonly path: string
  readonly length: number
}

/** The nodes of a request, each behind its parent. @throws StoreError `TooManyLeaseNodes` */
export function nodesOf({ read, write }: LeasePaths): LeaseNode[] {
  // By parent and component: whole paths as keys would make the work quadratic in a path's depth.
  const found = new Map<string, NamedNode>()
  const addNode = (key: string, node: Omit<NamedNode, 'index'>): number => {
    const known = found.get(key)
    if (known === undefined) found.set(key, { ...node, index: found.size })
    else known.mode = join(known.mode, node.mode)
    return known?.index ?? found.size - 1
  }
  const add = (paths: readonly string[], mode: Mode, ancestorMode: Mode): void => {
    for (const path of paths) {
      const components = s3Path(path)
      const modeAt = (depth: number): Mode => (depth === components.length ? mode : ancestorMode)
      let parent = addNode('', { mode: modeAt(0), parent: undefined, depth: 0, path, length: 0 })
      let length = 0
      for (const [at, name] of components.entries()) {
        length += name.length
        const depth = at + 1
        const node = { mode: modeAt(depth), parent, depth, path, length }
        parent = addNode(`${parent}/${name}`, node)
      }
    }
  }
  add(read, Mode.read, Mode.readAncestor)
  add(write, Mode.write, Mode.writeAncestor)
  if (found.size > leaseLimits.nodes) {
    throw new StoreError({
      code: 'TooManyLeaseNodes',
      count: found.size,
      maximum: leaseLimits.nodes,
    })
  }
  return Array.from(found.values(), ({ mode, parent, depth, path, length }) => ({
    node: idOf(nameOf(depth, path.slice(0, length))),
    mode,
    parent,
  }))
}

/** At least as many as the nodes of a request have, at a fraction of the cost. */
export function boundOfNodes({ read, write }: LeasePaths): number {
  let nodes = 1
  for (const path of [...read, ...write]) {
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) nodes++
    nodes++
  }
  return Math.min(nodes, leaseLimits.nodes)
}

/** The nodes from the root to a write's target; the last one is the target itself. */
export function chainOf(path: WrittenPath): NodeId[] {
  if ('folder' in path) return namesOf(s3Path(path.folder)).map(idOf)
  const { key } = path
  // An object whose key is a folder's name is in that folder, with an empty name.
  return namesOf(key.endsWith('/') ? [...s3Path(key), ''] : s3Path(key)).map(idOf)
}

function namesOf(path: Components): string[] {
  let text = ''
  const names = path.map((name, at) => {
    text += name
    return nameOf(at + 1, text)
  })
  return [nameOf(0, ''), ...names]
}

/** Unambiguous even for 'a/' and the object '' in it, which have the same path. */
function nameOf(depth: number, path: string): string {
  return `${depth}/${path}`
}

function idOf(name: string): NodeId {
  const bytes = hash('sha256', name, 'buffer')
  return { high: bytes.readBigUInt64BE(0), low: bytes.readBigUInt64BE(8) }
}
