import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isStoreError } from '../../base/errors.ts'
import { childrenOf, childText, parseXml, parseXmlWithBreaks, type XmlElement } from './parse.ts'
import { XmlWriter } from './write.ts'

const s3Namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

const { HOLDFAST_TEST_SCALE: scale = '1' } = process.env
const parse = (text: string): XmlElement => parseXml(Buffer.from(text))
const malformed = (error: unknown): boolean => isStoreError(error, 'MalformedXml')

test('a document is read whatever its namespace or prefix', () => {
  for (const text of [
    '<Delete><Object><Key> a&amp;b </Key></Object><Object><Key/></Object></Delete>',
    `<?xml version="1.0"?>\n<Delete xmlns="${s3Namespace}"><Object><Key> a&#38;b </Key></Object><Object><Key></Key></Object></Delete>\n`,
    `<n:Delete xmlns:n="${s3Namespace}"><n:Object><n:Key> <![CDATA[a&]]>b </n:Key></n:Object><!-- --><n:Object><n:Key/></n:Object></n:Delete>`,
  ]) {
    const root = parse(text)
    assert.equal(root.name, 'Delete')
    const keys = childrenOf(root, 'Object').map((object) => childText(object, 'Key'))
    assert.deepEqual(keys, [' a&b ', ''])
  }
})

test('attributes are found by their local name, without namespace declarations', () => {
  const grantee = parse(
    '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser" a="&lt;"/>',
  )
  assert.deepEqual(
    [...grantee.attributes],
    [
      ['type', 'CanonicalUser'],
      ['a', '<'],
    ],
  )
})

test('what is not well-formed is refused', () => {
  for (const text of [
    '',
    ' ',
    'text',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<a>&unknown;</a>',
    '<a>&#0;</a>',
    '<a>\u0001</a>',
    '<a b=c/>',
    '<a b="1" b="2"/>',
    '<p:a/>',
    '<a>]]></a>',
    '<?xml version="1.0" encoding="UTF-16"?><a',
  ]) {
    assert.throws(() => parse(text), malformed, text)
  }
  assert.throws(() => parseXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff])), malformed)
})

test('a DTD is refused, so that no entity can be declared', () => {
  const bomb =
    '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;"><!ENTITY z SYSTEM "file:///etc/passwd">]>'
  assert.throws(() => parse(`${bomb}<a>&y;</a>`), malformed)
  assert.throws(() => parse('<!DOCTYPE html><a/>'), malformed)
})

test('a document beyond a bound is refused', () => {
  assert.throws(() => parse(`<a>${'<b/>'.repeat(1_000_000)}</a>`), malformed)
  assert.throws(() => parse('<a>'.repeat(1_000_000)), malformed)
  assert.throws(() => parse(`<a ${'b1="" '.repeat(100_000)}/>`), malformed)
  const attributes = Array.from({ length: 2000 }, (_, i) => `b${i}=""`).join(' ')
  assert.throws(() => parse(`<a ${attributes}/>`), malformed)
  assert.throws(() => parseXml(Buffer.from('<a>bc</a>'), { maximumBytes: 8 }), malformed)
  assert.throws(() => parseXml(Buffer.from('<a><b/><b/></a>'), { maximumElements: 2 }), malformed)
  assert.throws(() => parseXml(Buffer.from('<a><b/></a>'), { maximumDepth: 1 }), malformed)
})

test('reading undoes writing, but for what XML cannot carry', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (key, value) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these can be written, but not read
      const carried = key.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
      const text = new XmlWriter()
        .open('A', { b: value })
        .element('Key', carried)
        .close('A')
        .toString()
      const root = parse(text)
      assert.equal(childText(root, 'Key'), carried)
    }),
    { numRuns: 500 * Number(scale) },
  )
})

test('any document is read or refused', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...[
        '<a>',
        '</a>',
        '<a/>',
        '<a b="',
        '"',
        '>',
        '/>',
        '&amp;',
        '&#x1;',
        '&#13;',
        '&x;',
        '<![CDATA[',
      ],
      ...[
        ']]>',
        '<!--',
        '-->',
        '<?xml version="1.0"?>',
        '<?p',
        '?>',
        '<!DOCTYPE a>',
        'xmlns:p="u"',
      ],
      ...['<p:a>', '</p:a>', 'text', ' ', '\r\n', '<', '&', '\ufeff', '\u0000'],
    ),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  const document = fc.oneof(
    fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(pieces.join(''))),
    fc.array(piece, { maxLength: 8 }).map((pieces) => Buffer.from(`<a>${pieces.join('')}</a>`)),
    fc.uint8Array({ maxLength: 40 }),
  )
  fc.assert(
    fc.property(document, (bytes) => {
      try {
        parseXml(bytes)
      } catch (error) {
        assert.ok(malformed(error), String(error))
      }
    }),
    { numRuns: 2000 * Number(scale) },
  )
})

test('parts that go on and on are refused before they have ended', async () => {
  const long = ' -'.repeat(1_000_000)
  for (const text of [
    `<a><!--${long}--></a>`,
    `<a>${`<!--${long.slice(0, 1000)}-->`.repeat(100)}</a>`,
    `<a>${'<!---->'.repeat(1001)}</a>`,
    `<a><?p ${long}?></a>`,
    `<a>${'<?p?>'.repeat(1001)}</a>`,
    `<a>${long}</a>`,
    `<a><![CDATA[${long}]]></a>`,
    `<a b="${long}"/>`,
    `<a ${long.replaceAll('-', ' ')}/>`,
    `<a${'a'.repeat(1_000_000)}/>`,
    `<!--${long}--><a/>`,
    `<a/>${long.replaceAll('-', ' ')}`,
    `<!--${long}`,
    `<a>&${'a'.repeat(1_000_000)};</a>`,
  ]) {
    assert.throws(() => parse(text), malformed, text.slice(0, 20))
    await assert.rejects(parseXmlWithBreaks(Buffer.from(text)), malformed)
  }
  assert.equal(parse(`<!-- ${long.slice(0, 1000)} --><?p q?><a/>`).name, 'a')
})

test('with breaks, a document is read as it is without, wherever it is cut', async () => {
  const keys = Array.from({ length: 5000 }, (_, i) => `${'ü€😀'.repeat(i % 13)}&amp;${i}\r\n`)
  const text = `<Delete>${keys.map((key) => `<Key>${key}</Key>`).join('')}</Delete>`
  const body = Buffer.from(text)
  const root = await parseXmlWithBreaks(body)
  assert.deepEqual(root, parseXml(body))
  const texts = childrenOf(root, 'Key').map((key) => key.text)
  assert.deepEqual(
    texts,
    keys.map((key) => key.replaceAll('&amp;', '&').replaceAll('\r\n', '\n')),
  )
})
