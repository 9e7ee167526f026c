// Checks and encodings of header values, which are Latin-1 text: one character per byte, as in Node.

import { invalidArgument, type S3Error } from './error.ts'

/** A header's name, in any case (RFC 9110, 5.6.2). */
export const headerToken: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches control characters
const controls = /[\u0000-\u0008\u000a-\u001f\u007f]/

/** True for text without the control characters that headers exclude. */
export function isPrintable(text: string): boolean {
  return !controls.test(text)
}

/** True for Latin-1 text that is a valid header value. */
export function isHeaderValue(value: string): boolean {
  return isPrintable(value) && !/[\u0100-\uffff]/.test(value)
}

/**
 * Encodes a text that isn't from a header as a header value: its UTF-8 bytes as Latin-1, trimmed.
 * @throws S3Error `InvalidArgument` for a text that doesn't fit a header
 */
export function headerOfText(name: string, text: string): string {
  if (!isPrintable(text)) throw unfitValue(name, text)
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/^[ \t]+|[ \t]+$/g, '')
}

/** The error for a value that doesn't fit a header, in S3's words. */
export function unfitValue(name: string, value: string): S3Error {
  return invalidArgument('Header value cannot be represented using ISO-8859-1.', name, value)
}
