import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isOfOneFile, localFailure, placeOf, walkFiles } from './local.ts'

test('a key has a place below a folder, and none outside of it', () => {
  const fine = ['a', 'a/b c', '…', '...', 'a/..b', 'x'.repeat(255), `${'ä'.repeat(127)}/b`]
  for (const name of fine) assert.deepEqual(placeOf('/f', name), { path: join('/f', name) })
  const none: readonly (readonly [name: string, why: RegExp])[] = [
    ['', /empty names/],
    ['/a', /empty names/],
    ['a//b', /empty names/],
    ['a/', /empty names/],
    ['..', /\. and \.\./],
    ['a/../../b', /\. and \.\./],
    ['./a', /\. and \.\./],
    ['a\0b', /a character that no path can have/],
    ['x'.repeat(256), /too long/],
    [`${'ä'.repeat(128)}/b`, /too long/],
  ]
  for (const [name, why] of none) {
    const place = placeOf('/f', name)
    assert.match('why' in place ? place.why : JSON.stringify(place), why)
  }
})

test('files are found below a folder, and what is none is told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-walk-'))
  await mkdir(join(folder, 'a/b'), { recursive: true })
  await writeFile(join(folder, 'a/b/c'), 'text')
  await symlink('circle', join(folder, 'circle'))
  const others: string[] = []
  const skipped: string[] = []
  const found: string[] = []
  const told = {
    onOther: (path: string): unknown => others.push(path),
    onSkipped: (path: string, why: string): unknown => skipped.push(`${path}: ${why}`),
  }
  for await (const { name, sizeBytes } of walkFiles(`${folder}/`, told)) {
    found.push(`${name} ${sizeBytes}`)
    // What goes while others are looked at is left out by whoever opens it.
    await rm(join(folder, 'a'), { recursive: true })
  }
  assert.deepEqual(found, ['a/b/c 4'])
  assert.deepEqual(others, [join(folder, 'circle')])
  assert.deepEqual(skipped, [])
  await assert.rejects(walkFiles(join(folder, 'none'), told).next(), /no such file/)
  await rm(folder, { recursive: true })
})

test('a full disk stands in the way of all files, a name of one', () => {
  const error = (code: string, path: string): Error =>
    Object.assign(new Error(code), { code, path, syscall: 'open' })
  assert.ok(isOfOneFile(error('ENAMETOOLONG', 'f/a')))
  assert.ok(!isOfOneFile(error('ENOSPC', 'f/a')))
  assert.ok(!isOfOneFile(Object.assign(new Error(), { code: 'ECONNRESET', syscall: 'read' })))
  assert.equal(localFailure(error('EACCES', 'f/a')), 'f/a: this user has no right to it')
  assert.equal(localFailure(error('EACCES', 'f/.holdfast-1-2')), 'f: this user has no right to it')
})
