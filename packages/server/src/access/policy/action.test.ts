import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { actionsMatching, bucketActions, kindOfAction, objectActions } from './action.ts'

test('a policy can name every action that an operation needs', () => {
  const source = fileURLToPath(new URL('../..', import.meta.url))
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(file),
  )
  const named = files.flatMap((file) => [
    ...readFileSync(join(source, file), 'utf8').matchAll(/'(s3:[A-Z]\w+)'/g),
  ])
  const unknown = named.map(([, name = '']) => name).filter((name) => !actionsMatching(name).length)
  assert.ok(named.length > 50)
  assert.deepEqual(unknown, [])
})

test('an action is about a bucket or about an object', () => {
  assert.equal(kindOfAction('s3:ListBucket'), 'bucket')
  assert.equal(kindOfAction('s3:GetObject'), 'object')
  assert.equal(kindOfAction('s3:ListAllMyBuckets'), undefined)
  assert.deepEqual(
    [...bucketActions].filter((action) => objectActions.has(action)),
    [],
  )
})
