// A B+ tree of rows in memory that is copied on write: a tree, once made, never changes, so a snapshot
// is a reference to one. An edit copies the nodes on its path, each of them once.

import type { Bytes } from '../base/bytes.ts'
import type { Range, Row } from './engine.ts'
import { nameOf, type RowCursor, type View } from './view.ts'

/** Entries of a node before it is split, and below which it is merged with a neighbour. */
const [mostEntries, fewEntries] = [64, 16]

/** Memory of a row beside its bytes, in bytes: two arrays, a string, and their places in a node. */
const rowOverheadBytes = 256

interface Leaf {
  readonly kind: 'leaf'
  /** The edit that made the node and may still change it. */
  readonly edit: RowTreeEdit | undefined
  /** The keys as latin1 strings, ascending; those of `rows`. */
  readonly names: string[]
  readonly rows: Row[]
}

interface Branch {
  readonly kind: 'branch'
  readonly edit: RowTreeEdit | undefined
  /** For each child a lower bound of its names; those of the first are not compared. */
  readonly names: string[]
  readonly children: TreeNode[]
}

type TreeNode = Leaf | Branch

/** The rows of one moment. */
export class RowTree implements View {
  static readonly empty: RowTree = new RowTree(
    { kind: 'leaf', edit: undefined, names: [], rows: [] },
    0,
  )
  readonly root: TreeNode
  /** The memory that the rows take, roughly. */
  readonly sizeBytes: number

  constructor(root: TreeNode, sizeBytes: number) {
    this.root = root
    this.sizeBytes = sizeBytes
  }

  get(key: Bytes): Bytes | undefined {
    return find(this.root, nameOf(key))?.value
  }

  scan(range: Range): RowCursor {
    return new TreeCursor(this.root, range)
  }
}

/** A tree that is being changed. Its reads see its changes; no cursor may be open across a change. */
export class RowTreeEdit implements View {
  #root: TreeNode
  #sizeBytes: number

  constructor(tree: RowTree) {
    this.#root = tree.root
    this.#sizeBytes = tree.sizeBytes
  }

  get(key: Bytes): Bytes | undefined {
    return find(this.#root, nameOf(key))?.value
  }

  scan(range: Range): RowCursor {
    return new TreeCursor(this.#root, range)
  }

  /** Copies both arrays, which the caller may reuse. */
  put(key: Bytes, value: Bytes): void {
    const row: Row = { key: Buffer.from(key), value: Buffer.from(value) }
    const name = nameOf(row.key)
    const before = find(this.#root, name)
    this.#sizeBytes += sizeOf(row) - (before === undefined ? 0 : sizeOf(before))
    const node = this.#put(this.#root, name, row)
    const sibling = split(node, this)
    this.#root =
      sibling === undefined
        ? node
        : { kind: 'branch', edit: this, names: ['', firstOf(sibling)], children: [node, sibling] }
  }

  delete(key: Bytes): void {
    const name = nameOf(key)
    const before = find(this.#root, name)
    if (before === undefined) return
    this.#sizeBytes -= sizeOf(before)
    let root = this.#delete(this.#root, name)
    while (root.kind === 'branch' && root.children.length === 1) root = root.children[0] ?? root
    this.#root = root
  }

  /** The changed tree. The edit must not be used afterwards. */
  finish(): RowTree {
    return new RowTree(this.#root, this.#sizeBytes)
  }

  #put(node: TreeNode, name: string, row: Row): TreeNode {
    const own = this.#own(node)
    if (own.kind === 'leaf') {
      const index = lowerBound(own.names, name)
      const isThere = own.names[index] === name
      own.names.splice(index, isThere ? 1 : 0, name)
      own.rows.splice(index, isThere ? 1 : 0, row)
      return own
    }
    const index = childIndex(own, name)
    const child = this.#put(childAt(own, index), name, row)
    own.children[index] = child
    const sibling = split(child, this)
    if (sibling !== undefined) {
      own.names.splice(index + 1, 0, firstOf(sibling))
      own.children.splice(index + 1, 0, sibling)
    }
    return own
  }

  /** `node` without the row `name`, which it has. */
  #delete(node: TreeNode, name: string): TreeNode {
    const own = this.#own(node)
    if (own.kind === 'leaf') {
      const index = lowerBound(own.names, name)
      own.names.splice(index, 1)
      own.rows.splice(index, 1)
      return own
    }
    const index = childIndex(own, name)
    const child = this.#delete(childAt(own, index), name)
    own.children[index] = child
    if (child.names.length < fewEntries && own.children.length > 1) {
      this.#merge(own, Math.min(index, own.children.length - 2))
    }
    return own
  }

  /** Joins the children at `index` and after it if they fit in one node. */
  #merge(branch: Branch, index: number): void {
    const left = this.#own(childAt(branch, index))
    const right = childAt(branch, index + 1)
    if (left.names.length + right.names.length > mostEntries) return
    if (left.kind === 'leaf' && right.kind === 'leaf') {
      left.names.push(...right.names)
      left.rows.push(...right.rows)
    } else if (left.kind === 'branch' && right.kind === 'branch') {
      // The first bound of a node is not kept; that of the parent is as good.
      left.names.push(branch.names[index + 1] ?? '', ...right.names.slice(1))
      left.children.push(...right.children)
    }
    branch.children.splice(index, 2, left)
    branch.names.splice(index + 1, 1)
  }

  /** `node` if this edit made it, else a copy that it may change. */
  #own(node: TreeNode): TreeNode {
    if (node.edit === this) return node
    return node.kind === 'leaf'
      ? { kind: 'leaf', edit: this, names: [...node.names], rows: [...node.rows] }
      : { kind: 'branch', edit: this, names: [...node.names], children: [...node.children] }
  }
}

/** Moves the second half of an overfull node into a new one, which is returned. */
function split(node: TreeNode, edit: RowTreeEdit): TreeNode | undefined {
  if (node.names.length <= mostEntries) return undefined
  const at = node.names.length >> 1
  const names = node.names.splice(at)
  return node.kind === 'leaf'
    ? { kind: 'leaf', edit, names, rows: node.rows.splice(at) }
    : { kind: 'branch', edit, names, children: node.children.splice(at) }
}

function firstOf(node: TreeNode): string {
  return node.names[0] ?? ''
}

function find(root: TreeNode, name: string): Row | undefined {
  let node = root
  while (node.kind === 'branch') node = childAt(node, childIndex(node, name))
  const index = lowerBound(node.names, name)
  return node.names[index] === name ? node.rows[index] : undefined
}

/** The index of the child whose names may include `name`. */
function childIndex({ names }: Branch, name: string): number {
  const index = lowerBound(names, name)
  return names[index] === name ? index : Math.max(index - 1, 0)
}

function childAt(branch: Branch, index: number): TreeNode {
  const child = branch.children[index]
  if (child === undefined) throw new Error('a branch without the child that it was asked for')
  return child
}

/** The index of the first name that is not less than `name`. */
function lowerBound(names: readonly string[], name: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((names[middle] ?? '') < name) low = middle + 1
    else high = middle
  }
  return low
}

