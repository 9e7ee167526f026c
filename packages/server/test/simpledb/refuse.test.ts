// Every error over the wire. Those of conditions have the exact texts of Amazon's article.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { InProcessServer } from '../s3/in-process.ts'
import { pairsIn, type QueryAnswer, QueryClient } from './query.ts'

const server = await InProcessServer.start({
  simpleDbLimits: {
    domainsPerOwner: 3,
    domainBytes: 200,
    domainPairs: 12,
    itemPairs: 5,
    submittedPairs: 4,
    submittedItems: 3,
    batchRequestBytes: 2000,
  },
})
const plain = await InProcessServer.start()
const small = new QueryClient(server.port, server.credential())
const sdb = new QueryClient(plain.port, plain.credential())
const DomainName = 'domain'
const target = { DomainName, ItemName: 'i' }

after(async () => {
  for (const client of [small, sdb]) client.close()
  await server.closeWithoutFaults()
  await plain.closeWithoutFaults()
})

before(async () => {
  for (const client of [small, sdb]) await client.ok('CreateDomain', { DomainName })
})

function isRefused(
  answer: QueryAnswer,
  status: number,
  code: string,
  message: string,
  usage?: string,
): void {
  assert.deepEqual([answer.status, answer.code, answer.message], [status, code, message])
  assert.equal(answer.usage, usage)
}

type Parameters = Record<string, string>
const one = { 'Attribute.1.Name': 'a', 'Attribute.1.Value': '1' }
const long = 'x'.repeat(1025)

const staticErrors: readonly (readonly [what: Parameters, code: string, message: string])[] = [
  [
    { 'Expected.1.Name': 'Attr1', 'Expected.1.Value': '10', 'Expected.1.Exists': 'false' },
    'ExistsAndExpectedValue',
    'Expected.Exists=false and Expected.Value cannot be specified together',
  ],
  [
    { 'Expected.1.Name': 'Attr1', 'Expected.1.Exists': 'true' },
    'IncompleteExpectedValue',
    'If Expected.Exists = true or unspecified, then Expected.Value has to be specified',
  ],
  [
    { 'Expected.Name': 'Attr1' },
    'IncompleteExpectedValue',
    'If Expected.Exists = true or unspecified, then Expected.Value has to be specified',
  ],
  [
    { 'Expected.1.Value': '10', 'Expected.1.Exists': 'true' },
    'MissingParameter',
    'The request must contain the parameter Name',
  ],
  [
    { 'Expected.1.Exists': 'false' },
    'MissingParameter',
    'The request must contain the parameter Name',
  ],
  [
    { 'Expected.1.Name': 'Attr1', 'Expected.1.Value': '10', 'Expected.1.Exists': 'x' },
    'InvalidParameterValue',
    'Value (x) for parameter Expected.Exists is invalid. Expected.Exists should be either true or false.',
  ],
  [
    { 'Expected.1.Name': 'Attr1', 'Expected.2.Name': 'Attr2', 'Expected.1.Value': '10' },
    'MultipleExpectedNames',
    'Only one Expected.Name can be specified',
  ],
  [
    { 'Expected.1.Name': 'Attr1', 'Expected.1.Value': '20', 'Expected.2.Value': '10' },
    'MultipleExpectedValues',
    'Only one Expected.Value can be specified',
  ],
  [
    {
      'Expected.1.Name': 'Attr1',
      'Expected.1.Value': '20',
      'Expected.1.Exists': 'true',
      'Expected.2.Exists': 'true',
    },
    'MultipleExistsConditions',
    'Only one Exists condition can be specified',
  ],
  [
    { 'Expected.1.Name': 'Attr1', 'Expected.1.Value': long },
    'InvalidParameterValue',
    `Value (${long}) for parameter Value is invalid. Value exceeds maximum length of 1024`,
  ],
  [
    { 'Expected.1.Name': '', 'Expected.1.Value': '10' },
    'InvalidParameterValue',
    'Value () for parameter Name is invalid.The empty string is an illegal attribute name',
  ],
]

test("the article's static errors of conditions come before anything is read", async () => {
  const nowhere = { DomainName: 'missing-domain', ItemName: 'i' }
  for (const [parameters, code, message] of staticErrors) {
    const put = await sdb.call('PutAttributes', { ...nowhere, ...one, ...parameters })
    isRefused(put, 400, code, message, '0.0000219907')
    const remove = await sdb.call('DeleteAttributes', { ...nowhere, ...parameters })
    isRefused(remove, 400, code, message, '0.0000219907')
  }
})

