import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { draw, pathOf, timelines } from './timeline.ts'

test('the pictures of the timelines are those that the script draws', async () => {
  for (const timeline of timelines) {
    assert.equal(await readFile(pathOf(timeline), 'utf8'), draw(timeline), timeline.file)
  }
})
