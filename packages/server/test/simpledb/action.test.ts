import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { InProcessServer } from '../s3/in-process.ts'
import { pairsIn, QueryClient, type QueryParameters, xmlText, xmlTexts } from './query.ts'

const server = await InProcessServer.start({ owners: 1 })
const sdb = new QueryClient(server.port, server.credential())
let count = 0
let DomainName = ''

after(async () => {
  sdb.close()
  await server.closeWithoutFaults()
})

beforeEach(async () => {
  DomainName = `domain-${count++}`
  await sdb.ok('CreateDomain', { DomainName })
})

const put = (ItemName: string, parameters: QueryParameters): Promise<unknown> =>
  sdb.ok('PutAttributes', [
    ['DomainName', DomainName],
    ['ItemName', ItemName],
    ...pairsOf(parameters),
  ])

function pairsOf(parameters: QueryParameters): [string, string][] {
  const pairs = Array.isArray(parameters) ? parameters : Object.entries(parameters)
  return pairs.map(([name, value]) => [name, value])
}

/** Parameters of attributes given as `name=value` or, to replace, `name:=value`. */
function attributes(...texts: string[]): Record<string, string> {
  const parameters: Record<string, string> = {}
  for (const [index, text] of texts.entries()) {
    const [, name = '', colon, value = ''] = /^(.*?)(:?)=(.*)$/s.exec(text) ?? []
    parameters[`Attribute.${index + 1}.Name`] = name
    parameters[`Attribute.${index + 1}.Value`] = value
    if (colon === ':') parameters[`Attribute.${index + 1}.Replace`] = 'true'
  }
  return parameters
}

async function pairs(ItemName: string, names: readonly string[] = []): Promise<string[]> {
  const wanted = names.map((name, index): [string, string] => [`AttributeName.${index + 1}`, name])
  const parameters: [string, string][] = [
    ['DomainName', DomainName],
    ['ItemName', ItemName],
    ['ConsistentRead', 'true'],
    ...wanted,
  ]
  return pairsIn((await sdb.ok('GetAttributes', parameters)).body)
}

async function metadata(): Promise<number[]> {
  const { body } = await sdb.ok('DomainMetadata', { DomainName })
  return [
    'ItemCount',
    'ItemNamesSizeBytes',
    'AttributeNameCount',
    'AttributeNamesSizeBytes',
    'AttributeValueCount',
    'AttributeValuesSizeBytes',
  ].map((name) => Number(xmlText(body, name)))
}

test('answers have the exact form that clients were written for', async () => {
  await put('i', attributes('a=1'))
  const ids = '<RequestId>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}</RequestId>'
  const start = '^<\\?xml version="1.0"\\?>\n'
  const namespace = ' xmlns="http://sdb.amazonaws.com/doc/2009-04-15/"'
  const end = (usage: string): string =>
    `<ResponseMetadata>${ids}<BoxUsage>${usage}</BoxUsage></ResponseMetadata>`
  const created = await sdb.ok('CreateDomain', { DomainName })
  assert.match(
    created.body,
    new RegExp(
      `${start}<CreateDomainResponse${namespace}>${end('0.0055590278')}</CreateDomainResponse>$`,
    ),
  )
  const parameters = { DomainName, ItemName: 'i', AttributeName: 'a' }
  const found = await sdb.ok('GetAttributes', parameters)
  const attribute = '<Attribute><Name>a</Name><Value>1</Value></Attribute>'
  assert.match(
    found.body,
    new RegExp(
      `${start}<GetAttributesResponse${namespace}><GetAttributesResult>${attribute}</GetAttributesResult>${end('0.0000093222')}</GetAttributesResponse>$`,
    ),
  )
  const refused = await sdb.call('DomainMetadata', { DomainName: 'missing' })
  assert.match(
    refused.body,
    new RegExp(
      `${start}<Response><Errors><Error><Code>NoSuchDomain</Code><Message>The specified domain does not exist.</Message><BoxUsage>0.0000071759</BoxUsage></Error></Errors>${ids.replaceAll('RequestId', 'RequestID')}</Response>$`,
    ),
  )
})

test('an empty result still has its element', async () => {
  const none = { DomainName, ItemName: 'none' }
  for (const [action, parameters] of [
    ['GetAttributes', none],
    ['ListDomains', { MaxNumberOfDomains: '1', NextToken: '' }],
  ] as const) {
    const { body, status } = await sdb.call(action, parameters)
    if (status === 200) assert.match(body, new RegExp(`<${action}Result></${action}Result>`))
  }
  const other = new QueryClient(server.port, server.credential(1))
  const { body } = await other.ok('ListDomains')
  other.close()
  assert.match(body, /<ListDomainsResult><\/ListDomainsResult>/)
})

