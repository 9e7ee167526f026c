// The row that every commit rewrites: the number of the commit, so that one look tells whether
// anything was committed since, and the claim of a process whose transactions lost too often to
// those of other processes: while it stands, only that process commits.

import type { Bytes } from '../base/bytes.ts'

/** What the state row says. */
export interface CommitState {
  /** Number of the last commit; 0 in an empty store. */
  readonly sequence: number
  readonly claim: Claim | undefined
}

/** The right to the next commit. */
export interface Claim {
  /** Who holds it: a random number for each time a store is opened. */
  readonly owner: bigint
  /** Until when, in milliseconds of the clock that all processes of a machine share. */
  readonly untilMs: number
}

/** Milliseconds that a claim stands at most: time to rerun a batch, short if its process dies. */
export const claimMs = 100

/** The state row's value. */
export function encodeCommitState({ sequence, claim }: CommitState): Buffer {
  const bytes = Buffer.alloc(24)
  bytes.writeDoubleBE(sequence, 0)
  if (claim !== undefined) {
    bytes.writeBigUInt64BE(claim.owner, 8)
    bytes.writeDoubleBE(claim.untilMs, 16)
  }
  return bytes
}

/** What the state row says; an absent row is an empty store. */
export function decodeCommitState(value: Bytes | undefined): CommitState {
  if (value === undefined) return { sequence: 0, claim: undefined }
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const owner = bytes.readBigUInt64BE(8)
  return {
    sequence: bytes.readDoubleBE(0),
    claim: owner === 0n ? undefined : { owner, untilMs: bytes.readDoubleBE(16) },
  }
}

/**
 * True when another process than `owner` holds a claim that stands at `nowMs`. A claim from before a
 * restart of the machine, when the clock began anew, lies too far ahead and doesn't count.
 */
export function isClaimedByOther({ claim }: CommitState, owner: bigint, nowMs: number): boolean {
  if (claim === undefined || claim.owner === owner) return false
  return claim.untilMs > nowMs && claim.untilMs <= nowMs + claimMs
}

/** The clock that all processes of a machine share (CLOCK_MONOTONIC), in milliseconds. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}
