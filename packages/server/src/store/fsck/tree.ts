// The tree's part of fsck: recounts every reference and checks the rows against the tree's invariants.
// Reads each row once, plus the rows of an overlay's base that are needed to find a live entry. Keeps a
// few numbers per directory in memory.

import type { DirectoryId } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import type { Body } from '../row/record.ts'
import { decodeCompaction } from '../tree/compaction.ts'
import {
  type DirectoryRow,
  decodeDirectory,
  decodeEntry,
  type FolderEntry,
  isFolderName,
  recordOf,
  showKey,
} from '../tree/entry.ts'
import { scanEntries } from '../tree/layer.ts'
import * as treeSchema from '../tree/schema.ts'
import { snapshotDirectory } from '../tree/snapshot.ts'

/** A violated invariant. */
export interface Finding {
  /** The invariant, in one sentence. */
  readonly invariant: string
  /** The row at which the violation was found. */
  readonly where: string
  readonly detail: string
  /** The damaged or lost body, if any: `body 12`, `blob 3-17`. */
  readonly body?: string | undefined
  /** Some of the objects that have the body, as `bucket/key`. */
  readonly objects?: readonly string[] | undefined
  /** True if an operator accepted it with `--accept-…`: it is shown, and isn't an error. */
  readonly isAccepted?: true
}

/** A bucket's tree. */
export interface BucketRoot {
  readonly bucket: string
  readonly root: DirectoryId
}

/** The callbacks of a check. */
export interface TreeCheckOptions {
  /** Called for each reference that an entry holds to a body. */
  readonly onBody?: ((body: Body, where: string) => void) | undefined
}

interface Node {
  readonly row: DirectoryRow
  /** The number of references found. */
  refs: number
  /** Directories that entries lead to, with the bytes of the entries' names. */
  readonly children: { readonly child: DirectoryId; readonly nameBytes: number }[]
  longestObject: number
  living: number
}

type Nodes = Map<DirectoryId, Node>

/** Yields the findings about the trees of all buckets. `roots` must have every bucket. */
export async function* checkTree(
  tx: ReadTransaction,
  roots: Iterable<BucketRoot>,
  options: TreeCheckOptions = {},
): AsyncGenerator<Finding> {
  const nodes: Nodes = new Map()
  for await (const { key, value } of tx.range(treeSchema.directories())) {
    nodes.set(treeSchema.directoryId(key), newNode(decodeDirectory(value)))
  }
  yield* countEntries(tx, nodes, options)
  const tops: DirectoryId[] = []
  for (const { bucket, root } of roots) {
    tops.push(root)
    const node = nodes.get(root)
    if (node !== undefined) node.refs++
    else yield missing(`bucket ${JSON.stringify(bucket)}`, root)
  }
  yield* countBases(nodes)
  const merged = await readMergedLayers(tx)
  yield* countHeld(nodes, 'a compaction', merged)
  const snapshots = await readSnapshots(tx)
  yield* countHeld(nodes, 'a snapshot', snapshots)
  yield* checkReferences(nodes)
  yield* checkQueue(tx, nodes)
  yield* checkLinks(tx, nodes)
  const order = orderOf(nodes)
  yield* order.findings
  yield* checkBounds(nodes, order.order, new Set(tops))
  yield* checkReachable(tx, nodes, tops, [...merged, ...snapshots])
}

function newNode(row: DirectoryRow): Node {
  return { row, refs: 0, children: [], longestObject: 0, living: 0 }
}

async function* countEntries(
  tx: ReadTransaction,
  nodes: Nodes,
  { onBody }: TreeCheckOptions,
): AsyncGenerator<Finding> {
  for await (const { key, value } of tx.range(treeSchema.allEntries())) {
    const { id, name } = treeSchema.parseEntry(key)
    const where = `entry ${showKey(name)} of directory ${id}`
    const node = nodes.get(id)
    if (node === undefined) {
      yield { invariant: 'an entry is in a directory', where, detail: 'the directory has no row' }
      continue
    }
    const entry = decodeEntry(value)
    if (entry.kind !== 'tombstone') node.living++
    const slash = name.indexOf(0x2f)
    if (slash !== -1 && slash !== name.byteLength - 1) {
      yield { invariant: 'a name has no slash but at its end', where, detail: entry.kind }
    }
    switch (entry.kind) {
      case 'object':
        if (isFolderName(name)) yield wrongName(where, entry.kind)
        node.longestObject = Math.max(node.longestObject, name.byteLength)
        onBody?.(recordOf(entry).body, where)
        break
      case 'folder':
        if (!isFolderName(name)) yield wrongName(where, entry.kind)
        node.children.push({ child: entry.child, nameBytes: name.byteLength })
        yield* countChild(nodes, entry, where)
        break
      case 'tombstone':
        if (node.row.base !== undefined) break
        yield { invariant: 'a tombstone hides something in a base', where, detail: 'no base' }
        break
    }
  }
}

