// Properties of the package as a whole.

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import * as client from 'holdfast-client'
import { createHoldfast } from './index.ts'

test('the package is imported by its name', () => {
  assert.equal(client.createHoldfast, createHoldfast)
})

test('no source imports anything that browsers don’t have', async () => {
  const folder = import.meta.dirname
  const sources = (await readdir(folder)).filter(
    (name) => !/\.(test|suite|fixture)\.ts$/.test(name),
  )
  assert.ok(sources.includes('lease.ts'))
  for (const name of sources) {
    const source = await readFile(join(folder, name), 'utf8')
    for (const [, from = ''] of source.matchAll(/\bfrom '([^']*)'/g)) {
      assert.match(from, /^(\.\/[a-z0-9-]+\.ts|@aws-sdk\/client-s3|@smithy\/types|pathlock)$/, name)
    }
    assert.doesNotMatch(source, /\b(Buffer|process)\b[.(]/, name)
  }
})
