import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareBytes } from '../base/bytes.ts'
import type { Range, Row } from './engine.ts'
import { RowTree, RowTreeEdit } from './row-tree.ts'
import type { View } from './view.ts'

function rowsOf(view: View, range: Range): Row[] {
  const cursor = view.scan(range)
  const rows: Row[] = []
  for (let row = cursor.next(); row !== undefined; row = cursor.next()) rows.push(row)
  return rows
}

/** Keys of one to three bytes, so that many draws meet. */
const key = fc
  .uint8Array({ minLength: 1, maxLength: 3, max: 20 })
  .map((bytes) => Buffer.from(bytes))
const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('put'), key, value: fc.nat(255) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete'), key }) },
)

test('a tree has the rows of a sorted map after any edits, and older trees keep theirs', () => {
  const edits = fc.array(fc.array(action, { maxLength: 400 }), { maxLength: 6 })
  fc.assert(
    fc.property(edits, fc.array(fc.tuple(key, key), { maxLength: 8 }), (batches, bounds) => {
      const model = new Map<string, Row>()
      const trees: { readonly tree: RowTree; readonly rows: readonly Row[] }[] = []
      let tree = RowTree.empty
      for (const batch of batches) {
        const edit = new RowTreeEdit(tree)
        for (const step of batch) {
          const name = step.key.toString('latin1')
          if ('value' in step) {
            const row = { key: step.key, value: Buffer.from([step.value]) }
            edit.put(row.key, row.value)
            model.set(name, row)
          } else {
            edit.delete(step.key)
            model.delete(name)
          }
          assert.deepEqual(edit.get(step.key), model.get(name)?.value)
        }
        tree = edit.finish()
        trees.push({ tree, rows: [...model.values()].sort((a, b) => compareBytes(a.key, b.key)) })
      }
      for (const { tree, rows } of trees) {
        assert.deepEqual(rowsOf(tree, { start: Buffer.alloc(0) }), rows)
        for (const [start, end] of bounds) {
          const within = rows.filter(
            ({ key }) => compareBytes(start, key) <= 0 && compareBytes(key, end) < 0,
          )
          assert.deepEqual(rowsOf(tree, { start, end }), within)
          assert.deepEqual(rowsOf(tree, { start, end, reverse: true }), within.toReversed())
          const after = rows.filter(({ key }) => compareBytes(start, key) <= 0)
          assert.deepEqual(rowsOf(tree, { start, reverse: true }), after.toReversed())
        }
        const sizes = rows.map(({ key, value }) => key.length + value.length + 256)
        assert.equal(
          tree.sizeBytes,
          sizes.reduce((sum, size) => sum + size, 0),
        )
      }
    }),
    { numRuns: 60 },
  )
})

test('a tree of many rows stays shallow when they are removed in order', () => {
  const keyOf = (number: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(number)
    return bytes
  }
  const edit = new RowTreeEdit(RowTree.empty)
  const count = 20_000
  for (let number = 0; number < count; number++) edit.put(keyOf(number), keyOf(number))
  for (let number = 0; number < count - 1; number++) edit.delete(keyOf(number))
  const { root } = edit.finish()
  assert.equal(root.kind, 'leaf')
  assert.deepEqual(root.names, [keyOf(count - 1).toString('latin1')])
})