function wrongName(where: string, kind: string): Finding {
  return { invariant: 'the names of folders end in a slash, of objects not', where, detail: kind }
}

function* countChild(nodes: Nodes, entry: FolderEntry, where: string): Generator<Finding> {
  const child = nodes.get(entry.child)
  if (child === undefined) {
    yield missing(where, entry.child)
    return
  }
  child.refs++
  if (child.row.base === undefined || entry.layered) return
  yield {
    invariant: 'an entry that leads to an overlay says so',
    where,
    detail: `directory ${entry.child} has the base ${child.row.base}`,
  }
}

function missing(where: string, id: DirectoryId): Finding {
  return { invariant: 'a reference leads to a directory', where, detail: `${id} has no row` }
}

/** The layers that compactions are building. Each holds a reference. */
async function readMergedLayers(tx: ReadTransaction): Promise<DirectoryId[]> {
  const merged: DirectoryId[] = []
  for await (const { value } of tx.range(treeSchema.compactions())) {
    const job = decodeCompaction(value)
    if (job.phase === 'merge') merged.push(job.merged)
  }
  return merged
}

/** The directories referenced by folder snapshots. */
async function readSnapshots(tx: ReadTransaction): Promise<DirectoryId[]> {
  const held: DirectoryId[] = []
  for await (const { value } of tx.range(treeSchema.allSnapshots()))
    held.push(snapshotDirectory(value))
  return held
}

/** Counts the references of holders other than entries and bases. */
function* countHeld(nodes: Nodes, holder: string, ids: readonly DirectoryId[]): Generator<Finding> {
  for (const id of ids) {
    const node = nodes.get(id)
    if (node !== undefined) node.refs++
    else yield missing(holder, id)
  }
}

function* countBases(nodes: Nodes): Generator<Finding> {
  for (const [id, { row }] of nodes) {
    if (row.base === undefined) continue
    const base = nodes.get(row.base)
    if (base === undefined) yield missing(`directory ${id}`, row.base)
    else base.refs++
  }
}

function* checkReferences(nodes: Nodes): Generator<Finding> {
  for (const [id, { row, refs }] of nodes) {
    if (row.refs === refs) continue
    yield {
      invariant: 'a directory counts its references',
      where: `directory ${id}`,
      detail: `counts ${row.refs}, has ${refs}`,
    }
  }
}

async function* checkQueue(tx: ReadTransaction, nodes: Nodes): AsyncGenerator<Finding> {
  const queued = new Set<DirectoryId>()
  const invariant = 'exactly the directories without a reference are queued for collection'
  for await (const { key } of tx.range(treeSchema.queue())) {
    const id = treeSchema.directoryId(key)
    queued.add(id)
    const node = nodes.get(id)
    if (node?.row.refs === 0) continue
    const detail = node === undefined ? 'it has no row' : `it counts ${node.row.refs} references`
    yield { invariant, where: `queued directory ${id}`, detail }
  }
  for (const [id, { row }] of nodes) {
    if (row.refs > 0 || queued.has(id)) continue
    yield { invariant, where: `directory ${id}`, detail: 'it is not queued' }
  }
}

async function* checkLinks(tx: ReadTransaction, nodes: Nodes): AsyncGenerator<Finding> {
  const invariant = 'a base knows its overlays'
  let linked = 0
  for await (const { key } of tx.range(treeSchema.allOverlayLinks())) {
    const { base, overlay } = treeSchema.parseOverlayLink(key)
    linked++
    if (nodes.get(overlay)?.row.base === base) continue
    yield { invariant, where: `link from base ${base}`, detail: `${overlay} is no overlay of it` }
  }
  const overlays = [...nodes.values()].filter(({ row }) => row.base !== undefined).length
  if (linked !== overlays) {
    yield { invariant, where: 'links', detail: `${linked} links, ${overlays} overlays` }
  }
  for (const range of [treeSchema.livingHints(), treeSchema.allRowsWritten()]) {
    for await (const { key } of tx.range(range)) {
      const id = treeSchema.directoryId(key)
      if (nodes.has(id)) continue
      const where = `hint or counter of directory ${id}`
      yield { invariant: 'a hint is about a directory', where, detail: 'the directory has no row' }
    }
  }
}

