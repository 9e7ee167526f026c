// The data structures of the lock table: tree nodes, the queues at each node, and the claims in
// them.

import type { ByMode, Mode } from './mode.ts'
import type { PathSets } from './request.ts'

/** One request in the table, from its arrival until its removal. */
export class Claim {
  readonly ticket: number
  readonly label: string | undefined
  sets: PathSets
  state: 'waiting' | 'held' | 'removed' = 'waiting'
  /** Called once, when a waiting claim is granted. */
  onGrant: (() => void) | undefined = undefined
  /** Keeps the owner's handle alive while it is set. */
  handle: object | undefined = undefined
  entries: Entry | undefined = undefined
  waitingEntries = 0

  constructor(ticket: number, sets: PathSets, label: string | undefined) {
    this.ticket = ticket
    this.sets = sets
    this.label = label
  }

  takeEntries(): Entry | undefined {
    const { entries } = this
    this.entries = undefined
    return entries
  }
}

/** A claim's place in one queue of one node. */
export class Entry {
  readonly claim: Claim
  readonly node: Node
  readonly sibling: Entry | undefined
  mode: Mode
  isWaiting = false
  previous: Entry | undefined = undefined
  next: Entry | undefined = undefined

  constructor(claim: Claim, node: Node, mode: Mode, sibling: Entry | undefined) {
    this.claim = claim
    this.node = node
    this.mode = mode
    this.sibling = sibling
  }
}

/**
 * The entries of one node in one mode: first those that don't wait at this node, then the waiting
 * ones, by ticket. Entries of one mode have the same conflicts, so once one waits, all later ones
 * wait.
 */
export class Queue {
  head: Entry | undefined = undefined
  tail: Entry | undefined = undefined
  firstWaiting: Entry | undefined = undefined

  insert(entry: Entry, before: Entry | undefined): void {
    const after = before === undefined ? this.tail : before.previous
    entry.previous = after
    entry.next = before
    if (after === undefined) this.head = entry
    else after.next = entry
    if (before === undefined) this.tail = entry
    else before.previous = entry
    if (entry.isWaiting) this.firstWaiting ??= entry
  }

  remove(entry: Entry): void {
    if (this.firstWaiting === entry) this.firstWaiting = entry.next
    if (entry.previous === undefined) this.head = entry.next
    else entry.previous.next = entry.next
    if (entry.next === undefined) this.tail = entry.previous
    else entry.next.previous = entry.previous
  }
}

/** A node of the tree, with the claims on it or on something below it. */
export class Node {
  readonly parent: Node | undefined
  readonly name: string
  readonly queues: ByMode<Queue | undefined> = [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]
  children: Map<string, Node> | undefined = undefined
  entryCount = 0
  /** The entry at this node of the claim that is being entered. */
  draft: Entry | undefined = undefined
  isListedIdle = false

  constructor(parent: Node | undefined, name: string) {
    this.parent = parent
    this.name = name
  }
}
