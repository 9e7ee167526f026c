// Reads forms before their signature is verified. The access key is one of the parameters, often the last. A form is
// therefore read under a memory budget, which is small until an existing key is found. Since a key id alone proves
// nothing, the time limit is short for all forms.

import { ByteBudget, type HeldBytes } from '../../base/budget.ts'
import type { Clock } from '../../base/clock.ts'
import { StoreError } from '../../base/errors.ts'
import { Breaks } from '../../base/fair-queue.ts'
import { ownLimits } from '../../base/limits.ts'
import type { RequestBody } from '../http/body.ts'
import { parseQuery } from '../http/request.ts'
import { SignError } from '../sign/error.ts'
import { SimpleDbError } from './error.ts'
import type { Parameter } from './parameters.ts'

/** The settings of reading forms. */
export interface FormsOptions {
  readonly isKnown: (accessKeyId: string) => boolean
  readonly clock: Clock
}

/** The origin of a form. */
export interface FormOrigin {
  /** The address of the client. */
  readonly address: string
  /** The access key in the request's head, if there is one. */
  readonly accessKeyId: string | undefined
}

/** A received form, whose memory must be released. */
export interface ReceivedForm {
  readonly bytes: Buffer
  /** The number of separators of parameters. */
  readonly ampersands: number
  /** Whom its parsing is counted on: an address, and the access key that was named there, if any. */
  readonly party: string
  release(): void
}

const ampersand = 0x26

/** Reads the forms of one process. */
export class Forms {
  readonly #options: FormsOptions
  readonly #keyless = new ByteBudget(ownLimits.keylessBytes, ownLimits.keylessBytes / 2)
  readonly #keyed = new ByteBudget(ownLimits.documentBytes, ownLimits.documentBytes / 4)
  /** The bytes of forms with a key, by address. */
  readonly #ofAddresses = new ByteBudget(ownLimits.documentBytes, ownLimits.documentBytes / 2)

  constructor(options: FormsOptions) {
    this.#options = options
  }

  /**
   * Reads a whole form, up to `maximumBytes`.
   * @throws StoreError `MessageTooLong`, `TooManyParameters`, `SlowDown`; SimpleDbError `RequestTimeout`;
   *   SignError `InvalidAccessKeyId`; and the errors of the body
   */
  async receive(
    body: RequestBody,
    origin: FormOrigin,
    maximumBytes: number,
  ): Promise<ReceivedForm> {
    if ((body.declaredBytes ?? 0) > maximumBytes) throw tooLong(maximumBytes)
    const reading = new Reading(origin, {
      keyless: this.#keyless,
      keyed: this.#keyed,
      ofAddresses: this.#ofAddresses,
    })
    const { clock, isKnown } = this.#options
    const endMs = clock.monotonicMs() + ownLimits.keylessMs
    const block = new Block()
    try {
      for await (const chunk of body) {
        if (reading.sizeBytes + chunk.byteLength > maximumBytes) throw tooLong(maximumBytes)
        reading.add(chunk, isKnown)
        if (clock.monotonicMs() > endMs) throw tooSlow()
        block.add(chunk)
      }
      const { party, ampersands } = reading
      return { bytes: block.bytes, ampersands, party, release: () => reading.release() }
    } catch (error) {
      reading.release()
      throw error
    }
  }
}

/** A growing buffer for chunks of any size. */
class Block {
  #memory = Buffer.alloc(0)
  #sizeBytes = 0

  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#sizeBytes)
  }

  add(chunk: Uint8Array): void {
    const end = this.#sizeBytes + chunk.byteLength
    if (end > this.#memory.byteLength) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end + 1024, Math.ceil(1.25 * this.#sizeBytes)))
      larger.set(this.bytes)
      this.#memory = larger
    }
    this.#memory.set(chunk, this.#sizeBytes)
    this.#sizeBytes = end
  }
}

/** The budgets of forms whose signature isn't verified. */
interface Budgets {
  readonly keyless: ByteBudget
  readonly keyed: ByteBudget
  readonly ofAddresses: ByteBudget
}

/** A form that is being read. */
class Reading {
  accessKeyId: string | undefined
  sizeBytes = 0
  ampersands = 0
  readonly #address: string
  readonly #budgets: Budgets
  #held: HeldBytes
  /** The end of the bytes received so far, where the name of a key may have begun. */
  #tail = '&'

