import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isStoreError } from '../../base/errors.ts'
import { leaseLimits } from '../../base/limits.ts'
import { boundOfNodes, chainOf, nodesOf } from './node.ts'

const pathOf = fc
  .array(fc.constantFrom('a', '/', 'b', 'a/', '//'), { maxLength: 6 })
  .map((pieces) => pieces.join(''))
const paths = fc.record({ read: fc.array(pathOf), write: fc.array(pathOf) })

test('the nodes of a request are those of the chains of its paths, each behind its parent', () => {
  const property = fc.property(paths, ({ read, write }) => {
    const nodes = nodesOf({ read, write })
    const nameOf = ({ high, low }: { readonly high: bigint; readonly low: bigint }): string =>
      `${high} ${low}`
    const parents = new Map<string, string | undefined>()
    for (const path of [...read, ...write]) {
      const chain = chainOf({ folder: path }).map(nameOf)
      for (const [depth, name] of chain.entries()) parents.set(name, chain[depth - 1])
    }
    const names = nodes.map(({ node }) => nameOf(node))
    const found = nodes.map(({ parent }, index) => {
      assert.ok(parent === undefined || parent < index)
      return [names[index], parent === undefined ? undefined : names[parent]] as const
    })
    assert.deepEqual(new Map(found), parents)
    assert.equal(found.length, parents.size)
    assert.ok(boundOfNodes({ read, write }) >= nodes.length)
  })
  fc.assert(property)
})

test('the bound of nodes is that of a lease at most, and too many nodes are refused with their number', () => {
  const deep = { read: [], write: Array.from({ length: 64 }, (_, i) => `${i}${'/'.repeat(1000)}`) }
  assert.equal(boundOfNodes(deep), leaseLimits.nodes)
  assert.throws(
    () => nodesOf(deep),
    (error: unknown) => {
      assert.ok(isStoreError(error))
      const { refusal } = error
      return refusal.code === 'TooManyLeaseNodes' && refusal.count === 1 + 64 * 1000
    },
  )
})
