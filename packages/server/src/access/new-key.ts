// Makes access keys that nobody can guess.

import { randomInt } from 'node:crypto'
import type { AccessKey } from './key.ts'
import type { Owner } from './principal.ts'

/**
 * The owner of a root key that was not given one. It is the same everywhere, so that the buckets
 * stay reachable when the key is exchanged.
 */
export const rootOwner: Owner = {
  id: '4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2',
  displayName: 'root',
}

/** A new key of the root owner. */
export function newRootKey(): AccessKey {
  return {
    accessKeyId: `HF${randomText('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 18)}`,
    secretAccessKey: randomText(
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
      40,
    ),
    owner: rootOwner,
  }
}

function randomText(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}