test('the former version of the API knows no conditions and no consistent reads', async () => {
  const version = '2007-11-07'
  const text = (name: string): string =>
    `Parameter (${name}) is only supported in WSDL version 2009-04-15 or beyond. Please upgrade to new version`
  const condition = { 'Expected.1.Name': 'Attr1', 'Expected.1.Value': '10' }
  for (const action of ['PutAttributes', 'DeleteAttributes']) {
    const refused = await sdb.call(action, { ...target, ...one, ...condition }, { version })
    isRefused(refused, 400, 'InvalidWSDLVersion', text('Expected.1.Name'))
  }
  const read = await sdb.call('GetAttributes', { ...target, ConsistentRead: 'false' }, { version })
  isRefused(read, 400, 'InvalidWSDLVersion', text('ConsistentRead'))
})

test("the article's dynamic errors of conditions leave everything as it is", async () => {
  const pairs = {
    'Attribute.1.Name': 'Attr1',
    'Attribute.1.Value': '10',
    'Attribute.2.Name': 'Many',
    'Attribute.2.Value': '1',
    'Attribute.3.Name': 'Many',
    'Attribute.3.Value': '2',
  }
  await sdb.ok('PutAttributes', { ...target, ...pairs })
  const cases: [Parameters, number, string, string][] = [
    [
      { 'Expected.1.Name': 'None', 'Expected.1.Value': '10' },
      404,
      'AttributeDoesNotExist',
      'Attribute (None) does not exist',
    ],
    [
      { 'Expected.1.Name': 'Many', 'Expected.1.Value': '1' },
      409,
      'MultiValuedAttribute',
      'Attribute (Many) is multi valued. Conditional check can only be performed on a single-valued attribute',
    ],
    [
      { 'Expected.1.Name': 'Attr1', 'Expected.1.Value': '20', 'Expected.1.Exists': 'TRUE' },
      409,
      'ConditionalCheckFailed',
      'Conditional check failed. Attribute (Attr1) value is (10) but was expected (20)',
    ],
    [
      { 'Expected.1.Name': 'Attr1', 'Expected.1.Exists': 'False' },
      409,
      'ConditionalCheckFailed',
      'ConditionalCheckFailed: Conditional check failed. Attribute (Attr1) value exists',
    ],
    [
      { 'Expected.1.Name': 'Many', 'Expected.1.Exists': 'false' },
      409,
      'ConditionalCheckFailed',
      'ConditionalCheckFailed: Conditional check failed. Attribute (Many) value exists',
    ],
  ]
  for (const [condition, status, code, message] of cases) {
    const put = await sdb.call('PutAttributes', { ...target, ...one, ...condition })
    isRefused(put, status, code, message, '0.0000219907')
    const remove = await sdb.call('DeleteAttributes', { ...target, ...condition })
    isRefused(remove, status, code, message, '0.0000219907')
  }
  const { body } = await sdb.ok('GetAttributes', target)
  assert.deepEqual(pairsIn(body), ['Attr1=10', 'Many=1', 'Many=2'])
  const missing = {
    DomainName,
    ItemName: 'missing',
    'Expected.Name': 'Attr1',
    'Expected.Value': '1',
  }
  const refused = await sdb.call('PutAttributes', { ...missing, ...one })
  isRefused(
    refused,
    404,
    'AttributeDoesNotExist',
    'Attribute (Attr1) does not exist',
    '0.0000219907',
  )
})

test('a condition that holds lets the change through, however its parameters are numbered', async () => {
  const conditions: Parameters[] = [
    { 'Expected.1.Name': 'Attr1', 'Expected.Value': '10' },
    { 'Expected.0.Name': 'None', 'Expected.0.Exists': 'false' },
    { 'Expected.Name': 'Attr1', 'Expected.Exists': 'tRuE', 'Expected.Value': '10' },
  ]
  for (const condition of conditions) {
    await sdb.ok('PutAttributes', { ...target, ...one, ...condition })
    await sdb.ok('DeleteAttributes', { ...target, ...one, ...condition })
  }
})

test('a batch with a condition is refused rather than written without looking', async () => {
  const batch = {
    DomainName,
    'Item.1.ItemName': 'b',
    'Item.1.Attribute.1.Name': 'a',
    'Item.1.Attribute.1.Value': '1',
  }
  for (const action of ['BatchPutAttributes', 'BatchDeleteAttributes']) {
    const refused = await sdb.call(action, {
      ...batch,
      'Expected.Name': 'a',
      'Expected.Exists': 'false',
    })
    assert.deepEqual([refused.status, refused.code], [400, 'InvalidParameterCombination'])
  }
  assert.deepEqual(pairsIn((await sdb.ok('GetAttributes', { DomainName, ItemName: 'b' })).body), [])
})