test('domains are created and deleted again and again without complaint, and listed in pages', async () => {
  const names = ['zeta', 'Alpha', 'beta_1', 'b.2', 'c-3'].map((name) => `${name}${count}`)
  for (const name of names) {
    await sdb.ok('CreateDomain', { DomainName: name })
    await sdb.ok('CreateDomain', { DomainName: name })
  }
  const listed: string[] = []
  let token: string | undefined
  do {
    const next: Record<string, string> = token === undefined ? {} : { NextToken: token }
    const { body } = await sdb.ok('ListDomains', { MaxNumberOfDomains: '2', ...next })
    listed.push(...xmlTexts(body, 'DomainName'))
    token = xmlText(body, 'NextToken')
  } while (token !== undefined)
  assert.deepEqual(listed, [...listed].sort())
  for (const name of names) assert.ok(listed.includes(name), name)
  for (const name of names) {
    await sdb.ok('DeleteDomain', { DomainName: name })
    await sdb.ok('DeleteDomain', { DomainName: name })
  }
  const { body } = await sdb.ok('ListDomains')
  assert.deepEqual(
    xmlTexts(body, 'DomainName').filter((name) => names.includes(name)),
    [],
  )
})

test('a token that was made up, or belongs to someone else, is refused', async () => {
  const { body } = await sdb.ok('ListDomains', { MaxNumberOfDomains: '1' })
  const NextToken = xmlText(body, 'NextToken') ?? 'none'
  const other = new QueryClient(server.port, server.credential(1))
  assert.equal((await other.call('ListDomains', { NextToken })).code, 'InvalidNextToken')
  other.close()
  const made = await sdb.call('ListDomains', { NextToken: 'AAAA' })
  assert.deepEqual([made.status, made.code], [400, 'InvalidNextToken'])
})

test('each owner has domains of its own', async () => {
  const other = new QueryClient(server.port, server.credential(1))
  await put('i', attributes('a=mine'))
  assert.equal((await other.call('DomainMetadata', { DomainName })).code, 'NoSuchDomain')
  await other.ok('CreateDomain', { DomainName })
  const { body } = await other.ok('GetAttributes', { DomainName, ItemName: 'i' })
  assert.deepEqual(pairsIn(body), [])
  await other.ok('DeleteDomain', { DomainName })
  other.close()
  assert.deepEqual(await pairs('i'), ['a=mine'])
})

test('a domain that is deleted and made again is empty', async () => {
  await put('i', attributes('a=1'))
  await sdb.ok('DeleteDomain', { DomainName })
  await sdb.ok('CreateDomain', { DomainName })
  assert.deepEqual(await pairs('i'), [])
  assert.deepEqual(await metadata(), [0, 0, 0, 0, 0, 0])
})

test('the metadata of a domain counts exactly its contents', async () => {
  await put('é', attributes('a=1', 'a=22', 'bb='))
  await put('j', attributes('a=1'))
  assert.deepEqual(await metadata(), [2, 3, 2, 3, 4, 4])
  await put('j', attributes('a:=333', 'a=4'))
  assert.deepEqual(await metadata(), [2, 3, 2, 3, 5, 7])
  await sdb.ok('DeleteAttributes', { DomainName, ItemName: 'é', 'Attribute.1.Name': 'bb' })
  assert.deepEqual(await metadata(), [2, 3, 1, 1, 4, 7])
  await sdb.ok('DeleteAttributes', { DomainName, ItemName: 'é' })
  await sdb.ok('DeleteAttributes', { DomainName, ItemName: 'j', ...attributes('a=333', 'a=4') })
  assert.deepEqual(await metadata(), [0, 0, 0, 0, 0, 0])
})

test('a put adds values, or replaces those from before the call', async () => {
  await put('i', attributes('a=1', 'b=2'))
  await put('i', attributes('a=1', 'a=0', 'b:=3', 'b:=2', 'c:=4'))
  assert.deepEqual(await pairs('i'), ['a=0', 'a=1', 'b=2', 'b=3', 'c=4'])
  assert.deepEqual(await pairs('i', ['c', 'a', 'none']), ['a=0', 'a=1', 'c=4'])
})

