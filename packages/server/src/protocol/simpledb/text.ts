// Names and values in answers: as text where XML can carry it, else as base64 of their UTF-8 bytes.
// https://docs.aws.amazon.com/AmazonSimpleDB/latest/DeveloperGuide/InvalidCharacters.html

import type { XmlWriter } from '../xml/write.ts'

/** Writes an element whose text may be anything. */
export function writeText(xml: XmlWriter, element: string, text: string): void {
  if (isXmlText(text)) xml.element(element, text)
  else {
    xml
      .open(element, { encoding: 'base64' })
      .text(Buffer.from(text, 'utf8').toString('base64'))
      .close(element)
  }
}

/** `text` with what XML can't carry replaced, for messages that quote it. */
export function readableText(text: string): string {
  if (isXmlText(text)) return text
  return Array.from(text, (character) => (isXmlText(character) ? character : '\ufffd')).join('')
}

/** False for text with characters that XML forbids, or that XML 1.1 has restricted. */
export function isXmlText(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x9f ? code >= 0xfffe : code > 0x7e ? code !== 0x85 : isForbiddenControl(code)) {
      return false
    }
  }
  return true
}

/** The writer makes a reference of a carriage return, which a parser would else change. */
function isForbiddenControl(code: number): boolean {
  return code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d
}