test('a missing or malformed parameter is refused with its own text', async () => {
  const batch = { DomainName, 'Item.1.ItemName': 'i' }
  const must = (name: string): string => `The request must contain the parameter ${name}`
  const cases: [string, Parameters, string, string][] = [
    ['CreateDomain', {}, 'MissingParameter', must('DomainName')],
    [
      'CreateDomain',
      { DomainName: '' },
      'InvalidParameterValue',
      'Value () for parameter DomainName is invalid. ',
    ],
    [
      'CreateDomain',
      { DomainName: 'a b c' },
      'InvalidParameterValue',
      'Value (a b c) for parameter DomainName is invalid. ',
    ],
    [
      'CreateDomain',
      { DomainName: 'ab' },
      'InvalidParameterValue',
      'Value (ab) for parameter DomainName is invalid. ',
    ],
    ['DeleteDomain', {}, 'MissingParameter', must('DomainName')],
    [
      'DomainMetadata',
      { DomainName: 'missing' },
      'NoSuchDomain',
      'The specified domain does not exist.',
    ],
    [
      'ListDomains',
      { MaxNumberOfDomains: '0' },
      'InvalidParameterValue',
      'Value (0) for parameter MaxNumberOfDomains is invalid. MaxNumberOfDomains must be between 1 and 100.',
    ],
    [
      'ListDomains',
      { MaxNumberOfDomains: '101' },
      'InvalidParameterValue',
      'Value (101) for parameter MaxNumberOfDomains is invalid. MaxNumberOfDomains must be between 1 and 100.',
    ],
    ['PutAttributes', { DomainName }, 'MissingParameter', must('ItemName')],
    ['PutAttributes', target, 'MissingParameter', 'No attributes'],
    [
      'PutAttributes',
      { ...target, 'Attribute.1.Name': 'a' },
      'MissingParameter',
      "Attribute.Value missing for Attribute.Name='a'.",
    ],
    [
      'PutAttributes',
      { ...target, 'Attribute.1.Value': '1' },
      'MissingParameter',
      "Attribute.Name missing for Attribute.Value='1'.",
    ],
    [
      'PutAttributes',
      { ...target, ...one, 'Attribute.1.Replace': 'x' },
      'InvalidParameterValue',
      'Value (x) for parameter Replace is invalid. The Replace flag should be either true or false.',
    ],
    [
      'PutAttributes',
      { ...target, ...one, Replace: 'true' },
      'FeatureDeprecated',
      'The replace flag must be specified per attribute, not per item.',
    ],
    [
      'PutAttributes',
      { ...target, ItemName: '', ...one },
      'InvalidParameterValue',
      'Value () for parameter ItemName is invalid. The empty string is an illegal item name',
    ],
    [
      'PutAttributes',
      { ...target, ItemName: long, ...one },
      'InvalidParameterValue',
      `Value (${long}) for parameter Item is invalid. Value exceeds max length of 1024.`,
    ],
    [
      'PutAttributes',
      { ...target, 'Attribute.1.Name': '', 'Attribute.1.Value': '1' },
      'InvalidParameterValue',
      'Value () for parameter Name is invalid.The empty string is an illegal attribute name',
    ],
    [
      'PutAttributes',
      { ...target, 'Attribute.1.Name': long, 'Attribute.1.Value': '1' },
      'InvalidParameterValue',
      `Value (${long}) for parameter Name is invalid. Value exceeds maximum length of 1024.`,
    ],
    [
      'PutAttributes',
      { ...target, 'Attribute.1.Name': 'a', 'Attribute.1.Value': 'é'.repeat(513) },
      'InvalidParameterValue',
      `Value (${'é'.repeat(513)}) for parameter Value is invalid. Value exceeds maximum length of 1024.`,
    ],
    [
      'PutAttributes',
      { ...target, ...one, DomainName: 'missing' },
      'NoSuchDomain',
      'The specified domain does not exist.',
    ],
    [
      'GetAttributes',
      { ...target, ConsistentRead: 'maybe' },
      'InvalidParameterValue',
      'Value (maybe) for parameter ConsistentRead is invalid. The ConsistentRead flag should be either true or false.',
    ],
    [
      'DeleteAttributes',
      { ...target, 'Attribute.1.Value': '1' },
      'MissingParameter',
      'The request must contain the attribute Name, if an attribute Value is specified.',
    ],
    ['BatchPutAttributes', { DomainName }, 'MissingParameter', must('ItemName')],
    ['BatchPutAttributes', batch, 'MissingParameter', "No attributes for item ='i'."],
    [
      'BatchPutAttributes',
      { ...batch, 'Item.1.Replace': 'true' },
      'FeatureDeprecated',
      'The replace flag must be specified per attribute, not per item.',
    ],
    [
      'BatchDeleteAttributes',
      { ...batch, 'Item.2.ItemName': 'i' },
      'DuplicateItemName',
      'Item i was specified more than once.',
    ],
    [
      'Query',
      { DomainName },
      'InvalidAction',
      'The action Query is not valid for this web service. Use Select instead.',
    ],
    ['Frobnicate', {}, 'InvalidAction', 'The action Frobnicate is not valid for this web service.'],
  ]
  for (const [action, parameters, code, message] of cases) {
    const answer = await sdb.call(action, parameters)
    assert.deepEqual([answer.status, answer.code, answer.message], [400, code, message])
  }
})

