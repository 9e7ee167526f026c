import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CommandError } from '../base/exit.ts'
import { loadCredentials } from './credentials.ts'

const rootKey = { accessKeyId: 'given', secretAccessKey: 'secret' }

async function withFolder(body: (dataFolder: string) => Promise<void>): Promise<void> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'holdfast-keys-'))
  try {
    await body(dataFolder)
  } finally {
    await rm(dataFolder, { recursive: true })
  }
}

test('the owner of the root key stays the same, whether it is given, made or found', () =>
  withFolder(async (dataFolder) => {
    const place = { file: undefined, dataFolder }
    const given = await loadCredentials({ ...place, rootKey })
    assert.deepEqual(await readdir(dataFolder), [], 'a given key is not written')
    const made = await loadCredentials(place)
    assert.equal(made.origin, 'made')
    const found = await loadCredentials(place)
    assert.equal(found.root.accessKeyId, made.root.accessKeyId)
    const again = await loadCredentials({ ...place, rootKey })
    for (const { root } of [made, found, again]) assert.deepEqual(root.owner, given.root.owner)
    assert.deepEqual(again.keys, [again.root])
  }))

test('a given root key takes over the owner that an earlier version made at random', () =>
  withFolder(async (dataFolder) => {
    const owner = { id: 'a'.repeat(64), displayName: 'root' }
    const kept = [{ accessKeyId: 'kept', secretAccessKey: 'x', owner }]
    const file = join(dataFolder, 'credentials.json')
    await writeFile(file, JSON.stringify(kept), { mode: 0o600 })
    const { root } = await loadCredentials({ file: undefined, dataFolder, rootKey })
    assert.deepEqual(root, { ...rootKey, owner })
  }))

test('the keys of a file are accepted beside a given root key, unless one has its id', () =>
  withFolder(async (dataFolder) => {
    const file = join(dataFolder, 'keys.json')
    const owner = { id: 'o', displayName: 'other' }
    const other = { accessKeyId: 'other', secretAccessKey: 'x', owner }
    await writeFile(file, JSON.stringify([other]), { mode: 0o600 })
    const { keys, root } = await loadCredentials({ file, dataFolder, rootKey })
    assert.deepEqual(keys, [root, other])
    assert.notEqual(root.owner.id, owner.id)
    await writeFile(file, JSON.stringify([{ ...other, accessKeyId: 'given' }]))
    await assert.rejects(loadCredentials({ file, dataFolder, rootKey }), CommandError)
  }))
