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

/** The nodes of a request. @throws StoreError `TooManyLeaseNodes` */
export function nodesOf({ read, write }: LeasePaths): LeaseNode[] {
  const modes = new Map<string, Mode>()
  const add = (paths: readonly string[], mode: Mode, ancestorMode: Mode): void => {
    for (const path of paths) {
      const names = namesOf(s3Path(path))
      for (const [depth, name] of names.entries()) {
        const role = depth === names.length - 1 ? mode : ancestorMode
        const known = modes.get(name)
        modes.set(name, known === undefined ? role : join(known, role))
      }
    }
  }
  add(read, Mode.read, Mode.readAncestor)
  add(write, Mode.write, Mode.writeAncestor)
  if (modes.size > leaseLimits.nodes) {
    throw new StoreError({
      code: 'TooManyLeaseNodes',
      count: modes.size,
      maximum: leaseLimits.nodes,
    })
  }
  return Array.from(modes, ([name, mode]) => ({ node: idOf(name), mode }))
}

/** The nodes from the root to a write's target; the last one is the target itself. */
export function chainOf(path: WrittenPath): NodeId[] {
  if ('folder' in path) return namesOf(s3Path(path.folder)).map(idOf)
  const { key } = path
  // An object whose key is a folder's name is in that folder, with an empty name.
  return namesOf(key.endsWith('/') ? [...s3Path(key), ''] : s3Path(key)).map(idOf)
}

/** Unambiguous node names, from the root down. By path alone, 'a/' and the object '' in it are the same. */
function namesOf(path: Components): string[] {
  const names = ['0/']
  let text = ''
  for (const name of path) {
    text += name
    names.push(`${names.length}/${text}`)
  }
  return names
}

function idOf(name: string): NodeId {
  const bytes = hash('sha256', name, 'buffer')
  return { high: bytes.readBigUInt64BE(0), low: bytes.readBigUInt64BE(8) }
}
