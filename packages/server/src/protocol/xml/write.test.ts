import assert from 'node:assert/strict'
import { test } from 'node:test'
import { escapeXml, XmlWriter } from './write.ts'

test('elements come out in order, undefined ones not at all', () => {
  const text = new XmlWriter()
    .open('R', { xmlns: 'http://x/"y"' })
    .element('A', 'a<b')
    .element('B', undefined)
    .element('C', 0)
    .element('D', false)
    .element('E', '')
    .close('R')
    .toString()
  assert.equal(
    text,
    '<?xml version="1.0" encoding="UTF-8"?>\n<R xmlns="http://x/&quot;y&quot;"><A>a&lt;b</A><C>0</C><D>false</D><E></E></R>',
  )
})

test('markup, carriage returns and what XML 1.0 cannot carry become references', () => {
  assert.equal(escapeXml('plain é€😀\t\n'), 'plain é€😀\t\n')
  assert.equal(escapeXml(`<&>"'`), `&lt;&amp;&gt;&quot;'`)
  assert.equal(escapeXml('a\rb'), 'a&#13;b')
  assert.equal(
    escapeXml('\u0000\u0001\u001f\u007f\ufffd\ufffe\uffff'),
    '&#x0;&#x1;&#x1f;\u007f\ufffd&#xfffe;&#xffff;',
  )
})
