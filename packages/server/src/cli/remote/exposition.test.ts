import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Interval, Scrape } from './exposition.ts'

const histogram = (counts: readonly number[]): string =>
  ['0.1', '0.5', '+Inf'].map((le, at) => `h_bucket{op="a",le="${le}"} ${counts[at]}`).join('\n')

test('samples are read with their labels, and other lines are skipped', () => {
  const scrape = new Scrape(
    '# HELP a text\na 5\na{x="1",y="q\\"\\\\\\n"} 2.5 1700000000\nnonsense\n',
    0,
  )
  assert.deepEqual(scrape.all('a'), [
    { name: 'a', labels: {}, value: 5 },
    { name: 'a', labels: { x: '1', y: 'q"\\\n' }, value: 2.5 },
  ])
  assert.equal(scrape.sum('a'), 7.5)
  assert.equal(
    scrape.sum('a', ({ x }) => x === '1'),
    2.5,
  )
  assert.equal(scrape.sum('b'), undefined)
})

test('a counter that begins again counts from 0', () => {
  const interval = new Interval(new Scrape('a 10\nb 10', 1000), new Scrape('a 30\nb 4\nc 8', 3000))
  assert.equal(interval.rate('a'), 10)
  assert.equal(interval.rate('b'), 2)
  assert.equal(interval.rate('c'), 4)
  assert.equal(interval.rate('d'), 0)
})

test('quantiles are those of the interval, interpolated in their bucket', () => {
  const before = new Scrape(histogram([100, 100, 100]), 0)
  const interval = new Interval(before, new Scrape(histogram([100, 110, 110]), 1000))
  assert.equal(interval.quantile(0.5, 'h'), 0.1 + 0.4 * 0.5)
  assert.equal(
    interval.quantile(0.5, 'h', ({ op }) => op === 'b'),
    undefined,
  )
  const slow = new Interval(before, new Scrape(histogram([100, 100, 105]), 1000))
  assert.equal(slow.quantile(0.99, 'h'), 0.5)
  assert.equal(new Interval(before, before).quantile(0.5, 'h'), undefined)
})
