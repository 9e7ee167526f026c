// Exports of snapshots to a bucket of this server, and their import into a domain.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CreateBucketCommand, DeleteBucketCommand, GetObjectCommand } from '@aws-sdk/client-s3'
import { ExportQueue } from '../../src/background/export-queue.ts'
import type { Services } from '../../src/operation/operation.ts'
import { collectDomains } from '../../src/store/domain/domain.ts'
import { checkDomains } from '../../src/store/fsck/domain.ts'
import { type CommandResult, runHoldfast } from '../harness.ts'
import { InProcessServer } from '../s3/in-process.ts'
import { callExport, type JsonAnswer } from './export-client.ts'
import { pairsIn, QueryClient, xmlText } from './query.ts'

const server = await InProcessServer.start({ owners: 1, simpleDbLimits: { exportsPerDomain: 6 } })
const sdb = new QueryClient(server.port, server.credential())
const s3 = server.client()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-import-'))
const { services } = server.store
const DomainName = 'exported'
const { signal } = new AbortController()

before(async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'exports' }))
  await sdb.ok('CreateDomain', { DomainName })
})

after(async () => {
  sdb.close()
  await server.closeWithoutFaults()
  await rm(folder, { recursive: true })
})

/** Runs all exports that can run now. */
function runExports(of: Services): Promise<void> {
  return new ExportQueue(of).run(signal)
}

/** Calls the export API. */
function call(action: string, input: Readonly<Record<string, unknown>>): Promise<JsonAnswer> {
  return callExport(server.port, server.credential(), action, input)
}

async function put(ItemName: string, name: string, ...values: string[]): Promise<void> {
  const parameters: Record<string, string> = { DomainName, ItemName }
  for (const [at, value] of values.entries()) {
    parameters[`Attribute.${at}.Name`] = name
    parameters[`Attribute.${at}.Value`] = value
    parameters[`Attribute.${at}.Replace`] = 'true'
  }
  await sdb.ok('PutAttributes', parameters)
}

async function object(Key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'exports', Key }))
  return (await Body?.transformToString()) ?? ''
}

async function start(clientToken: string, more: Record<string, unknown> = {}): Promise<JsonAnswer> {
  return call('StartDomainExport', {
    clientToken,
    domainName: DomainName,
    s3Bucket: 'exports',
    ...more,
  })
}

/** The lines of a finished export's files. */
async function exported(exportArn: unknown): Promise<string[]> {
  const { fields } = await call('GetExport', { exportArn })
  assert.equal(fields['exportStatus'], 'SUCCEEDED', JSON.stringify(fields))
  const manifest = JSON.parse(await object(String(fields['exportManifest'])))
  const lines: string[] = []
  for (const { key } of manifest.files) {
    lines.push(...(await object(key)).split('\n').filter(Boolean))
  }
  assert.equal(manifest.itemsCount, lines.length)
  assert.equal(fields['itemsCount'], lines.length)
  return lines
}

async function findings(): Promise<unknown[]> {
  while ((await collectDomains(services.engine, { maxRows: 100 })).hasMore);
  return services.engine.read(async (tx) => {
    const found: unknown[] = []
    for await (const one of checkDomains(tx, { onDomain: () => undefined })) found.push(one)
    return found
  })
}

test('an export has all items as of one moment, without later writes', async () => {
  for (let at = 0; at < 20; at++) await put(`item-${at}`, 'a', 'before', `v${at}`)
  const started = await start('first', { s3KeyPrefix: 'some/where/' })
  assert.equal(started.status, 200)
  const { exportArn } = started.fields
  const waiting = await call('GetExport', { exportArn })
  assert.equal(waiting.fields['exportStatus'], 'PENDING')
  // Before each read of the snapshot but the first, there are writes.
  let reads = 0
  const read: typeof services.engine.read = async (body, options) => {
    const isChunk = body.toString().includes('walkSnapshot')
    if (isChunk && reads++ === 0) {
      await put('item-0', 'a', 'after')
      await put('item-new', 'a', 'after')
      await sdb.ok('DeleteAttributes', { DomainName, ItemName: 'item-1' })
      const conflict = await sdb.call('DeleteDomain', { DomainName })
      assert.deepEqual([conflict.status, conflict.code], [409, 'DeleteConflictException'])
    }
    return services.engine.read(body, options)
  }
  const engine = {
    read,
    write: services.engine.write.bind(services.engine),
    watch: services.engine.watch.bind(services.engine),
    checkRoom: services.engine.checkRoom.bind(services.engine),
    statistics: () => services.engine.statistics(),
    close: () => services.engine.close(),
  }
  await runExports({ ...services, engine })
  assert.ok(reads > 0)
  const lines = await exported(exportArn)
  const items = new Map(lines.map((line) => [JSON.parse(line).itemName, line]))
  assert.equal(items.size, 20)
  assert.deepEqual(JSON.parse(items.get('item-0') ?? ''), {
    itemName: 'item-0',
    attributes: [{ name: 'a', values: ['before', 'v0'] }],
  })
  assert.ok(items.has('item-1') && !items.has('item-new'))
  assert.deepEqual(await findings(), [])
  const { body } = await sdb.ok('GetAttributes', { DomainName, ItemName: 'item-0' })
  assert.deepEqual(pairsIn(body), ['a=after'])
})

