// The ids of multipart uploads. An id tells where its upload began, so that after the end of the upload its id
// is still known, without a row.

import { timingSafeEqual } from 'node:crypto'
import { utf8 } from '../base/bytes.ts'
import type { UploadAddress } from '../store/body/upload.ts'
import type { TokenSealer } from './token.ts'

/** Bytes of each half of a nonce: random ones, and a keyed hash of these and the upload's address. */
export const nonceHalfBytes = 6

/** The id that clients hold: the upload's number, so that ids sort by age, and its nonce. */
export function uploadIdOf(number: number, nonce: string): string {
  return number.toString(16).padStart(14, '0') + nonce
}

/** The parts of an id that {@link uploadIdOf} made; undefined for anything else. */
export function parseUploadId(uploadId: string): { number: number; nonce: string } | undefined {
  const match = /^([0-9a-f]{14})([0-9a-f]{24})$/.exec(uploadId)
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  const number = Number.parseInt(match[1], 16)
  return number < Number.MAX_SAFE_INTEGER ? { number, nonce: match[2] } : undefined
}

/** The nonce of a new upload, in hex, from its random half in hex. */
export function makeNonce(tokens: TokenSealer, address: UploadAddress, random: string): string {
  const facts = `${address.bucketId}/${address.number}/${random}/`
  const mark = tokens.mark('upload', Buffer.concat([utf8(facts), address.key]))
  return random + mark.toString('hex', 0, nonceHalfBytes)
}

/** True for the nonce of an upload that began at `address`: if none is in progress there, it has ended. */
export function isNonceOf(tokens: TokenSealer, address: UploadAddress, nonce: string): boolean {
  const expected = makeNonce(tokens, address, nonce.slice(0, nonceHalfBytes * 2))
  return timingSafeEqual(Buffer.from(expected), Buffer.from(nonce))
}
