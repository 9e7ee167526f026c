import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scrape } from './scrape.ts'

/** A scrape whose texts are numbers, and the time that it goes by. */
function countingScrape(): {
  scrape: Scrape
  counts: () => number
  time: { nowMs: number; fails: boolean }
} {
  const time = { nowMs: 0, fails: false }
  let count = 0
  const scrape = new Scrape({
    collect: async () => {
      count++
      if (time.fails) throw new Error('no counts')
      return String(count)
    },
    clock: { now: () => time.nowMs, monotonicMs: () => time.nowMs },
  })
  return { scrape, counts: () => count, time }
}

test('all who ask at once share one collection', async () => {
  const { scrape, counts } = countingScrape()
  const texts = await Promise.all(Array.from({ length: 100 }, () => scrape.text()))
  assert.deepEqual([...new Set(texts)], ['1'])
  assert.equal(counts(), 1)
})

test('who asks now and then gets news each time', async () => {
  const { scrape, time } = countingScrape()
  for (let i = 1; i <= 20; i++) {
    assert.equal(await scrape.text(), String(i))
    time.nowMs += 1000
  }
  assert.equal(await scrape.text(), '21')
  assert.equal(await scrape.text(), '22')
})

test('who asks all the time gets a text that is at most a second old', async () => {
  const { scrape, counts, time } = countingScrape()
  for (let i = 0; i < 10_000; i++) {
    await scrape.text()
    time.nowMs++
  }
  assert.equal(counts(), 5 + 9)
})

test('a collection that failed is not the last word', async () => {
  const { scrape, time } = countingScrape()
  time.fails = true
  await assert.rejects(scrape.text())
  time.fails = false
  assert.equal(await scrape.text(), '2')
})
