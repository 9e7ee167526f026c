// Makes access keys that nobody can guess.

import { randomBytes, randomInt } from 'node:crypto'
import type { AccessKey } from './key.ts'

/** A new key of a new owner, who is called `root`. */
export function newRootKey(): AccessKey {
  return {
    accessKeyId: `HF${randomText('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 18)}`,
    secretAccessKey: randomText(
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
      40,
    ),
    owner: { id: randomBytes(32).toString('hex'), displayName: 'root' },
  }
}

function randomText(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}
