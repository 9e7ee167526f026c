// The steps of the AWS CLI, for version 1 and version 2 alike.

import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Session } from './session.ts'
import { fileCount, fingerprint, largeFile, sha256, sha256File } from './tree.ts'

const bucket = 'aws-cli-bucket'

/** Environment of the CLI. */
export function awsEnvironment(session: Session): Record<string, string> {
  return {
    HOME: session.scratch,
    AWS_CONFIG_FILE: configFile(session),
    AWS_ACCESS_KEY_ID: session.accessKeyId,
    AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_PAGER: '',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
  }
}

function configFile(session: Session): string {
  return join(session.scratch, 'aws-config')
}

/** Runs every step with one binary. */
export async function awsCliSteps(t: TestContext, aws: string, session: Session): Promise<void> {
  const { tree, scratch } = session
  // Without any setting: version 1 then signs URLs by Signature Version 2.
  await writeFile(configFile(session), '[default]\n')
  const call = (...args: string[]): Promise<string> =>
    session.run(aws, ['--endpoint-url', session.endpoint, ...args])
  const api = async (...args: string[]): Promise<Record<string, unknown>> => {
    const output = await call('s3api', '--output', 'json', ...args)
    const parsed: unknown = JSON.parse(output === '' ? '{}' : output)
    assert.ok(typeof parsed === 'object' && parsed !== null)
    return { ...parsed }
  }
  const remote = `s3://${bucket}/tree`

  await t.test('makes a bucket and sees it', async () => {
    await call('s3', 'mb', `s3://${bucket}`)
    assert.match(await call('s3', 'ls'), new RegExp(bucket))
    await api('head-bucket', '--bucket', bucket)
    await api('get-bucket-location', '--bucket', bucket)
  })
  await t.test('uploads a tree and lists all of it', async () => {
    await call('s3', 'cp', tree, remote, '--recursive', '--only-show-errors')
    const listed = await call('s3', 'ls', `s3://${bucket}`, '--recursive')
    assert.equal(listed.trim().split('\n').length, fileCount)
  })
  await t.test('downloads the same bytes', async () => {
    const back = join(scratch, 'back')
    await call('s3', 'cp', remote, back, '--recursive', '--only-show-errors')
    assert.deepEqual(await fingerprint(back), await fingerprint(tree))
  })
  await t.test('finds nothing to sync when nothing changed', async () => {
    assert.equal((await call('s3', 'sync', tree, remote, '--delete')).trim(), '')
  })
  await t.test('syncs changes both ways', async () => {
    await writeFile(join(tree, 'plain.txt'), 'changed now')
    await writeFile(join(tree, 'names', 'new + one.txt'), 'new')
    await rm(join(tree, 'many', 'b'))
    await call('s3', 'sync', tree, remote, '--delete', '--only-show-errors')
    const back = join(scratch, 'synced')
    await call('s3', 'sync', remote, back, '--only-show-errors')
    assert.deepEqual(await fingerprint(back), await fingerprint(tree))
  })
  await t.test('uploaded the large file in parts', async () => {
    const at = ['--bucket', bucket, '--key', `tree/${largeFile}`]
    const { ETag: etag } = await api('head-object', ...at)
    assert.match(String(etag), /^"[0-9a-f]{32}-\d+"$/)
  })
  await t.test('copies the large file in parts on the server', async () => {
    const copy = `s3://${bucket}/copy of large.bin`
    await call('s3', 'cp', `${remote}/${largeFile}`, copy, '--only-show-errors')
    const back = join(scratch, 'copy.bin')
    await call('s3', 'cp', copy, back, '--only-show-errors')
    assert.equal(await sha256File(back), await sha256File(join(tree, largeFile)))
  })
  await t.test('moves an object', async () => {
    await call('s3', 'mv', `${remote}/many/a`, `s3://${bucket}/moved/å+b`, '--only-show-errors')
    assert.match(await call('s3', 'ls', `s3://${bucket}/moved/`), /å\+b/)
    assert.doesNotMatch(await call('s3', 'ls', `${remote}/many/`), / a$/m)
  })
  await t.test('lists with a delimiter', async () => {
    const listed = await api(
      ...['list-objects-v2', '--bucket', bucket, '--delimiter', '/', '--prefix', 'tree/'],
    )
    const { CommonPrefixes: prefixes } = listed
    assert.deepEqual(
      prefixes,
      ['deep', 'large', 'many', 'names'].map((name) => ({ Prefix: `tree/${name}/` })),
    )
  })
  await t.test('pages through a listing', async () => {
    const { Contents: whole } = await api(
      'list-objects-v2',
      '--bucket',
      bucket,
      '--prefix',
      'tree/',
    )
    const { Contents: paged } = await api(
      ...['list-objects-v2', '--bucket', bucket, '--prefix', 'tree/', '--page-size', '4'],
    )
    assert.deepEqual(paged, whole)
  })
  await t.test('shares an object by a presigned URL', async () => {
    const url = await call('s3', 'presign', `${remote}/names/with space.txt`, '--expires-in', '60')
    const isVersion1 = (await call('--version')).startsWith('aws-cli/1.')
    assert.equal(url.includes('AWSAccessKeyId='), isVersion1)
    const answer = await fetch(url.trim())
    assert.equal(answer.status, 200)
    const body = Buffer.from(await answer.arrayBuffer())
    assert.equal(sha256(body), await sha256File(join(tree, 'names', 'with space.txt')))
  })
  await t.test('streams standard input and output', async () => {
    await session.run(
      aws,
      ['--endpoint-url', session.endpoint, 's3', 'cp', '-', `s3://${bucket}/from stdin`],
      'a line of text\n',
    )
    assert.equal(await call('s3', 'cp', `s3://${bucket}/from stdin`, '-'), 'a line of text\n')
  })
  await t.test('keeps keys with empty parts, metadata and headers', async () => {
    const body = join(tree, 'hundred.bin')
    for (const key of ['a//b', 'trailing/', 'dots/../here', './dot', 'a b+c%2Fd']) {
      const at = ['--bucket', bucket, '--key', key]
      await api('put-object', ...at, '--body', body, '--metadata', 'colour=blue')
      const back = join(scratch, 'odd')
      const { Metadata: metadata } = await api('get-object', ...at, back)
      assert.deepEqual(metadata, { colour: 'blue' })
      assert.deepEqual(await readFile(back), await readFile(body))
    }
    const at = ['--bucket', bucket, '--key', 'headers']
    await api('put-object', ...at, '--cache-control', 'no-cache', '--content-type', 'text/x-odd')
    const { CacheControl: control, ContentType: type } = await api('head-object', ...at)
    assert.deepEqual([control, type], ['no-cache', 'text/x-odd'])
  })
  await t.test('stores and verifies a checksum', async () => {
    const at = ['--bucket', bucket, '--key', 'checked']
    const body = ['--body', join(tree, 'hundred.bin')]
    const sum = ['--checksum-algorithm', 'SHA256']
    const { ChecksumSHA256: stored } = await api('put-object', ...at, ...body, ...sum)
    const mode = ['--checksum-mode', 'ENABLED']
    const { ChecksumSHA256: returned } = await api('head-object', ...at, ...mode)
    assert.ok(typeof stored === 'string')
    assert.equal(returned, stored)
  })
  await t.test('lists and aborts an upload by hand', async () => {
    const at = ['--bucket', bucket, '--key', 'never finished']
    const { UploadId: id } = await api('create-multipart-upload', ...at)
    const upload = ['--upload-id', String(id)]
    const part = ['--part-number', '1', '--body', join(tree, 'hundred.bin')]
    await api('upload-part', ...at, ...upload, ...part)
    const { Parts: parts } = await api('list-parts', ...at, ...upload)
    assert.equal(Array.isArray(parts) && parts.length, 1)
    await api('abort-multipart-upload', ...at, ...upload)
    const { Uploads: uploads = [] } = await api('list-multipart-uploads', '--bucket', bucket)
    assert.deepEqual(uploads, [])
  })
  await t.test('queries an object', async () => {
    const result = join(scratch, 'result.json')
    const where = ['--bucket', bucket, '--key', 'people.csv']
    const source = join(scratch, 'people.csv')
    await writeFile(source, 'name,age\nJane,31\nBob,5\n')
    await api('put-object', ...where, '--body', source)
    await api(
      'select-object-content',
      ...where,
      ...['--expression', 'SELECT s.name FROM S3Object s WHERE CAST(s.age AS INT) > 10'],
      ...['--expression-type', 'SQL'],
      ...['--input-serialization', '{"CSV":{"FileHeaderInfo":"USE"}}'],
      ...['--output-serialization', '{"JSON":{}}'],
      result,
    )
    assert.equal(await readFile(result, 'utf8'), '{"name":"Jane"}\n')
  })
  await t.test('tags an object, a copy of it and the bucket', async () => {
    const at = ['--bucket', bucket, '--key', 'tagged']
    await api('put-object', ...at, '--tagging', 'a=1&b=two')
    const tags = [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: 'two' },
    ]
    const { TagSet: found } = await api('get-object-tagging', ...at)
    assert.deepEqual(found, tags)
    await call(
      's3',
      'cp',
      `s3://${bucket}/tagged`,
      `s3://${bucket}/tagged too`,
      '--only-show-errors',
    )
    const copy = await api('get-object-tagging', '--bucket', bucket, '--key', 'tagged too')
    assert.deepEqual(copy['TagSet'], tags)
    await api('put-object-tagging', ...at, '--tagging', '{"TagSet":[{"Key":"c","Value":""}]}')
    const { TagSet: changed } = await api('get-object-tagging', ...at)
    assert.deepEqual(changed, [{ Key: 'c', Value: '' }])
    await api('delete-object-tagging', ...at)
    const of = ['--bucket', bucket]
    await api('put-bucket-tagging', ...of, '--tagging', 'TagSet=[{Key=team,Value=sea}]')
    const { TagSet: ofBucket } = await api('get-bucket-tagging', ...of)
    assert.deepEqual(ofBucket, [{ Key: 'team', Value: 'sea' }])
    await api('delete-bucket-tagging', ...of)
    await assert.rejects(api('get-bucket-tagging', ...of), /NoSuchTagSet/)
  })
  await t.test('makes rules for other origins, and a website', async () => {
    const of = ['--bucket', bucket]
    const CORSRules = [{ AllowedMethods: ['GET'], AllowedOrigins: ['https://a.example'] }]
    await api('put-bucket-cors', ...of, '--cors-configuration', JSON.stringify({ CORSRules }))
    const { CORSRules: rules } = await api('get-bucket-cors', ...of)
    assert.deepEqual(rules, CORSRules)
    await api('delete-bucket-cors', ...of)
    await call('s3', 'website', `s3://${bucket}`, '--index-document', 'index.html')
    const { IndexDocument: index } = await api('get-bucket-website', ...of)
    assert.deepEqual(index, { Suffix: 'index.html' })
    await api('delete-bucket-website', ...of)
  })
  await t.test('gets the error codes of S3', async () => {
    const missing = api('get-object', '--bucket', bucket, '--key', 'no such', join(scratch, 'x'))
    await assert.rejects(missing, /NoSuchKey/)
    await assert.rejects(call('s3', 'ls', 's3://no-such-bucket-here'), /NoSuchBucket/)
    await assert.rejects(call('s3', 'rb', `s3://${bucket}`), /BucketNotEmpty/)
  })
  await t.test('deletes everything and the bucket', async () => {
    await call('s3', 'rm', `s3://${bucket}`, '--recursive', '--only-show-errors')
    assert.equal((await call('s3', 'ls', `s3://${bucket}`, '--recursive')).trim(), '')
    await call('s3', 'rb', `s3://${bucket}`)
  })
}
