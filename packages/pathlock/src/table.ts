// The lock table: all claims on all nodes of the tree, synchronous, without promises or time. A
// claim joins the queues of all its nodes in one step and takes the next ticket; it is held as soon
// as no claim with a lower ticket conflicts with it at any node. So waiting goes from higher to
// lower tickets only, and can't be circular.

import { conflicts, type Mode } from './mode.ts'
import { Claim, Entry, Node, Queue } from './node.ts'
import type { Components } from './path.ts'
import type { PathSets } from './request.ts'
import type { Scheme } from './scheme.ts'

/** What a lock table is made with. */
export interface LockTableOptions {
  readonly scheme: Scheme
  /** How many nodes without a claim may be kept before they are swept. */
  readonly idleNodes: number
}

/**
 * All claims on all nodes. A step costs O(depth), however many claims are held or wait, and each
 * claim is granted once.
 */
export class LockTable {
  readonly #options: LockTableOptions
  readonly #root = new Node(undefined, '')
  #lastTicket = 0
  #idle: Node[] = []
  #nodeCount = 1

  constructor(options: LockTableOptions) {
    this.#options = options
  }

  /** How many nodes are in memory. */
  get nodeCount(): number {
    return this.#nodeCount
  }

  /** Enters a claim behind all others; it is held on return, or waits. */
  enter(sets: PathSets, label: string | undefined): Claim {
    this.#lastTicket += 1
    const claim = new Claim(this.#lastTicket, sets, label)
    this.#draft(claim, sets)
    for (let entry = claim.entries; entry !== undefined; entry = entry.sibling) {
      entry.isWaiting = this.#mustWait(entry)
      if (entry.isWaiting) claim.waitingEntries += 1
      this.#insert(entry, undefined)
    }
    if (claim.waitingEntries === 0) claim.state = 'held'
    return claim
  }

  /**
   * Takes a claim out, held or waiting alike, and grants what had waited for it alone. Harmless
   * when repeated.
   */
  remove(claim: Claim): void {
    if (claim.state === 'removed') return
    claim.state = 'removed'
    this.#removeEntries(claim.entries)
  }

  /** Reduces a held claim to a subset of its paths. */
  reduce(claim: Claim, sets: PathSets): void {
    const before = claim.takeEntries()
    this.#draft(claim, sets)
    // A weaker entry in front of its queue is in order: whoever conflicts with it came later and
    // waits already.
    for (let entry = claim.entries; entry !== undefined; entry = entry.sibling) {
      this.#insert(entry, entry.node.queues[entry.mode]?.head)
    }
    this.#removeEntries(before)
    claim.sets = sets
  }

  /** All claims on any path, by ticket. */
  claims(): Claim[] {
    // Whoever claims a path has an entry at the root.
    return this.#root.queues
      .flatMap((queue) => Array.from(entriesFrom(queue?.head), (entry) => entry.claim))
      .sort((a, b) => a.ticket - b.ticket)
  }

  /** The tickets of the claims that `claim` waits for, in order; of many only `limit`. */
  blockers(claim: Claim, limit: number): number[] {
    const tickets = new Set<number>()
    for (let entry = claim.entries; entry !== undefined; entry = entry.sibling) {
      if (!entry.isWaiting) continue
      for (const mode of conflicts[entry.mode]) {
        let count = 0
        for (const other of entriesFrom(entry.node.queues[mode]?.head)) {
          if (other.claim.ticket >= claim.ticket || count === limit) break
          tickets.add(other.claim.ticket)
          count += 1
        }
      }
    }
    return [...tickets].sort((a, b) => a - b).slice(0, limit)
  }

  /**
   * Makes the claim's entries, one for each node that it needs, with the modes of all its roles
   * there joined.
   */
  #draft(claim: Claim, { read, write }: PathSets): void {
    const { scheme } = this.#options
    for (const path of read) this.#draftPath(claim, path, scheme.read, scheme.readAncestor)
    for (const path of write) this.#draftPath(claim, path, scheme.write, scheme.writeAncestor)
    for (let entry = claim.entries; entry !== undefined; entry = entry.sibling) {
      entry.node.draft = undefined
    }
  }

  #draftPath(claim: Claim, path: Components, mode: Mode, ancestorMode: Mode): void {
    let node = this.#root
    if (!this.#options.scheme.isGlobal) {
      for (const name of path) {
        this.#draftNode(claim, node, ancestorMode)
        node = this.#child(node, name)
      }
    }
    this.#draftNode(claim, node, mode)
  }

  #draftNode(claim: Claim, node: Node, mode: Mode): void {
    if (node.draft === undefined) {
      node.draft = new Entry(claim, node, mode, claim.entries)
      claim.entries = node.draft
    } else {
      node.draft.mode = this.#options.scheme.join(node.draft.mode, mode)
    }
  }

  /** Whether an entry of an earlier claim at the same node conflicts with this one. */
  #mustWait(entry: Entry): boolean {
    for (const mode of conflicts[entry.mode]) {
      const first = entry.node.queues[mode]?.head
      if (first !== undefined && first.claim.ticket < entry.claim.ticket) return true
    }
    return false
  }

  #insert(entry: Entry, before: Entry | undefined): void {
    const { node, mode } = entry
    let queue = node.queues[mode]
    if (queue === undefined) {
      queue = new Queue()
      node.queues[mode] = queue
    }
    queue.insert(entry, before)
    node.entryCount += 1
  }

  #removeEntries(first: Entry | undefined): void {
    for (let entry = first; entry !== undefined; entry = entry.sibling) {
      entry.node.queues[entry.mode]?.remove(entry)
      entry.node.entryCount -= 1
      if (entry.node.entryCount === 0) this.#listIdle(entry.node)
      else this.#grantBehind(entry)
    }
  }

  /** Grants what waited at the node of an entry that is gone and waits there for no other. */
  #grantBehind({ node, mode: goneMode }: Entry): void {
    for (const mode of conflicts[goneMode]) {
      const queue = node.queues[mode]
      while (queue?.firstWaiting !== undefined && !this.#mustWait(queue.firstWaiting)) {
        const entry = queue.firstWaiting
        entry.isWaiting = false
        queue.firstWaiting = entry.next
        this.#grant(entry.claim)
      }
    }
  }

  #grant(claim: Claim): void {
    claim.waitingEntries -= 1
    if (claim.waitingEntries > 0) return
    claim.state = 'held'
    claim.onGrant?.()
  }

  #child(parent: Node, name: string): Node {
    parent.children ??= new Map()
    let child = parent.children.get(name)
    if (child === undefined) {
      child = new Node(parent, name)
      parent.children.set(name, child)
      this.#nodeCount += 1
    }
    return child
  }

  /**
   * Nodes that nobody claims are kept for a while and swept together: a Map whose hot key is
   * deleted and set again and again becomes slow in V8. An idle node has only idle nodes below it,
   * since a claim has entries at all ancestors.
   */
  #listIdle(node: Node): void {
    if (node.isListedIdle || node.parent === undefined) return
    node.isListedIdle = true
    this.#idle.push(node)
    if (this.#idle.length <= this.#options.idleNodes) return
    for (const idle of this.#idle) {
      idle.isListedIdle = false
      if (idle.entryCount > 0) continue
      idle.parent?.children?.delete(idle.name)
      this.#nodeCount -= 1
    }
    this.#idle = []
  }
}

function* entriesFrom(first: Entry | undefined): Generator<Entry> {
  for (let entry = first; entry !== undefined; entry = entry.next) yield entry
}
