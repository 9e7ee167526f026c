import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Spellings } from './spelling.ts'

test('where upper and lower case are one, the second of two such names is told', () => {
  const blind = new Spellings(true)
  const added = ['a/B', 'a/c', 'A/b', 'a/é', 'a/e\u0301'].map((path) => blind.add(path))
  assert.deepEqual(added, [true, true, false, true, false])
  const sharp = new Spellings(false)
  assert.ok(sharp.add('a') && sharp.add('A'))
})

test('a look at the folder makes it, and leaves nothing in it', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-spelling-'))
  const folder = join(scratch, 'new/folder')
  const found = await Spellings.of(folder)
  assert.ok(found.add('x'))
  assert.deepEqual(await readdir(folder), [])
  await rm(scratch, { recursive: true })
})
