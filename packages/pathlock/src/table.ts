// The lock table: all claims on all nodes of the tree. It is synchronous and knows neither promises
// nor time. A claim joins the queues of all its nodes in one step and takes the next ticket. It is
// held as soon as no claim with a lower ticket conflicts with it at any node. Claims wait only for
// lower tickets, so deadlock is impossible.

import { conflicts, type Mode } from './mode.ts'
import { Claim, Entry, Node, Queue } from './node.ts'
import type { Components } from './path.ts'
import type { PathSets } from './request.ts'
import type { Scheme } from './scheme.ts'

export interface LockTableOptions {
  readonly scheme: Scheme
  /** The largest number of idle nodes kept before they are swept. */
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

  /** The number of nodes in memory. */
  get nodeCount(): number {
    return this.#nodeCount
  }

  /** Enters a claim behind all others. On return it is either held or waiting. */
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

  /** Removes a claim, held or waiting, and grants the claims that it alone blocked. Idempotent. */
  remove(claim: Claim): void {
    if (claim.state === 'removed') return
    claim.state = 'removed'
    this.#removeEntries(claim.entries)
  }

  /** Reduces a held claim to a subset of its paths. */
  reduce(claim: Claim, sets: PathSets): void {
    const before = claim.takeEntries()
    this.#draft(claim, sets)
    // A weaker entry may go to the front of its queue: every conflicting claim came later and waits
    // already.
    for (let entry = claim.entries; entry !== undefined; entry = entry.sibling) {
      this.#insert(entry, entry.node.queues[entry.mode]?.head)
    }
    this.#removeEntries(before)
    claim.sets = sets
  }

  /** All claims on any path, by ticket. */
  claims(): Claim[] {
    // Every claim with a path has an entry at the root.
    return this.#root.queues
      .flatMap((queue) => Array.from(entriesFrom(queue?.head), (entry) => entry.claim))
      .sort((a, b) => a.ticket - b.ticket)
  }

  /** The tickets of the claims that `claim` waits for, in order; at most `limit`. */
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

  /** Creates the claim's entries, one for each node, joining the modes of all its roles there. */
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

  /** True if an entry of an earlier claim at the same node conflicts with this one. */
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

  /** Grants the claims that waited at the node of a removed entry and wait for no other. */
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
   * Idle nodes are kept for a while and swept together: in V8, a Map becomes slow when a hot key is
   * deleted and set repeatedly. An idle node has only idle nodes below it, since a claim has
   * entries at all ancestors.
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
