import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Acl } from '../../access/acl.ts'
import { decodeObject, encodeObject, type ObjectRecord, pack } from './record.ts'

const record: ObjectRecord = {
  etag: 'e',
  sizeBytes: 0,
  modifiedAt: 1,
  ownerId: 'o',
  body: { kind: 'empty' },
  storageClass: 'STANDARD',
  headers: {},
  metadata: {},
}

const grantee = fc.oneof(
  fc.record({ kind: fc.constant('owner' as const), id: fc.string({ unit: 'binary' }) }),
  fc.record({
    kind: fc.constant('group' as const),
    group: fc.constantFrom(
      'AllUsers' as const,
      'AuthenticatedUsers' as const,
      'LogDelivery' as const,
    ),
  }),
)
const permission = fc.constantFrom(
  ...(['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL'] as const),
)
const acls: fc.Arbitrary<Acl> = fc.record(
  { grants: fc.array(fc.record({ grantee, permission }, { noNullPrototype: true })) },
  { noNullPrototype: true },
)

test('a record keeps any access control list, the empty one too', () => {
  fc.assert(
    fc.property(acls, (acl) => {
      const kept = decodeObject(encodeObject({ ...record, acl })).acl
      assert.equal(JSON.stringify(kept), JSON.stringify(acl))
    }),
  )
  assert.equal(decodeObject(encodeObject(record)).acl, undefined)
})

test('a copy of a folder hides the lists of its source', () => {
  const bytes = encodeObject({ ...record, acl: { grants: [] } })
  const copied = decodeObject(bytes, { modifiedAt: 2, ownerId: 'p' })
  assert.deepEqual([copied.acl, copied.ownerId, copied.modifiedAt], [undefined, 'p', 2])
})

test('a malformed list is a fault, and grants nothing', () => {
  for (const a of [['ALL', 'AllUsers'], ['READ', 'Nobody'], ['READ']]) {
    assert.throws(() => decodeObject(pack({ e: 'e', s: 0, m: 1, o: 'o', a })), /malformed access/)
  }
})
