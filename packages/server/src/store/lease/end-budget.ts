// Bounds the expired leases that one transaction ends, so that no request does much of the work of others.

import { leaseLimits } from '../../base/limits.ts'

/** What is left for one transaction. */
export class EndBudget {
  #leases: number = leaseLimits.endedAtOnce
  #nodes: number = leaseLimits.nodes

  get isSpent(): boolean {
    return this.#leases <= 0 || this.#nodes <= 0
  }

  /** Counts a lease with its nodes, of which the last may have more than are left. */
  spend(nodes: number): void {
    this.#leases--
    this.#nodes -= nodes
  }
}