test('values are listed in byte order below their names in order of arrival', async () => {
  await put('i', attributes('z=9', 'a=1', 'z=10', 'z=11'))
  assert.deepEqual(await pairs('i'), ['z=10', 'z=11', 'z=9', 'a=1'])
})

test('a delete takes pairs, attributes or the item, and is content if there is nothing', async () => {
  await put('i', attributes('a=1', 'a=2', 'b=3', 'c=4', 'c=5'))
  const target = { DomainName, ItemName: 'i' }
  await sdb.ok('DeleteAttributes', {
    ...target,
    ...attributes('a=1', 'b=other', 'd=6'),
    'Attribute.9.Name': 'c',
  })
  assert.deepEqual(await pairs('i'), ['a=2', 'b=3'])
  await sdb.ok('DeleteAttributes', target)
  await sdb.ok('DeleteAttributes', target)
  assert.deepEqual(await pairs('i'), [])
})

test('lists may be numbered from 0 or 1, with gaps, in any order, or not at all', async () => {
  const forms: [string, string][][] = [
    [
      ['Attribute.0.Name', 'a'],
      ['Attribute.0.Value', '1'],
      ['Attribute.1.Name', 'b'],
      ['Attribute.1.Value', '2'],
    ],
    [
      ['Attribute.4.Value', '2'],
      ['Attribute.4.Name', 'b'],
      ['Attribute.1.Name', 'a'],
      ['Attribute.1.Value', '1'],
    ],
    [
      ['Attribute.10.Name', 'b'],
      ['Attribute.10.Value', '2'],
      ['Attribute.9.Name', 'a'],
      ['Attribute.9.Value', '1'],
    ],
    [
      ['Attribute.Name', 'a'],
      ['Attribute.Value', '1'],
      ['Attribute.Name', 'b'],
      ['Attribute.Value', '2'],
    ],
    [
      ['Attribute.1.name', 'a'],
      ['Attribute.1.value', '1'],
      ['Attribute.1.Name', 'b'],
      ['Attribute.1.Value', '2'],
    ],
  ]
  for (const [at, form] of forms.entries()) {
    await put(`item-${at}`, form)
    assert.deepEqual(await pairs(`item-${at}`), ['a=1', 'b=2'], JSON.stringify(form))
  }
  const repeated: [string, string][] = [
    ['DomainName', DomainName],
    ['ItemName', 'item-0'],
    ['AttributeName', 'a'],
    ['AttributeName', 'b'],
  ]
  assert.deepEqual(pairsIn((await sdb.ok('GetAttributes', repeated)).body), ['a=1', 'b=2'])
})

test('a batch writes all of its items or none', async () => {
  const batch = {
    DomainName,
    'Item.1.ItemName': 'i',
    'Item.1.Attribute.1.Name': 'a',
    'Item.1.Attribute.1.Value': '1',
    'Item.5.ItemName': 'j',
    'Item.5.Attribute.0.Name': 'b',
    'Item.5.Attribute.0.Value': '2',
    'Item.5.Attribute.1.Name': 'b',
    'Item.5.Attribute.1.Value': '3',
  }
  const { usage } = await sdb.ok('BatchPutAttributes', batch)
  assert.equal(usage, '0.0000307882')
  assert.deepEqual([await pairs('i'), await pairs('j')], [['a=1'], ['b=2', 'b=3']])
  const broken = {
    ...batch,
    'Item.5.Attribute.1.Value': 'x'.repeat(1025),
    'Item.1.Attribute.1.Value': '9',
  }
  assert.equal((await sdb.call('BatchPutAttributes', broken)).code, 'InvalidParameterValue')
  assert.deepEqual(await pairs('i'), ['a=1'])
  await sdb.ok('BatchDeleteAttributes', {
    DomainName,
    'Item.0.ItemName': 'i',
    'Item.1.ItemName': 'j',
    'Item.1.Attribute.0.name': 'b',
    'Item.1.Attribute.0.value': '2',
  })
  assert.deepEqual([await pairs('i'), await pairs('j')], [[], ['b=3']])
})