function sizeOf({ key, value }: Row): number {
  return key.length + value.length + rowOverheadBytes
}

/** A place in a node on the path of a cursor. */
interface Step {
  readonly node: TreeNode
  index: number
}

class TreeCursor implements RowCursor {
  readonly #path: Step[] = []
  readonly #isReverse: boolean
  readonly #bound: string | undefined

  constructor(root: TreeNode, { start, end, reverse = false }: Range) {
    this.#isReverse = reverse
    const limit = end === undefined ? undefined : nameOf(end)
    this.#bound = reverse ? nameOf(start) : limit
    this.#descend(root, reverse ? limit : nameOf(start))
  }

  next(): Row | undefined {
    const step = this.#path.at(-1)
    if (step?.node.kind !== 'leaf') return undefined
    const name = step.node.names[step.index]
    const row = step.node.rows[step.index]
    if (name === undefined || row === undefined || !this.#isWithin(name)) {
      this.close()
      return undefined
    }
    this.#advance()
    return row
  }

  close(): void {
    this.#path.length = 0
  }

  #isWithin(name: string): boolean {
    if (this.#bound === undefined) return true
    return this.#isReverse ? name >= this.#bound : name < this.#bound
  }

  /** Goes to the first row at or after `name`, or in reverse to the last before it; else to the end. */
  #descend(root: TreeNode, name: string | undefined): void {
    let node = root
    while (node.kind === 'branch') {
      const index = name === undefined ? node.children.length - 1 : childIndex(node, name)
      this.#path.push({ node, index })
      node = childAt(node, index)
    }
    const found = name === undefined ? node.names.length : lowerBound(node.names, name)
    const index = this.#isReverse ? found - 1 : found
    this.#path.push({ node, index })
    if (node.rows[index] === undefined) this.#climb()
  }

  #advance(): void {
    const step = this.#path.at(-1)
    if (step === undefined) return
    step.index += this.#isReverse ? -1 : 1
    if (step.node.names[step.index] === undefined) this.#climb()
  }

  /** Goes from the end of a leaf to the next leaf in the direction of the cursor. */
  #climb(): void {
    this.#path.pop()
    for (let step = this.#path.at(-1); step !== undefined; step = this.#path.at(-1)) {
      step.index += this.#isReverse ? -1 : 1
      const { node } = step
      const child = node.kind === 'branch' ? node.children[step.index] : undefined
      if (child !== undefined) {
        this.#enter(child)
        return
      }
      this.#path.pop()
    }
  }

  /** Goes to the first row of a subtree, or in reverse to its last. */
  #enter(root: TreeNode): void {
    let node = root
    for (;;) {
      const index = this.#isReverse ? node.names.length - 1 : 0
      this.#path.push({ node, index })
      if (node.kind === 'leaf') return
      node = childAt(node, index)
    }
  }
}