test('an action, a version and a verb are needed that are known', async () => {
  const nothing = await sdb.call('', {})
  isRefused(nothing, 400, 'MissingAction', 'No action was supplied with this request.')
  const version = await sdb.call('ListDomains', {}, { version: '2001-01-01' })
  isRefused(
    version,
    400,
    'NoSuchVersion',
    'The requested version (2001-01-01) of service AmazonSimpleDB does not exist.',
  )
  const verb = await sdb.call('ListDomains', {}, { method: 'PUT' })
  isRefused(verb, 400, 'UnsupportedHttpVerb', 'The requested HTTP verb is not supported: PUT.')
})

test('limits of a call and of an item are exact', async () => {
  const pairs = (count: number, from = 0): Parameters =>
    Object.assign(
      {},
      ...Array.from({ length: count }, (_, at) => ({
        [`Attribute.${at}.Name`]: 'a',
        [`Attribute.${at}.Value`]: String(from + at),
      })),
    )
  await small.ok('PutAttributes', { ...target, ...pairs(4) })
  isRefused(
    await small.call('PutAttributes', { ...target, ...pairs(5) }),
    409,
    'NumberSubmittedAttributesExceeded',
    'Too many attributes for item i in a single call. Up to 4 attributes per call allowed.',
    '0.0000219907',
  )
  await small.ok('PutAttributes', { ...target, ...pairs(1, 9) })
  isRefused(
    await small.call('PutAttributes', { ...target, ...pairs(1, 10) }),
    409,
    'NumberItemAttributesExceeded',
    'Too many attributes in this item.',
    '0.0000219907',
  )
  const items = (count: number): Parameters =>
    Object.assign(
      { DomainName },
      ...Array.from({ length: count }, (_, at) => ({
        [`Item.${at}.ItemName`]: `i${at}`,
        [`Item.${at}.Attribute.1.Name`]: 'a',
        [`Item.${at}.Attribute.1.Value`]: '1',
      })),
    )
  await small.ok('BatchPutAttributes', items(3))
  isRefused(
    await small.call('BatchPutAttributes', items(4)),
    409,
    'NumberSubmittedItemsExceeded',
    'Too many items in a single call. Up to 3 items per call allowed.',
    '0.0000219907',
  )
  await small.ok('BatchDeleteAttributes', items(3))
  await small.ok('DeleteAttributes', target)
  const large = await small.call('BatchPutAttributes', { ...items(1), Padding: 'x'.repeat(2000) })
  assert.deepEqual([large.status, large.code], [400, 'InvalidHttpRequest'])
})

test('limits of a domain are exact', async () => {
  const put = (ItemName: string, value: string): Promise<QueryAnswer> =>
    small.call('PutAttributes', {
      DomainName,
      ItemName,
      'Attribute.1.Name': 'a',
      'Attribute.1.Value': value,
    })
  for (let at = 10; at < 22; at++) assert.equal((await put(`i${at}`, '1')).status, 200)
  isRefused(
    await put('i22', '1'),
    409,
    'NumberDomainAttributesExceeded',
    'Too many attributes in this domain.',
    '0.0000219907',
  )
  for (let at = 10; at < 22; at++)
    await small.ok('DeleteAttributes', { DomainName, ItemName: `i${at}` })
  assert.equal((await put('i', 'x'.repeat(198))).status, 200)
  isRefused(
    await put('i', 'y'),
    409,
    'NumberDomainBytesExceeded',
    'Too many bytes in this domain.',
    '0.0000219907',
  )
  await small.ok('DeleteAttributes', target)
})

test('an owner has a limited number of domains, and those that are there may be created again', async () => {
  await small.ok('CreateDomain', { DomainName: 'second' })
  await small.ok('CreateDomain', { DomainName: 'third' })
  isRefused(
    await small.call('CreateDomain', { DomainName: 'fourth' }),
    409,
    'NumberDomainsExceeded',
    'The domain limit was exceeded.',
    '0.0055590278',
  )
  await small.ok('CreateDomain', { DomainName: 'third' })
})
