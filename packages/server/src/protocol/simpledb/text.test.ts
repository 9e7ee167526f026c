import assert from 'node:assert/strict'
import { test } from 'node:test'
import { XmlWriter } from '../xml/write.ts'
import { isXmlText, readableText, writeText } from './text.ts'

/** The code points that XML 1.1 restricts or leaves out, and those that Unicode leaves undefined for ever. */
function isForbidden(point: number): boolean {
  if (point < 0x20) return point !== 0x09 && point !== 0x0a && point !== 0x0d
  if (point >= 0x7f && point <= 0x9f) return point !== 0x85
  if (point >= 0xd800 && point <= 0xdfff) return true
  return (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) === 0xfffe
}

test('of all code points, exactly those that XML has no character for are told apart', () => {
  const wrong: string[] = []
  for (let point = 0; point <= 0x10ffff; point++) {
    if (isXmlText(String.fromCodePoint(point)) === isForbidden(point))
      wrong.push(point.toString(16))
  }
  assert.deepEqual(wrong, [])
})

test('a forbidden character is found wherever it stands', () => {
  for (const bad of [
    '\0',
    '\ufdd0',
    '\ufdef',
    '\uffff',
    '\u{1fffe}',
    '\u{10ffff}',
    '\ud83d',
    '\ude00',
  ]) {
    for (const text of [bad, `😀${bad}`, `${bad}😀`, `aé${bad}z`]) {
      assert.equal(isXmlText(text), false, JSON.stringify(text))
    }
  }
  for (const text of ['', 'a', '\ufdcf\ufdf0', '\ufffd', '\u{1fffd}\u{20000}', '😀\t\r\n\u0085']) {
    assert.equal(isXmlText(text), true, JSON.stringify(text))
  }
})

test('an element is written as base64 of its UTF-8 bytes where it must, and as text else', () => {
  const written = (text: string): string => {
    const xml = new XmlWriter('')
    writeText(xml, 'Value', text)
    return xml.toString()
  }
  assert.equal(written('a\u{1ffff}'), '<Value encoding="base64">YfCfv78=</Value>')
  assert.equal(written('\ufdd0'), '<Value encoding="base64">77eQ</Value>')
  assert.equal(written('a<b'), '<Value>a&lt;b</Value>')
})

test('messages keep all that can be read', () => {
  assert.equal(readableText('a\0😀\u{1fffe}\ud800b\ufdd0'), 'a\ufffd😀\ufffd\ufffdb\ufffd')
})
