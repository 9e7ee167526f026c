// The steps of rclone.

import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Session } from './session.ts'
import { fileCount, fingerprint, largeFile, sha256, sha256File } from './tree.ts'

const remote = 'here:rclone-bucket'

/** A remote named `here`, without a configuration file. */
export function rcloneEnvironment(session: Session): Record<string, string> {
  return {
    HOME: session.scratch,
    RCLONE_CONFIG: join(session.scratch, 'no-rclone.conf'),
    RCLONE_CONFIG_HERE_TYPE: 's3',
    RCLONE_CONFIG_HERE_PROVIDER: 'Other',
    RCLONE_CONFIG_HERE_ENDPOINT: session.endpoint,
    RCLONE_CONFIG_HERE_ACCESS_KEY_ID: session.accessKeyId,
    RCLONE_CONFIG_HERE_SECRET_ACCESS_KEY: session.secretAccessKey,
    RCLONE_CONFIG_HERE_REGION: 'us-east-1',
    RCLONE_S3_UPLOAD_CUTOFF: '6Mi',
    RCLONE_S3_CHUNK_SIZE: '5Mi',
    RCLONE_RETRIES: '1',
    RCLONE_LOW_LEVEL_RETRIES: '1',
  }
}

/** Runs every step. */
export async function rcloneSteps(t: TestContext, rclone: string, session: Session): Promise<void> {
  const { tree, scratch } = session
  const call = (...args: string[]): Promise<string> => session.run(rclone, args)

  await t.test('makes a bucket and sees it', async () => {
    await call('mkdir', remote)
    assert.match(await call('lsd', 'here:'), /rclone-bucket/)
  })
  await t.test('syncs a tree up and lists all of it', async () => {
    await call('sync', tree, `${remote}/tree`)
    const listed = await call('lsf', '-R', '--files-only', `${remote}/tree`)
    assert.equal(listed.trim().split('\n').length, fileCount)
  })
  await t.test('finds every file equal, by size and hash', async () => {
    await call('check', tree, `${remote}/tree`)
    await call('check', '--download', tree, `${remote}/tree`)
  })
  await t.test('downloads the same bytes', async () => {
    const back = join(scratch, 'back')
    await call('copy', `${remote}/tree`, back)
    assert.deepEqual(await fingerprint(back), await fingerprint(tree))
  })
  await t.test('transfers nothing when nothing changed', async () => {
    const log = join(scratch, 'sync.log')
    await call('sync', '-v', '--log-file', log, '--use-json-log', tree, `${remote}/tree`)
    const copied = await session.run('sh', ['-c', `grep -c Copied ${log} || true`])
    assert.equal(copied.trim(), '0')
  })
  await t.test('syncs changes and deletions', async () => {
    await writeFile(join(tree, 'plain.txt'), 'changed now')
    await rm(join(tree, 'many', 'b'))
    await call('sync', tree, `${remote}/tree`)
    await call('check', tree, `${remote}/tree`)
  })
  await t.test('moves and copies on the server', async () => {
    await call('moveto', `${remote}/tree/many/a`, `${remote}/moved/å + b`)
    await call('copyto', `${remote}/tree/${largeFile}`, `${remote}/copy of large`)
    assert.equal((await call('lsf', `${remote}/moved`)).trim(), 'å + b')
    const back = join(scratch, 'copied')
    await call('copyto', `${remote}/copy of large`, back)
    assert.equal(await sha256File(back), await sha256File(join(tree, largeFile)))
  })
  await t.test('reads a range and streams', async () => {
    await session.run(rclone, ['rcat', `${remote}/streamed`], '0123456789')
    assert.equal(await call('cat', '--offset', '3', '--count', '4', `${remote}/streamed`), '3456')
  })
  await t.test('shares an object by a presigned URL', async () => {
    const url = await call('link', '--expire', '60s', `${remote}/tree/names/with space.txt`)
    const answer = await fetch(url.trim())
    assert.equal(answer.status, 200)
    const body = Buffer.from(await answer.arrayBuffer())
    assert.equal(sha256(body), await sha256File(join(tree, 'names', 'with space.txt')))
  })
  await t.test('finds no unfinished upload', async () => {
    const listed: unknown = JSON.parse(await call('backend', 'list-multipart-uploads', remote))
    assert.deepEqual(listed, { 'rclone-bucket': [] })
  })
  await t.test('deletes everything and the bucket', async () => {
    await call('delete', remote)
    assert.equal((await call('lsf', '-R', remote)).trim(), '')
    await call('rmdir', remote)
    assert.doesNotMatch(await call('lsd', 'here:'), /rclone-bucket/)
  })
}
