// Properties of the package as a whole.

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import * as pathlock from 'pathlock'
import { PathLock } from './index.ts'

test('the package is imported by its name', () => {
  assert.equal(pathlock.PathLock, PathLock)
})

test('no source imports anything but its neighbours, so that browsers can run it', async () => {
  const folder = import.meta.dirname
  const sources = (await readdir(folder)).filter(
    (name) => !/\.(test|suite|fixture)\.ts$/.test(name),
  )
  assert.ok(sources.includes('lock.ts'))
  for (const name of sources) {
    const source = await readFile(join(folder, name), 'utf8')
    for (const [, from] of source.matchAll(/\bfrom '([^']*)'/g)) {
      assert.match(from ?? '', /^\.\/[a-z]+\.ts$/, name)
      assert.doesNotMatch(from ?? '', /test|suite|fixture/, name)
    }
  }
})
