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
    intervalMs: 1000,
    delay: async (ms) => {
      time.nowMs += ms
    },
  })
  return { scrape, counts: () => count, time }
}

test('all who ask at once share one collection', async () => {
  const { scrape, counts } = countingScrape()
  const texts = await Promise.all(Array.from({ length: 100 }, () => scrape.text()))
  assert.deepEqual([...new Set(texts)], ['1'])
  assert.equal(counts(), 1)
})

test('who asks now and then gets news each time, at once', async () => {
  const { scrape, time } = countingScrape()
  for (let i = 1; i <= 20; i++) {
    assert.equal(await scrape.text(), String(i))
    assert.equal(time.nowMs, (i - 1) * 1000)
    time.nowMs += 1000
  }
})

test('who asks all the time waits until the next collection is due', async () => {
  const { scrape, time } = countingScrape()
  for (let i = 1; i <= 5; i++) assert.equal(await scrape.text(), String(i))
  assert.equal(time.nowMs, 0)
  for (let i = 6; i <= 105; i++) assert.equal(await scrape.text(), String(i))
  assert.equal(time.nowMs, 100_000)
})

test('a collection that failed is not the last word', async () => {
  const { scrape, time } = countingScrape()
  time.fails = true
  await assert.rejects(scrape.text())
  time.fails = false
  assert.equal(await scrape.text(), '2')
})
