// Exact decimal numbers of up to 38 significant digits: an unscaled integer and the number of its digits
// after the point.

/** The significant digits of a result, as in S3's DECIMAL. */
const maximumDigits = 38
const limit = 10n ** BigInt(maximumDigits)

/** The bound of exponents. Without it, a short text could stand for a number of a million digits. */
const maximumExponent = 400

/** A decimal number, `unscaled / 10 ** scale`. */
export class Decimal {
  readonly unscaled: bigint
  /** At least 0. */
  readonly scale: number

  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled
    this.scale = scale
  }

  static fromInteger(value: bigint): Decimal {
    return new Decimal(value, 0)
  }

  /** Parses a number with an optional point and exponent; undefined for other texts. */
  static parse(text: string): Decimal | undefined {
    const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/.exec(text)
    if (match === null) return undefined
    const [, sign, whole = '', fraction = '', exponentText] = match
    if (whole === '' && fraction === '') return undefined
    if (whole.length + fraction.length > maximumTextDigits) return undefined
    const exponent = exponentText === undefined ? 0 : Number(exponentText)
    if (Math.abs(exponent) > maximumExponent) return undefined
    const digits = BigInt(whole + fraction)
    const scale = fraction.length - exponent
    const unscaled = sign === '-' ? -digits : digits
    if (scale < 0) return new Decimal(unscaled * 10n ** BigInt(-scale), 0)
    return new Decimal(unscaled, scale)
  }

  /** The shortest decimal that converts back to the same double; undefined unless that is finite. */
  static fromDouble(value: number): Decimal | undefined {
    return Number.isFinite(value) ? Decimal.parse(String(value)) : undefined
  }

  add(other: Decimal): Decimal {
    const scale = Math.max(this.scale, other.scale)
    return rounded(this.#at(scale) + other.#at(scale), scale)
  }

  subtract(other: Decimal): Decimal {
    return this.add(new Decimal(-other.unscaled, other.scale))
  }

  multiply(other: Decimal): Decimal {
    return rounded(this.unscaled * other.unscaled, this.scale + other.scale)
  }

  /** The quotient, rounded half up to 38 significant digits. The divisor must not be 0. */
  divide(other: Decimal): Decimal {
    const extra = Math.max(0, maximumDigits + digitsOf(other.unscaled) - digitsOf(this.unscaled))
    const scaled = this.unscaled * 10n ** BigInt(extra)
    const quotient = divideRounded(scaled, other.unscaled)
    const scale = this.scale + extra - other.scale
    if (scale < 0) return rounded(quotient * 10n ** BigInt(-scale), 0).normalized()
    return rounded(quotient, scale).normalized()
  }

  /** The remainder, with the sign of the dividend. The divisor must not be 0. */
  remainder(other: Decimal): Decimal {
    const scale = Math.max(this.scale, other.scale)
    return rounded(this.#at(scale) % other.#at(scale), scale)
  }

  compare(other: Decimal): number {
    const scale = Math.max(this.scale, other.scale)
    const left = this.#at(scale)
    const right = other.#at(scale)
    if (left === right) return 0
    return left < right ? -1 : 1
  }

  negated(): Decimal {
    return new Decimal(-this.unscaled, this.scale)
  }

  /** The same number without trailing zeros of the fraction. */
  normalized(): Decimal {
    let { unscaled, scale } = this
    while (scale > 0 && unscaled % 10n === 0n) {
      unscaled /= 10n
      scale--
    }
    return new Decimal(unscaled, scale)
  }

  /** The number rounded half up to `scale` digits after the point. */
  rescaled(scale: number): Decimal {
    if (scale >= this.scale) return new Decimal(this.#at(scale), scale)
    return new Decimal(divideRounded(this.unscaled, 10n ** BigInt(this.scale - scale)), scale)
  }

  /** The integer part. */
  truncated(): bigint {
    return this.unscaled / 10n ** BigInt(this.scale)
  }

  /** The largest integer that isn't greater than the number. */
  floor(): bigint {
    const whole = this.truncated()
    return this.unscaled < 0n && whole * 10n ** BigInt(this.scale) !== this.unscaled
      ? whole - 1n
      : whole
  }

  /** The number of digits, without leading zeros. */
  get precision(): number {
    return digitsOf(this.unscaled)
  }

  toNumber(): number {
    return Number(this.toString())
  }

  toString(): string {
    if (this.scale === 0) return String(this.unscaled)
    const digits = String(this.unscaled < 0n ? -this.unscaled : this.unscaled)
    const padded = digits.padStart(this.scale + 1, '0')
    const split = padded.length - this.scale
    const sign = this.unscaled < 0n ? '-' : ''
    return `${sign}${padded.slice(0, split)}.${padded.slice(split)}`
  }

  #at(scale: number): bigint {
    return scale === this.scale ? this.unscaled : this.unscaled * 10n ** BigInt(scale - this.scale)
  }
}

/** The longest text that is parsed as a number. Parsing takes quadratic time. */
const maximumTextDigits = 1000

function digitsOf(value: bigint): number {
  const text = String(value)
  return text.startsWith('-') ? text.length - 1 : text.length
}

/** Rounds the fraction so that the number has 38 digits. Keeps all digits before the point. */
function rounded(unscaled: bigint, scale: number): Decimal {
  if (scale === 0 || (unscaled < limit && unscaled > -limit)) return new Decimal(unscaled, scale)
  const cut = Math.min(scale, digitsOf(unscaled) - maximumDigits)
  return new Decimal(divideRounded(unscaled, 10n ** BigInt(cut)), scale - cut)
}

function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  const rest = dividend % divisor
  const doubled = (rest < 0n ? -rest : rest) * 2n
  if (doubled < (divisor < 0n ? -divisor : divisor)) return quotient
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n
}
