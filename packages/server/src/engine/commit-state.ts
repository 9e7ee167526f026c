// The commit-state row, which every commit rewrites. It holds the sequence number of the last
// commit, so one read tells whether anything was committed since. It also holds the claim of a
// process whose transactions lost too many races. While a claim stands, only its owner commits.

import type { Bytes } from '../base/bytes.ts'

/** The decoded commit-state row. */
export interface CommitState {
  /** Number of the last commit; 0 in an empty store. */
  readonly sequence: number
  readonly claim: Claim | undefined
}

/** The exclusive right to the next commit. */
export interface Claim {
  /** The owner's random number, drawn each time a store is opened. */
  readonly owner: bigint
  /** Expiry, in milliseconds of the machine's shared monotonic clock (`machineMs`). */
  readonly untilMs: number
}

/**
 * The longest time in milliseconds that a claim stands. It is enough to rerun a batch, and short in
 * case the owner dies.
 */
export const claimMs = 100

export function encodeCommitState({ sequence, claim }: CommitState): Buffer {
  const bytes = Buffer.alloc(24)
  bytes.writeDoubleBE(sequence, 0)
  if (claim !== undefined) {
    bytes.writeBigUInt64BE(claim.owner, 8)
    bytes.writeDoubleBE(claim.untilMs, 16)
  }
  return bytes
}

/** Decodes the commit-state row; an absent row means an empty store. */
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
 * True when a process other than `owner` holds a claim that is valid at `nowMs`. The clock restarts
 * when the machine boots. A claim from before then expires too far ahead and is ignored.
 */
export function isClaimedByOther({ claim }: CommitState, owner: bigint, nowMs: number): boolean {
  if (claim === undefined || claim.owner === owner) return false
  return claim.untilMs > nowMs && claim.untilMs <= nowMs + claimMs
}

/** The monotonic clock that all processes of a machine share (CLOCK_MONOTONIC), in milliseconds. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}