test('the same request under one token is one export, and another one is refused', async () => {
  const first = await start('token')
  const again = await start('token')
  assert.deepEqual(first.fields, again.fields)
  const other = await start('token', { s3KeyPrefix: 'else' })
  assert.deepEqual([other.status, other.type], [409, 'ConflictException'])
  await runExports(services)
  const listed = await call('ListExports', { domainName: DomainName, maxResults: 1 })
  const next = await call('ListExports', {
    domainName: DomainName,
    nextToken: listed.fields['nextToken'],
  })
  const arns = [listed, next].flatMap(({ fields }) => {
    const { exportSummaries } = fields
    assert.ok(Array.isArray(exportSummaries))
    return exportSummaries.map(({ exportArn, exportStatus }) => {
      assert.equal(exportStatus, 'SUCCEEDED')
      return exportArn
    })
  })
  assert.equal(arns[0], first.fields['exportArn'])
  assert.equal(arns.length, 2)
})

test('an impossible export is refused, or fails with its reason', async () => {
  const cases: [Record<string, unknown>, number, string][] = [
    [{ domainName: 'missing' }, 400, 'NoSuchDomainException'],
    [{ domainName: undefined }, 400, 'InvalidParameterValueException'],
    [{ s3SseAlgorithm: 'AES256' }, 400, 'InvalidParameterValueException'],
    [{ s3KeyPrefix: 5 }, 400, 'InvalidParameterValueException'],
  ]
  for (const [change, status, type] of cases) {
    const refused = await start('wrong', change)
    assert.deepEqual([refused.status, refused.type], [status, type])
  }
  const missing = await call('GetExport', { exportArn: 'arn:aws::sdb:us-east-1:none:domain/none' })
  assert.deepEqual([missing.status, missing.type], [400, 'NoSuchExportException'])
  const token = await call('ListExports', { nextToken: 'AAAA' })
  assert.deepEqual([token.status, token.type], [400, 'InvalidNextTokenException'])
  assert.equal((await call('Frobnicate', {})).status, 404)
  await s3.send(new CreateBucketCommand({ Bucket: 'short-lived' }))
  const { fields } = await start('doomed', { s3Bucket: 'short-lived' })
  await s3.send(new DeleteBucketCommand({ Bucket: 'short-lived' }))
  await runExports(services)
  const failed = await call('GetExport', { exportArn: fields['exportArn'] })
  assert.deepEqual(
    [failed.fields['exportStatus'], failed.fields['failureCode']],
    ['FAILED', 'S3NoSuchBucket'],
  )
  assert.deepEqual(await findings(), [])
})

test('a bucket that cannot be exported to is refused in the words of the guide', async () => {
  await server.client(1).send(new CreateBucketCommand({ Bucket: 'of-another' }))
  const missing =
    'An error occurred during the export. The specified Amazon S3 bucket does not exist.'
  const denied = 'Export failed due to insufficient access to the Amazon S3 bucket.'
  const cases: [Record<string, unknown>, number, string, string][] = [
    [{ s3Bucket: 'not-there' }, 404, 'S3NoSuchBucket', missing],
    [{ s3Bucket: 'A_B' }, 404, 'S3NoSuchBucket', missing],
    [{ s3Bucket: 'a/b' }, 404, 'S3NoSuchBucket', missing],
    [{ s3Bucket: 'a..b' }, 404, 'S3NoSuchBucket', missing],
    [{ s3Bucket: 'of-another' }, 403, 'S3AccessDenied', denied],
    [{ s3BucketOwner: '123456789012' }, 403, 'S3InvalidBucketOwnerAWSAccountID', denied],
  ]
  for (const [change, status, type, message] of cases) {
    const refused = await start('no-bucket', change)
    assert.deepEqual(
      [refused.status, refused.type, refused.fields['message']],
      [status, type, message],
    )
  }
})

