// The requests that wait in one process: how many each owner may have, how many of them, and of how many
// nodes, are tried at once, and the places in queues that are kept for them, many in one transaction.

import type { Clock } from '../base/clock.ts'
import { StoreError } from '../base/errors.ts'
import { leaseLimits } from '../base/limits.ts'
import type { Engine } from '../engine/engine.ts'
import type { Log } from '../observe/log.ts'
import type { QueuePlace } from '../store/lease/blocker.ts'
import { keepPlaces } from '../store/lease/lease.ts'

/** The services that the waiting requests of a process need. */
export interface WaitingOptions {
  readonly engine: Engine
  readonly clock: Clock
  readonly log: Log
}

/** Milliseconds between two times that places are kept: they outlast one that failed. */
const keepMs = leaseLimits.waitingPlaceMs / 2 - 1000

/** An attempt whose turn has not come. */
interface Turn {
  readonly nodes: number
  readonly begin: () => void
}

/** One owner's requests. */
interface Share {
  leases: number
  writes: number
  /** The attempts under way, and their nodes together. */
  trying: number
  tryingNodes: number
  /** In order of arrival. */
  readonly next: Turn[]
  nextNodes: number
}

/** All waits of one process. */
export class Waiting {
  readonly #options: WaitingOptions
  readonly #shares = new Map<string, Share>()
  readonly #places = new Set<QueuePlace>()
  #timer: NodeJS.Timeout | undefined
  #keeping: Promise<void> | undefined

  constructor(options: WaitingOptions) {
    this.#options = options
  }

  /**
   * Counts a request of an owner as waiting until the function that it gives is called.
   * @param place of a request for a lease, to be kept; a write has none
   * @throws StoreError `TooManyWaiting` if the owner has too many
   */
  enter(ownerId: string, place: QueuePlace | undefined): () => void {
    const share = this.#shareOf(ownerId)
    const kind = place === undefined ? 'writes' : 'leases'
    const most = kind === 'writes' ? leaseLimits.waitingWrites : leaseLimits.waitingLeases
    if (share[kind] >= most) {
      throw new StoreError({ code: 'TooManyWaiting', maximum: most })
    }
    share[kind]++
    if (place !== undefined) this.#keepFromNowOn(place)
    return () => {
      share[kind]--
      this.#forget(ownerId, share)
      if (place === undefined) return
      this.#places.delete(place)
      if (this.#places.size === 0) this.#stopKeeping()
    }
  }

  /**
   * Does `action` when few enough others of the same owner are under way, in the order they came.
   * @param nodes the nodes of leases that it changes; 0 for a write, which changes none
   */
  async inTurn<T>(ownerId: string, action: () => Promise<T>, nodes = 0): Promise<T> {
    const share = this.#shareOf(ownerId)
    if (share.next.length === 0 && hasRoom(share, nodes)) begin(share, nodes)
    else await new Promise<void>((resolve) => wait(share, { nodes, begin: resolve }))
    try {
      return await action()
    } finally {
      share.trying--
      share.tryingNodes -= nodes
      beginNext(share)
      this.#forget(ownerId, share)
    }
  }

  /**
   * Refuses a request whose turn would come too late, and whose paths would be held meanwhile.
   * @throws StoreError `TooManyWaiting`
   */
  checkTurn(ownerId: string, nodes: number): void {
    const share = this.#shares.get(ownerId)
    if (share === undefined || share.nextNodes + nodes <= leaseLimits.nodesInTurn) return
    throw new StoreError({ code: 'TooManyWaiting', maximum: share.next.length })
  }

  /** Keeps the places of all that wait for leases now. */
  async keep(): Promise<void> {
    const { engine, clock } = this.#options
    const places = [...this.#places]
    for (let from = 0; from < places.length; from += leaseLimits.placesKeptAtOnce) {
      const some = places
        .slice(from, from + leaseLimits.placesKeptAtOnce)
        .filter((place) => this.#places.has(place))
      if (some.length > 0) await engine.write((tx) => keepPlaces(tx, some, clock.now()))
    }
  }

  /** Keeps no place any more; the requests end by their own signals. */
  async close(): Promise<void> {
    this.#stopKeeping()
    await this.#keeping
  }

  #shareOf(ownerId: string): Share {
    const known = this.#shares.get(ownerId)
    if (known !== undefined) return known
    const share: Share = {
      leases: 0,
      writes: 0,
      trying: 0,
      tryingNodes: 0,
      next: [],
      nextNodes: 0,
    }
    this.#shares.set(ownerId, share)
    return share
  }

  #forget(ownerId: string, share: Share): void {
    const isUsed = share.leases + share.writes + share.trying > 0
    if (!isUsed && this.#shares.get(ownerId) === share) this.#shares.delete(ownerId)
  }

  #keepFromNowOn(place: QueuePlace): void {
    this.#places.add(place)
    this.#timer ??= setInterval(() => {
      this.#keeping ??= this.keep()
        .catch((error: unknown) => {
          // The places last until the next time.
          this.#options.log.warn('could not keep places in queues for leases', { error })
        })
        .finally(() => {
          this.#keeping = undefined
        })
    }, keepMs).unref()
  }

  #stopKeeping(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** True if an attempt may begin now. One of too many nodes is tried alone. */
function hasRoom({ trying, tryingNodes }: Share, nodes: number): boolean {
  if (trying >= leaseLimits.triedAtOnce) return false
  return trying === 0 || tryingNodes + nodes <= leaseLimits.nodesTriedAtOnce
}

function begin(share: Share, nodes: number): void {
  share.trying++
  share.tryingNodes += nodes
}

function wait(share: Share, turn: Turn): void {
  share.next.push(turn)
  share.nextNodes += turn.nodes
}

/** Begins the attempts for which there is room. */
function beginNext(share: Share): void {
  for (;;) {
    const [turn] = share.next
    if (turn === undefined || !hasRoom(share, turn.nodes)) return
    share.next.shift()
    share.nextNodes -= turn.nodes
    begin(share, turn.nodes)
    turn.begin()
  }
}