/** A topological order: directories come after all directories that they lead to. Cycles are findings. */
function orderOf(nodes: Nodes): { order: DirectoryId[]; findings: Finding[] } {
  const order: DirectoryId[] = []
  const findings: Finding[] = []
  const state = new Map<DirectoryId, 'open' | 'done'>()
  for (const top of nodes.keys()) {
    const stack: { id: DirectoryId; next: number; targets: DirectoryId[] }[] = []
    const enter = (id: DirectoryId, from: DirectoryId): void => {
      const node = nodes.get(id)
      if (node === undefined || state.get(id) === 'done') return
      if (state.get(id) === 'open') {
        const detail = `leads back to directory ${id}`
        findings.push({
          invariant: 'no directory is in itself',
          where: `directory ${from}`,
          detail,
        })
        return
      }
      state.set(id, 'open')
      stack.push({ id, next: 0, targets: targetsOf(node) })
    }
    enter(top, top)
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const target = frame.targets[frame.next++]
      if (target !== undefined) {
        enter(target, frame.id)
        continue
      }
      state.set(frame.id, 'done')
      order.push(frame.id)
      stack.pop()
    }
  }
  return { order, findings }
}

function targetsOf({ row, children }: Node): DirectoryId[] {
  const targets = children.map(({ child }) => child)
  if (row.base !== undefined) targets.push(row.base)
  return targets
}

/** Checks the bounds against the keys that directories lead to by their own rows. */
function* checkBounds(
  nodes: Nodes,
  order: readonly DirectoryId[],
  roots: ReadonlySet<DirectoryId>,
): Generator<Finding> {
  const longest = new Map<DirectoryId, number>()
  for (const id of order) {
    const node = nodes.get(id)
    if (node === undefined) continue
    let bytes = node.longestObject
    for (const { child, nameBytes } of node.children) {
      bytes = Math.max(bytes, nameBytes + (longest.get(child) ?? 0))
    }
    longest.set(id, bytes)
    if (roots.has(id) || bytes <= node.row.longestSuffix) continue
    yield {
      invariant: 'a directory bounds the keys below it',
      where: `directory ${id}`,
      detail: `bound ${node.row.longestSuffix}, longest ${bytes} bytes`,
    }
  }
}

async function* checkReachable(
  tx: ReadTransaction,
  nodes: Nodes,
  roots: readonly DirectoryId[],
  held: readonly DirectoryId[],
): AsyncGenerator<Finding> {
  const living = reach(nodes, roots)
  const isRoot = new Set(roots)
  const folders = new Set<DirectoryId>()
  for (const id of living) {
    const node = nodes.get(id)
    if (node === undefined) continue
    if (node.row.refs === 0) {
      const invariant = 'what a bucket leads to is not dead'
      yield { invariant, where: `directory ${id}`, detail: 'it counts no references' }
    }
    for (const { child } of node.children) folders.add(child)
  }
  for (const id of folders) {
    const node = nodes.get(id)
    if (node === undefined || isRoot.has(id) || (await hasEntry(tx, id, node))) continue
    const invariant = 'no folder is empty'
    yield { invariant, where: `directory ${id}`, detail: 'nothing is in it' }
  }
  const dead = [...nodes].filter(([, { row }]) => row.refs === 0).map(([id]) => id)
  const known = reach(nodes, [...roots, ...dead, ...held])
  for (const id of nodes.keys()) {
    if (known.has(id)) continue
    const invariant = 'a bucket, a snapshot or the queue leads to every directory'
    yield { invariant, where: `directory ${id}`, detail: 'nothing leads to it' }
  }
}

function reach(nodes: Nodes, from: readonly DirectoryId[]): Set<DirectoryId> {
  const reached = new Set<DirectoryId>()
  const pending = [...from]
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const node = nodes.get(id)
    if (node === undefined || reached.has(id)) continue
    reached.add(id)
    pending.push(...targetsOf(node))
  }
  return reached
}

async function hasEntry(tx: ReadTransaction, id: DirectoryId, node: Node): Promise<boolean> {
  if (node.row.base === undefined) return node.living > 0
  const view = { id, override: undefined, layered: true }
  for await (const _ of scanEntries(tx, view)) return true
  return false
}
