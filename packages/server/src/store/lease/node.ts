// Where leases meet: the nodes of a bucket's tree of paths, and the mode that a lease has at each.
// Modes and their conflicts are pathlock's; paths are S3's exactly: a folder's name keeps its slash.

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

/** One node that a lease needs, in the join of all the roles it has there. */
export interface LeaseNode {
  readonly node: NodeId
  readonly mode: Mode
}

/** What a write changes: the object of a key, or a folder with all below it. */
export type WrittenPath = { readonly key: string } | { readonly folder: string }

/**
 * The places of the modes in the order of rows, by mode, such that what a writer meets on its way
 * down (`read`, `readAndWriteAncestor`, `write`) stands together at the end.
 */
const ranks: Readonly<Record<Mode, number>> = {
  [Mode.readAncestor]: 0,
  [Mode.writeAncestor]: 1,
  [Mode.read]: 2,
  [Mode.readAndWriteAncestor]: 3,
  [Mode.write]: 4,
}

/** The place of a mode in the order of rows. */
export function rankOf(mode: Mode): number {
  return ranks[mode]
}

/** The first rank that a write conflicts with at the ancestors of its path; and at the path itself. */
export const ancestorRank: number = ranks[Mode.read]
export const pathRank: number = ranks[Mode.readAncestor]
/** The rank of what is held to write at the path of a lease. */
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

/** The nodes of a request. @throws StoreError `TooManyLeaseNodes` when they are too many */
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

/** The nodes on the way to what a write changes, from the root; the last one is the path itself. */
export function chainOf(path: WrittenPath): NodeId[] {
  if ('folder' in path) return namesOf(s3Path(path.folder)).map(idOf)
  const { key } = path
  // The object whose key is a folder's name lies in that folder, and its own name is empty.
  return namesOf(key.endsWith('/') ? [...s3Path(key), ''] : s3Path(key)).map(idOf)
}

/** Names that tell nodes apart, from the root down: the path alone is the same for 'a/' and '' in it. */
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
