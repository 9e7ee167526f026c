// The ids of multipart uploads. An id authenticates its upload's address, so that it can be recognized without
// a row after the upload has ended.

import { timingSafeEqual } from 'node:crypto'
import { utf8 } from '../base/bytes.ts'
import type { UploadAddress } from '../store/body/upload.ts'
import type { TokenSealer } from './token.ts'

/** Bytes of each half of a nonce: a random half, and a keyed hash of that half and the upload's address. */
export const nonceHalfBytes = 6

/** The id for clients: the upload's number, so that ids sort by age, and its nonce. */
export function uploadIdOf(number: number, nonce: string): string {
  return number.toString(16).padStart(14, '0') + nonce
}

/** The parts of an id made by {@link uploadIdOf}; undefined for any other text. */
export function parseUploadId(uploadId: string): { number: number; nonce: string } | undefined {
  const match = /^([0-9a-f]{14})([0-9a-f]{24})$/.exec(uploadId)
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  const number = Number.parseInt(match[1], 16)
  return number < Number.MAX_SAFE_INTEGER ? { number, nonce: match[2] } : undefined
}

/** The nonce of a new upload in hex, from its random half in hex. */
export function makeNonce(tokens: TokenSealer, address: UploadAddress, random: string): string {
  const facts = `${address.bucketId}/${address.number}/${random}/`
  const mark = tokens.mark('upload', Buffer.concat([utf8(facts), address.key]))
  return random + mark.toString('hex', 0, nonceHalfBytes)
}

/** True for a nonce of an upload that began at `address`. If none is in progress there, that upload has ended. */
export function isNonceOf(tokens: TokenSealer, address: UploadAddress, nonce: string): boolean {
  const expected = makeNonce(tokens, address, nonce.slice(0, nonceHalfBytes * 2))
  return timingSafeEqual(Buffer.from(expected), Buffer.from(nonce))
}
