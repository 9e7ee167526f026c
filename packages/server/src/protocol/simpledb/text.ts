// Names and values in answers: as text if XML can represent it, else as base64 of the UTF-8 bytes.
// https://docs.aws.amazon.com/AmazonSimpleDB/latest/DeveloperGuide/InvalidCharacters.html

import type { XmlWriter } from '../xml/write.ts'

/** Writes an element with any text. */
export function writeText(xml: XmlWriter, element: string, text: string): void {
  if (isXmlText(text)) xml.element(element, text)
  else {
    xml
      .open(element, { encoding: 'base64' })
      .text(Buffer.from(text, 'utf8').toString('base64'))
      .close(element)
  }
}

/** `text` with characters that XML excludes replaced, for messages that quote it. */
export function readableText(text: string): string {
  if (isXmlText(text)) return text
  return Array.from(text, (character) => (isXmlText(character) ? character : '\ufffd')).join('')
}

/**
 * False for text with characters that XML forbids or XML 1.1 restricts, with noncharacters of Unicode, or with a lone
 * surrogate.
 */
export function isXmlText(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0xd800) {
      if (code <= 0x9f && isForbiddenByte(code)) return false
    } else if (code < 0xe000) {
      const point = text.codePointAt(at) ?? 0
      // The last two code points of every plane are noncharacters.
      if (point < 0x10000 || (point & 0xfffe) === 0xfffe) return false
      at++
    } else if (code >= 0xfffe || (code >= 0xfdd0 && code <= 0xfdef)) return false
  }
  return true
}

/** True for excluded control characters. The carriage return isn't one: it is written as a character reference. */
function isForbiddenByte(code: number): boolean {
  if (code > 0x7e) return code !== 0x85
  return code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d
}