test('wrong parameters of exports are refused in the words of the guide', async () => {
  const value = (text: string, name: string, rule: string): string =>
    `Value (${text}) for parameter ${name} is invalid. ${name} ${rule}.`
  const long = (count: number): string => 'x'.repeat(count)
  const cases: [string, Record<string, unknown>, string][] = [
    [
      'clientToken',
      { clientToken: '' },
      value('', 'ClientToken', 'must be between 1 and 128 characters long'),
    ],
    [
      'clientToken',
      { clientToken: 'a b' },
      value(
        'a b',
        'ClientToken',
        'must only contain ASCII characters in the range of 33-126, inclusive',
      ),
    ],
    [
      'domainName',
      { domainName: 'ab' },
      value('ab', 'DomainName', 'must be between 3 and 255 characters long'),
    ],
    [
      'domainName',
      { domainName: 'a/b' },
      value(
        'a/b',
        'DomainName',
        'must only contain letters, numbers, underscores, periods, and hyphens',
      ),
    ],
    [
      's3Bucket',
      { s3Bucket: 'x' },
      value('x', 'S3BucketName', 'must be between 3 and 63 characters long'),
    ],
    [
      's3Bucket',
      { s3Bucket: long(64) },
      value(long(64), 'S3BucketName', 'must be between 3 and 63 characters long'),
    ],
    [
      's3KeyPrefix',
      { s3KeyPrefix: long(851) },
      value(long(851), 'S3KeyPrefix', 'must be between 1 and 850 characters long'),
    ],
    [
      's3BucketOwner',
      { s3BucketOwner: '12' },
      value('12', 'S3BucketOwner', 'must be a valid AWS account ID'),
    ],
    [
      's3SseAlgorithm',
      { s3SseAlgorithm: 'ROT13' },
      value('ROT13', 'S3SseAlgorithm', 'can only be AES256 or KMS'),
    ],
  ]
  for (const [what, change, message] of cases) {
    const refused = await start('wrong', change)
    const found = [refused.status, refused.type, refused.fields['message']]
    assert.deepEqual(found, [400, 'InvalidParameterValueException', message], what)
  }
  const key = await start('wrong', { s3SseKmsKeyId: 'k' })
  assert.deepEqual(
    [key.status, key.type, key.fields['message']],
    [
      400,
      'InvalidParameterCombinationException',
      'Parameter S3SseKmsKeyId must be provided only when S3SseAlgorithm is KMS.',
    ],
  )
  const others: [string, Record<string, unknown>, string][] = [
    [
      'GetExport',
      { exportArn: 'x' },
      value('x', 'ExportArn', 'must be between 20 and 2048 characters long'),
    ],
    [
      'GetExport',
      { exportArn: long(20) },
      value(long(20), 'ExportArn', 'must be a valid Amazon SimpleDB Domain Export ARN'),
    ],
    ['ListExports', { maxResults: 101 }, value('101', 'MaxResults', 'must be between 1 and 100')],
    [
      'ListExports',
      { nextToken: '' },
      value('', 'NextToken', 'must be between 1 and 2048 characters long'),
    ],
    [
      'ListExports',
      { nextToken: '?' },
      value(
        '?',
        'NextToken',
        'must only contain letters, numbers, underscores, hyphens, and equals signs',
      ),
    ],
  ]
  for (const [action, input, message] of others) {
    const refused = await call(action, input)
    const found = [refused.status, refused.type, refused.fields['message']]
    assert.deepEqual(found, [400, 'InvalidParameterValueException', message])
  }
})

test('the files of an export are imported into a domain that is equal, and no others are', async () => {
  await put('awkward \u0000 "é"\u2028', 'ключ', '', '\u0001', '😀')
  const { fields } = await start('round')
  await runExports(services)
  const got = await call('GetExport', { exportArn: fields['exportArn'] })
  const manifestKey = String(got.fields['exportManifest'])
  const manifest = await object(manifestKey)
  await writeFile(join(folder, 'manifest.json'), manifest)
  for (const { key } of JSON.parse(manifest).files) {
    await writeFile(join(folder, String(key).split('/').at(-1) ?? ''), await object(key))
  }
  const credentials = join(folder, 'credentials.json')
  await writeFile(credentials, JSON.stringify(server.credentials), { mode: 0o600 })
  const data = ['--data', server.dataFolder, '--credentials', credentials]
  const imported = (domain: string): Promise<CommandResult> =>
    runHoldfast(['import', ...data, '--from', folder, '--domain', domain])
  const { exitCode, output } = await imported('copy')
  assert.equal(exitCode, 0, output)
  for (const name of [
    'ItemCount',
    'AttributeNameCount',
    'AttributeValueCount',
    'AttributeValuesSizeBytes',
  ]) {
    const [one, other] = await Promise.all(
      [DomainName, 'copy'].map((domain) => sdb.ok('DomainMetadata', { DomainName: domain })),
    )
    assert.equal(xmlText(one?.body ?? '', name), xmlText(other?.body ?? '', name), name)
  }
  const contents = await Promise.all(
    [DomainName, 'copy'].map(async (domain) => {
      const { body } = await sdb.ok('Select', {
        SelectExpression: `select * from ${domain} order by itemName()`,
      })
      return body.replace(/<ResponseMetadata>.*$/, '')
    }),
  )
  assert.equal(contents[0], contents[1])
  await writeFile(join(folder, 'data-00000.json'), '{"itemName":"x"}\n')
  const changed = await imported('copy')
  assert.equal(changed.exitCode, 1)
  assert.match(changed.output, /is not what was exported/)
})

test('exports of one domain are limited', async () => {
  for (let at = 0; at < 6; at++) {
    const { status, type } = await start(`many-${at}`)
    if (status === 200) continue
    assert.deepEqual([status, type], [409, 'NumberExportsLimitExceeded'])
    await runExports(services)
    return
  }
  assert.fail('there was no limit')
})