test('any text comes back as it was put, as base64 where XML has no character for it', async () => {
  const texts = ['<&>"\'', 'a\tb\nc', 'é😀\u{10fffd}\ufdcf', ' x ', 'a=b&c+d%20', '\u0085']
  await put('text', Object.assign({}, ...texts.map((text, at) => attribute(at, 'a', text))))
  const sorted = [...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  assert.deepEqual(
    await pairs('text'),
    sorted.map((text) => `a=${text}`),
  )
  const binary = [
    '\0',
    '\u0001x',
    '\ufffe',
    '\u007f',
    '\u0090',
    '\ufdd0',
    '\ufdef',
    '\u{1fffe}',
    '\u{10ffff}x',
  ]
  for (const text of binary) {
    await put('binary', { ...attribute(1, text, text) })
    const { body } = await sdb.ok('GetAttributes', { DomainName, ItemName: 'binary' })
    const encoded = Buffer.from(text).toString('base64')
    assert.ok(body.includes(`<Name encoding="base64">${encoded}</Name>`), JSON.stringify(text))
    assert.ok(body.includes(`<Value encoding="base64">${encoded}</Value>`))
    await sdb.ok('DeleteAttributes', { DomainName, ItemName: 'binary' })
    await put(text, attribute(1, 'of', 'binary'))
    const query = `select of from \`${DomainName}\` where of = 'binary'`
    const selected = await sdb.ok('Select', { SelectExpression: query, ConsistentRead: 'true' })
    assert.ok(selected.body.includes(`<Item><Name encoding="base64">${encoded}</Name>`))
    await sdb.ok('DeleteAttributes', { DomainName, ItemName: text })
    const refused = await sdb.call('GetAttributes', { DomainName: text, ItemName: 'i' })
    assert.equal(refused.code, 'InvalidParameterValue')
    assert.ok(refused.message?.includes('\ufffd'), refused.message)
  }
  await put('return', attribute(1, 'a', 'x\ry'))
  const { body } = await sdb.ok('GetAttributes', { DomainName, ItemName: 'return' })
  assert.ok(body.includes('<Value>x&#13;y</Value>'))
})

function attribute(index: number, name: string, value: string): Record<string, string> {
  return { [`Attribute.${index}.Name`]: name, [`Attribute.${index}.Value`]: value }
}

test('the longest names and values of the most awkward bytes can be stored', async () => {
  for (const character of ['\0', '\u0001', 'x', 'é', '\u{10ffff}']) {
    const text = character.repeat(1024 / Buffer.byteLength(character))
    await put(text, attribute(1, text, text))
    const { body } = await sdb.ok('GetAttributes', {
      DomainName,
      ItemName: text,
      AttributeName: text,
    })
    assert.match(body, /<Attribute>/)
    await sdb.ok('DeleteAttributes', { DomainName, ItemName: text, ...attribute(1, text, text) })
  }
  assert.deepEqual(await metadata(), [0, 0, 0, 0, 0, 0])
})

test('GET and POST do the same, and a plus sign in either is a space', async () => {
  const parameters = { DomainName, ItemName: 'g', ...attributes('a=1+ 2') }
  await sdb.ok('PutAttributes', parameters, { method: 'GET' })
  assert.deepEqual(await pairs('g'), ['a=1+ 2'])
  const { body } = await sdb.ok('GetAttributes', { DomainName, ItemName: 'g' }, { method: 'GET' })
  assert.deepEqual(pairsIn(body), ['a=1+ 2'])
})

test('the cost of puts and deletes grows with the cube of their pairs', async () => {
  const target = { DomainName, ItemName: 'i' }
  const one = await sdb.ok('PutAttributes', { ...target, ...attributes('a=1') })
  assert.equal(one.usage, '0.0000219909')
  const four = await sdb.ok('PutAttributes', {
    ...target,
    ...attributes('a=1', 'b=2', 'c=3', 'd=4'),
  })
  assert.equal(four.usage, '0.0000220035')
  assert.equal((await sdb.ok('GetAttributes', target)).usage, '0.0000093522')
  assert.equal((await sdb.ok('DeleteAttributes', target)).usage, '0.0000219907')
  assert.equal((await sdb.ok('ListDomains')).usage, '0.0000071759')
})

test('the former version of the API is answered in its own name', async () => {
  const version = '2007-11-07'
  await sdb.ok('PutAttributes', { DomainName, ItemName: 'i', ...attributes('a=1') }, { version })
  const { body } = await sdb.ok('GetAttributes', { DomainName, ItemName: 'i' }, { version })
  assert.match(
    body,
    /<GetAttributesResponse xmlns="http:\/\/sdb.amazonaws.com\/doc\/2007-11-07\/">/,
  )
  for (const action of ['Query', 'QueryWithAttributes']) {
    const refused = await sdb.call(action, { DomainName }, { version })
    assert.deepEqual([refused.status, refused.code], [400, 'InvalidAction'])
    assert.match(refused.message ?? '', /Use Select instead/)
  }
})
