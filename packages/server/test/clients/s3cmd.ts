// The steps of s3cmd.

import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Session } from './session.ts'
import { fileCount, fingerprint, largeFile, sha256File } from './tree.ts'

const bucket = 's3://s3cmd-bucket'

/** Environment of s3cmd, which takes everything else from its configuration file. */
export function s3cmdEnvironment(session: Session): Record<string, string> {
  return { HOME: session.scratch }
}

/** Runs every step. */
export async function s3cmdSteps(t: TestContext, s3cmd: string, session: Session): Promise<void> {
  const { tree, scratch } = session
  const config = join(scratch, 's3cfg')
  const lines = {
    access_key: session.accessKeyId,
    secret_key: session.secretAccessKey,
    host_base: session.authority,
    host_bucket: session.authority,
    bucket_location: 'us-east-1',
    use_https: 'False',
    signature_v2: 'False',
    multipart_chunk_size_mb: '5',
    max_retries: '1',
  }
  const text = Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`)
  await writeFile(config, `[default]\n${text.join('')}`)
  const call = (...args: string[]): Promise<string> =>
    session.run(s3cmd, ['-c', config, '--no-progress', ...args])

  await t.test('makes a bucket and sees it', async () => {
    await call('mb', bucket)
    assert.match(await call('ls'), /s3cmd-bucket/)
    await call('info', bucket)
  })
  await t.test('syncs a tree up and lists all of it', async () => {
    await call('sync', `${tree}/`, `${bucket}/tree/`)
    const listed = await call('ls', '-r', `${bucket}/tree/`)
    assert.equal(listed.trim().split('\n').length, fileCount)
  })
  await t.test('downloads the same bytes', async () => {
    const back = join(scratch, 'back')
    await mkdir(back)
    await call('get', '-r', `${bucket}/tree/`, `${back}/`)
    assert.deepEqual(await fingerprint(back), await fingerprint(tree))
  })
  await t.test('transfers nothing when nothing changed', async () => {
    assert.doesNotMatch(await call('sync', `${tree}/`, `${bucket}/tree/`), /upload:/)
  })
  await t.test('syncs changes and deletions', async () => {
    await writeFile(join(tree, 'plain.txt'), 'changed now')
    await rm(join(tree, 'many', 'b'))
    await call('sync', '--delete-removed', `${tree}/`, `${bucket}/tree/`)
    const back = join(scratch, 'synced')
    await mkdir(back)
    await call('sync', `${bucket}/tree/`, `${back}/`)
    assert.deepEqual(await fingerprint(back), await fingerprint(tree))
  })
  await t.test('copies and moves on the server', async () => {
    await call('cp', `${bucket}/tree/${largeFile}`, `${bucket}/copy of large`)
    await call('mv', `${bucket}/tree/many/a`, `${bucket}/moved/å + b`)
    assert.match(await call('ls', `${bucket}/moved/`), /å \+ b/)
    const back = join(scratch, 'copied')
    await call('get', `${bucket}/copy of large`, back)
    assert.equal(await sha256File(back), await sha256File(join(tree, largeFile)))
  })
  await t.test('shows an object and finds no unfinished upload', async () => {
    assert.match(await call('info', `${bucket}/tree/plain.txt`), /File size: +11/)
    assert.doesNotMatch(await call('multipart', bucket), /large/)
  })
  await t.test('works with signature version 2', async () => {
    const old = (...args: string[]): Promise<string> => call('--signature-v2', ...args)
    const name = `${bucket}/old way/å + b`
    await old('put', join(tree, largeFile), name)
    assert.match(await old('ls', `${bucket}/old way/`), /å \+ b/)
    await old('info', name)
    await old('info', bucket)
    await old('cp', name, `${bucket}/old copy`)
    const back = join(scratch, 'old')
    await old('get', `${bucket}/old copy`, back)
    assert.equal(await sha256File(back), await sha256File(join(tree, largeFile)))
    const url = await old('signurl', name, '+60')
    assert.match(url, /Signature=/)
    assert.equal((await fetch(url.trim())).status, 200)
    await old('del', name)
  })
  await t.test('deletes everything and the bucket', async () => {
    await call('del', '--recursive', '--force', bucket)
    assert.equal((await call('ls', '-r', bucket)).trim(), '')
    await call('rb', bucket)
    assert.doesNotMatch(await call('ls'), /s3cmd-bucket/)
  })
}
