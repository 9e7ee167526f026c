// The keys of the rows of sequences and the secret.

import type { Bytes } from '../../base/bytes.ts'
import { utf8 } from '../../base/bytes.ts'
import { key } from '../../engine/tuple.ts'
import { space } from './key-space.ts'

export const sequence = (name: string): Bytes => key(space.sequence).tail(utf8(name))
export const secret = (): Bytes => key(space.secret).end()
