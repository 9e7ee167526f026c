// Text that a header can carry. Values are Latin-1 text, one character a byte, just as Node reads and writes them.

import { invalidArgument, type S3Error } from './error.ts'

/** A header's name, in any case (RFC 9110, 5.6.2). */
export const headerToken: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that a header can't carry
const controls = /[\u0000-\u0008\u000a-\u001f\u007f]/

/** True for text without the control characters that no header can carry. */
export function isPrintable(text: string): boolean {
  return !controls.test(text)
}

/** True for Latin-1 text that a header can carry. */
export function isHeaderValue(value: string): boolean {
  return isPrintable(value) && !/[\u0100-\uffff]/.test(value)
}

/**
 * The value of the header that a text from elsewhere stands for: Latin-1 of its UTF-8, without the blanks at its
 * ends, which no header has.
 * @throws S3Error `InvalidArgument` for a text that no header can carry
 */
export function headerOfText(name: string, text: string): string {
  if (!isPrintable(text)) throw unfitValue(name, text)
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/^[ \t]+|[ \t]+$/g, '')
}

/** The refusal of a value that no header can carry, in S3's words. */
export function unfitValue(name: string, value: string): S3Error {
  return invalidArgument('Header value cannot be represented using ISO-8859-1.', name, value)
}