  constructor({ address, accessKeyId }: FormOrigin, budgets: Budgets) {
    this.accessKeyId = accessKeyId
    this.#address = address
    this.#budgets = budgets
    this.#held =
      accessKeyId === undefined ? budgets.keyless.hold(address) : this.#holdFor(accessKeyId)
  }

  get party(): string {
    return this.accessKeyId === undefined ? this.#address : `${this.#address} ${this.accessKeyId}`
  }

  add(chunk: Uint8Array, isKnown: (accessKeyId: string) => boolean): void {
    this.#count(chunk)
    const before = this.#chargedBytes
    this.sizeBytes += chunk.byteLength
    if (this.accessKeyId === undefined) this.#look(chunk, isKnown)
    else this.#held.take(this.#chargedBytes - before)
  }

  release(): void {
    this.#held.release()
  }

  /** Budgets by address and key: others that use an owner's key id, which is no secret, must not exhaust its budget. */
  #holdFor(accessKeyId: string): HeldBytes {
    const ofKey = this.#budgets.keyed.hold(`${this.#address} ${accessKeyId}`)
    const ofAddress = this.#budgets.ofAddresses.hold(this.#address)
    return {
      take: (bytes) => {
        ofKey.take(bytes)
        ofAddress.take(bytes)
      },
      release: () => {
        ofKey.release()
        ofAddress.release()
      },
    }
  }

  /** The accounted bytes. Small forms are free, so that large ones can't exclude them; connections bound the total. */
  get #chargedBytes(): number {
    return Math.max(0, this.sizeBytes - ownLimits.freeFormBytes)
  }

  #count(chunk: Uint8Array): void {
    let at = chunk.indexOf(ampersand)
    while (at >= 0) {
      this.ampersands++
      if (this.ampersands > ownLimits.parameters) {
        throw new StoreError({ code: 'TooManyParameters' })
      }
      at = chunk.indexOf(ampersand, at + 1)
    }
  }

  #look(chunk: Uint8Array, isKnown: (accessKeyId: string) => boolean): void {
    const { buffer, byteOffset, byteLength } = chunk
    const text = this.#tail + Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
    const [, accessKeyId] = keyParameter.exec(text) ?? []
    this.#tail = text.slice(-keyParameterLength)
    if (accessKeyId === undefined) {
      this.#held.take(Math.min(byteLength, this.#chargedBytes))
      return
    }
    if (!isKnown(accessKeyId)) throw new SignError({ code: 'InvalidAccessKeyId', accessKeyId })
    this.#held.release()
    this.#held = this.#holdFor(accessKeyId)
    this.accessKeyId = accessKeyId
    this.#held.take(this.#chargedBytes)
  }
}

/** Matches an unescaped key parameter. Escaped ones are found when the whole form is parsed. */
const keyParameter = /&AWSAccessKeyId=([A-Za-z0-9\-._~]{1,128})&/
const keyParameterLength = '&AWSAccessKeyId=&'.length + 128

/** The bytes of a form that are parsed without a break. */
const pieceBytes = 32_768

/** The parameters of a form, parsed with breaks. @throws StoreError as `parseQuery` */
export async function parseForm(bytes: Buffer): Promise<Parameter[]> {
  const breaks = new Breaks()
  const parameters: Parameter[] = []
  for (let start = 0; start < bytes.byteLength; ) {
    const mark = bytes.indexOf(ampersand, start + pieceBytes)
    const end = mark < 0 ? bytes.byteLength : mark
    // Latin-1, one character per byte, as Node passes URLs.
    for (const parameter of parseQuery(bytes.toString('latin1', start, end)).parameters) {
      parameters.push(parameter)
    }
    start = end + 1
    if (breaks.isDue) await breaks.take()
  }
  return parameters
}

function tooLong(maximumBytes: number): StoreError {
  return new StoreError({ code: 'MessageTooLong', maximumBytes })
}

function tooSlow(): SimpleDbError {
  return new SimpleDbError({
    status: 408,
    code: 'RequestTimeout',
    message: 'The form came in too slowly.',
  })
}
