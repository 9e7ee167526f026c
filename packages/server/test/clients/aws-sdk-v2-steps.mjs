// The steps of the JavaScript SDK v2 with SimpleDB, and with URLs that it presigns for S3. Prints a line of JSON for each:
// {"step": name, "error": text or null}. Argument: endpoint. Keys come from the environment.

import assert from 'node:assert/strict'
// biome-ignore lint/correctness/noUndeclaredDependencies: this is run where install.ts put it
import S3 from 'aws-sdk/clients/s3.js'
// biome-ignore lint/correctness/noUndeclaredDependencies: this is run where install.ts put it
import SimpleDB from 'aws-sdk/clients/simpledb.js'

const sdb = new SimpleDB({ endpoint: process.argv[2], region: 'us-east-1', maxRetries: 0 })
const DomainName = 'sdk-v2-domain'

async function read(ItemName) {
  const { Attributes = [] } = await sdb
    .getAttributes({ DomainName, ItemName, ConsistentRead: true })
    .promise()
  return Attributes.map(({ Name, Value }) => `${Name}=${Value}`)
}

async function refusal(request) {
  try {
    await request.promise()
    return undefined
  } catch ({ statusCode, code }) {
    return [statusCode, code]
  }
}

const text = "x+y z/é~*!'()&=%20 \u{1f600}"

const steps = {
  async 'makes a domain and sees it'() {
    await sdb.createDomain({ DomainName }).promise()
    const { DomainNames } = await sdb.listDomains({}).promise()
    assert.deepEqual(DomainNames, [DomainName])
  },
  async 'puts and gets awkward text'() {
    const Attributes = [
      { Name: 'a', Value: text, Replace: true },
      { Name: 'b', Value: '' },
    ]
    await sdb.putAttributes({ DomainName, ItemName: text, Attributes }).promise()
    assert.deepEqual(await read(text), [`a=${text}`, 'b='])
  },
  async 'gets what XML cannot carry as bytes'() {
    const Attributes = [{ Name: 'binary', Value: '\u0000\u0001' }]
    await sdb.putAttributes({ DomainName, ItemName: 'binary', Attributes }).promise()
    const { Attributes: found } = await sdb
      .getAttributes({ DomainName, ItemName: 'binary' })
      .promise()
    assert.deepEqual(Buffer.from(found[0].Value), Buffer.from([0, 1]))
  },
  async 'writes and deletes batches'() {
    const Items = Array.from({ length: 10 }, (_, at) => ({
      Name: `item-${at}`,
      Attributes: [
        { Name: 'n', Value: String(at) },
        { Name: 'm', Value: String(at) },
      ],
    }))
    await sdb.batchPutAttributes({ DomainName, Items }).promise()
    const deletes = [{ Name: 'item-0' }, { Name: 'item-1', Attributes: [{ Name: 'm' }] }]
    await sdb.batchDeleteAttributes({ DomainName, Items: deletes }).promise()
    assert.deepEqual([await read('item-0'), await read('item-1')], [[], ['n=1']])
    const { ItemCount } = await sdb.domainMetadata({ DomainName }).promise()
    assert.equal(ItemCount, 11)
  },
  async 'selects in pages'() {
    const SelectExpression = `select * from \`${DomainName}\` where n is not null order by n limit 4`
    const names = []
    let NextToken
    do {
      const page = await sdb.select({ SelectExpression, NextToken }).promise()
      names.push(...(page.Items ?? []).map(({ Name }) => Name))
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    assert.deepEqual(
      names,
      Array.from({ length: 9 }, (_, at) => `item-${at + 1}`),
    )
  },
  async 'puts and deletes on condition'() {
    const put = (Value, Expected) =>
      sdb.putAttributes({
        DomainName,
        ItemName: 'c',
        Attributes: [{ Name: 'v', Value, Replace: true }],
        Expected,
      })
    await put('1', { Name: 'v', Exists: false }).promise()
    await put('2', { Name: 'v', Value: '1' }).promise()
    assert.deepEqual(await refusal(put('3', { Name: 'v', Value: '1' })), [
      409,
      'ConditionalCheckFailed',
    ])
    const Expected = { Name: 'v', Value: '2', Exists: true }
    await sdb.deleteAttributes({ DomainName, ItemName: 'c', Expected }).promise()
    assert.deepEqual(await read('c'), [])
  },
  async 'is told what is wrong'() {
    const missing = sdb.domainMetadata({ DomainName: 'missing' })
    assert.deepEqual(await refusal(missing), [400, 'NoSuchDomain'])
    assert.deepEqual(await refusal(sdb.createDomain({ DomainName: '' })), [
      400,
      'InvalidParameterValue',
    ])
  },
  async 'presigns uploads to S3 with either version'() {
    for (const signatureVersion of [undefined, 'v2', 'v4']) {
      const options = signatureVersion === undefined ? {} : { signatureVersion }
      const s3 = new S3({ endpoint: process.argv[2], s3ForcePathStyle: true, ...options })
      const Bucket = `sdk-v2-${signatureVersion ?? 'default'}`
      await s3.createBucket({ Bucket }).promise()
      const Key = 'a+b c'
      const headers = { 'content-type': 'text/x', 'cache-control': 'no-store' }
      const described = { ContentType: 'text/x', CacheControl: 'no-store', Metadata: { A: 'b' } }
      const put = s3.getSignedUrl('putObject', { Bucket, Key, ...described })
      const body = Buffer.from('body')
      const meta = signatureVersion === 'v4' ? { 'x-amz-meta-a': 'b' } : {}
      const sent = await fetch(put, { method: 'PUT', body, headers: { ...headers, ...meta } })
      assert.equal(sent.status, 200, await sent.text())
      const found = await fetch(s3.getSignedUrl('getObject', { Bucket, Key }))
      assert.equal(await found.text(), 'body')
      for (const [name, value] of Object.entries({ ...headers, 'x-amz-meta-a': 'b' })) {
        assert.equal(found.headers.get(name), value, name)
      }
    }
  },
  async 'deletes the domain'() {
    await sdb.deleteDomain({ DomainName }).promise()
    const { DomainNames = [] } = await sdb.listDomains({}).promise()
    assert.deepEqual(DomainNames, [])
  },
}

for (const [step, run] of Object.entries(steps)) {
  let error = null
  await run().catch((problem) => {
    error = String(problem.stack)
  })
  process.stdout.write(`${JSON.stringify({ step, error })}\n`)
}
