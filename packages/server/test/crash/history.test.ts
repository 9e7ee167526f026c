// Tests of the history checker that the crash tests use.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyOf, type Content, multipartEtag } from './content.ts'
import { type Attempt, KeyHistory } from './history.ts'

const content = (id: string): Content => ({ id, seed: id, sizeBytes: 1, etag: undefined })
const ids = (attempts: Attempt[]): (string | undefined)[] =>
  attempts.map((attempt) => attempt.content?.id)

test('a key that nobody wrote is absent', () => {
  assert.deepEqual(ids(new KeyHistory('b', 'k').possible(5, 5)), [undefined])
})

test('an acknowledged write replaces what ended before it began', () => {
  const history = new KeyHistory('b', 'k')
  history.begin(content('one'), 1).acknowledge(2)
  history.begin(content('two'), 3).acknowledge(4)
  assert.deepEqual(ids(history.possible(4, 4)), ['two'])
})

test('before its acknowledgement a write may be there or not', () => {
  const history = new KeyHistory('b', 'k')
  history.begin(content('one'), 1).acknowledge(2)
  history.begin(content('two'), 3).acknowledge(6)
  assert.deepEqual(ids(history.possible(4, 4)), ['one', 'two'])
  assert.deepEqual(ids(history.possible(2, 2)), ['one'])
})

test('of two writes at once either may be last', () => {
  const history = new KeyHistory('b', 'k')
  const one = history.begin(content('one'), 1)
  const two = history.begin(content('two'), 2)
  one.acknowledge(3)
  two.acknowledge(4)
  assert.deepEqual(ids(history.possible(9, 9)), ['one', 'two'])
})

test('an unanswered write is possible until a later one is acknowledged', () => {
  const history = new KeyHistory('b', 'k')
  history.begin(content('lost'), 1).giveUp(2)
  assert.deepEqual(ids(history.possible(9, 9)), [undefined, 'lost'])
  history.begin(content('next'), 3).acknowledge(4)
  assert.deepEqual(ids(history.possible(9, 9)), ['next'])
})

test('a write that a reader saw must not be lost', () => {
  const history = new KeyHistory('b', 'k')
  const seen = history.begin(content('seen'), 1)
  seen.acknowledge(2)
  assert.deepEqual(ids(history.possible(2, 2)), ['seen'])
})

test('a settled key keeps only the content found', () => {
  const history = new KeyHistory('b', 'k')
  const lost = history.begin(content('lost'), 1)
  lost.giveUp(2)
  history.settle(lost, 3)
  assert.deepEqual(ids(history.possible(3, 3)), ['lost'])
})

test('a body is the prefix of a larger body of its seed', () => {
  assert.deepEqual(bodyOf('s', 1_000), bodyOf('s', 5_000).subarray(0, 1_000))
})

test("the ETag of a multipart object is the MD5 of its parts' MD5s", () => {
  // md5(md5('a') + md5('b')), computed with the md5sum command.
  assert.equal(
    multipartEtag([Buffer.from('a'), Buffer.from('b')]),
    '96e024ba2074fe77e8e965ba43a704be-2',
  )
})
