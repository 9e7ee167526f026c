// The steps of restic: a backup program that trusts the store with its own integrity.

import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Session } from './session.ts'
import { fingerprint } from './tree.ts'

/** Environment of restic. */
export function resticEnvironment(session: Session): Record<string, string> {
  return {
    HOME: session.scratch,
    AWS_ACCESS_KEY_ID: session.accessKeyId,
    AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
    RESTIC_PASSWORD: 'correct horse',
    RESTIC_REPOSITORY: `s3:${session.endpoint}/restic-bucket/some/folder`,
    RESTIC_CACHE_DIR: join(session.scratch, 'restic-cache'),
  }
}

/** Runs every step. */
export async function resticSteps(t: TestContext, restic: string, session: Session): Promise<void> {
  const { tree, scratch } = session
  const call = (...args: string[]): Promise<string> => session.run(restic, args)
  const snapshots = async (): Promise<number> => {
    const listed: unknown = JSON.parse(await call('snapshots', '--json'))
    return Array.isArray(listed) ? listed.length : Number.NaN
  }
  const before = await fingerprint(tree)

  await t.test('makes a repository', async () => {
    await call('init')
  })
  await t.test('backs a tree up', async () => {
    await call('backup', tree)
    assert.equal(await snapshots(), 1)
  })
  await t.test('backs up what changed', async () => {
    await writeFile(join(tree, 'plain.txt'), 'changed now')
    await rm(join(tree, 'many', 'b'))
    await call('backup', tree)
    assert.equal(await snapshots(), 2)
  })
  await t.test('finds the repository whole, reading all of it', async () => {
    assert.match(await call('check', '--read-data'), /no errors were found/)
  })
  await t.test('restores the newest snapshot', async () => {
    const target = join(scratch, 'newest')
    await call('restore', 'latest', '--target', target)
    assert.deepEqual(await fingerprint(join(target, tree)), await fingerprint(tree))
  })
  await t.test('restores the oldest snapshot', async () => {
    const listed: unknown = JSON.parse(await call('snapshots', '--json'))
    assert.ok(Array.isArray(listed))
    const target = join(scratch, 'oldest')
    await call('restore', String(listed[0].id), '--target', target)
    assert.deepEqual(await fingerprint(join(target, tree)), before)
  })
  await t.test('forgets, prunes and is whole again', async () => {
    await call('forget', '--keep-last', '1', '--prune')
    assert.equal(await snapshots(), 1)
    assert.match(await call('check', '--read-data'), /no errors were found/)
  })
}
