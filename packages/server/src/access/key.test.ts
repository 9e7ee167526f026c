import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CredentialsError, createKeyLookup, parseCredentials } from './key.ts'

const first = {
  accessKeyId: 'ONE',
  secretAccessKey: 's1',
  owner: { id: 'a', displayName: 'A' },
}

test('keys are found by their id; those of the first owner are the root', () => {
  const second = { accessKeyId: 'TWO', secretAccessKey: 's2', owner: { id: 'b', displayName: 'B' } }
  const third = { ...first, accessKeyId: 'THREE' }
  const keys = parseCredentials(JSON.stringify([first, second, third]))
  assert.deepEqual(keys, [first, second, third])
  const lookup = createKeyLookup(keys)
  assert.deepEqual(lookup('TWO'), {
    secretAccessKey: 's2',
    principal: { accessKeyId: 'TWO', owner: second.owner },
  })
  assert.equal(lookup('FOUR'), undefined)
})

test('an owner without a display name is shown by the id', () => {
  const [key] = parseCredentials(JSON.stringify([{ ...first, owner: { id: 'x' } }]))
  assert.deepEqual(key?.owner, { id: 'x', displayName: 'x' })
})

test('an error names its place, without the secret', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /^not JSON: /],
    ['[{"secretAccessKey": "hidden" oops}]', /^not JSON: .*line 1 column/],
    ['[hidden]', /^not JSON: Unexpected token 'h'$/],
    ['{}', /^expected a list/],
    ['[]', /^the list is empty/],
    ['[1]', /^entry 1 must be an object/],
    [JSON.stringify([first, { ...first, secretAccessKey: 5 }]), /^entry 2: "secretAccessKey" must/],
    [JSON.stringify([{ ...first, accessKeyId: 'a/b' }]), /^entry 1: "accessKeyId" may have/],
    [JSON.stringify([{ ...first, owner: undefined }]), /^entry 1: "owner" must be an object/],
    [JSON.stringify([{ ...first, owner: {} }]), /^entry 1: "owner": "id" must be a text/],
    [JSON.stringify([first, first]), /^entries 1 and 2 have the same accessKeyId, ONE$/],
  ]
  for (const [text, message] of cases) {
    assert.throws(
      () => parseCredentials(text),
      (error) =>
        error instanceof CredentialsError &&
        message.test(error.message) &&
        !error.message.includes('hidden'),
      text,
    )
  }
})
