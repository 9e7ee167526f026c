import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeFolder, makeFolderSync } from './make-folder.ts'

const scratch = mkdtempSync(join(tmpdir(), 'holdfast-folder-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

test('all that is missing is made, for this user only, and the topmost is told', async () => {
  const top = join(scratch, 'a')
  assert.equal(await makeFolder(join(top, 'b/c')), top)
  assert.equal(await makeFolder(join(top, 'b/c')), undefined)
  assert.equal(await makeFolder(join(top, 'b/d')), join(top, 'b/d'))
  assert.equal(statSync(join(top, 'b')).mode & 0o777, 0o700)
  makeFolderSync(join(scratch, 's/t'))
  makeFolderSync(join(scratch, 's/t'))
  assert.ok(statSync(join(scratch, 's/t')).isDirectory())
})

test('many at once make one path', async () => {
  const path = join(scratch, 'many/deep/path')
  await Promise.all(Array.from({ length: 8 }, () => makeFolder(path)))
  assert.ok(statSync(path).isDirectory())
})

test('a path that leads nowhere is refused, and never tried for ever', async () => {
  symlinkSync(join(scratch, 'nowhere'), join(scratch, 'dangling'))
  symlinkSync('circle', join(scratch, 'circle'))
  writeFileSync(join(scratch, 'file'), '')
  const cases: readonly (readonly [path: string, code: string])[] = [
    [join(scratch, 'dangling'), 'EEXIST'],
    [join(scratch, 'dangling/below'), 'EEXIST'],
    [join(scratch, 'dangling/far/below'), 'EEXIST'],
    [join(scratch, 'circle/below'), 'ELOOP'],
    [join(scratch, 'file'), 'EEXIST'],
    [join(scratch, 'file/below'), 'ENOTDIR'],
    [join(scratch, 'n'.repeat(300)), 'ENAMETOOLONG'],
    ['/proc/holdfast/below', 'ENOENT'],
    ['', 'ENOENT'],
  ]
  for (const [path, code] of cases) {
    await assert.rejects(makeFolder(path), { code }, path)
    assert.throws(() => makeFolderSync(path), { code }, path)
  }
})
