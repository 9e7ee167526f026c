// The contract that every engine must pass; `lmdb.test.ts` and its like run it. The last part
// checks an engine against a model: concurrent transactions must be equivalent to some serial
// order.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Bytes, compareBytes, utf8 } from '../base/bytes.ts'
import { isStoreError } from '../base/errors.ts'
import { ownLimits } from '../base/limits.ts'
import { withinTime } from './engine.fixture.ts'
import type { Engine, Range, ReadTransaction, Row, WriteTransaction } from './engine.ts'
import { singly } from './transaction.ts'
import { decodeCounter, encodeCounter, maxKeyBytes, prefixRange } from './tuple.ts'

export interface EngineUnderTest {
  readonly engine: Engine
  /** Closes the engine and opens the same store again. */
  reopen?(): Promise<Engine>
  /** Closes the engine and deletes its storage. */
  destroy(): Promise<void>
}

/** Opens an engine on a new, empty store. */
export type OpenEngineUnderTest = (options?: {
  readonly readMs?: number
}) => Promise<EngineUnderTest>

const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? '1')

/** Declares the suite for the engine called `name`. */
export function engineSuite(name: string, open: OpenEngineUnderTest): void {
  describe(name, { concurrency: 4 }, () => {
    rowTests(open)
    rangeTests(open)
    transactionTests(open)
    conflictTests(open)
    lifeTests(open)
    watchTests(open)
    modelTests(open)
  })
}

function rowTests(open: OpenEngineUnderTest): void {
  test('a row that was put is read, replaced and deleted', () =>
    using(open, async ({ engine }) => {
      assert.equal(await get(engine, 'a'), undefined)
      await put(engine, 'a', '1')
      assert.equal(await get(engine, 'a'), '1')
      await put(engine, 'a', '2')
      assert.equal(await get(engine, 'a'), '2')
      await engine.write(async (tx) => tx.delete(utf8('a')))
      assert.equal(await get(engine, 'a'), undefined)
    }))

  test('deleting a row that is not there is no error', () =>
    using(open, async ({ engine }) => {
      await engine.write(async (tx) => tx.delete(utf8('absent')))
      assert.equal(await get(engine, 'absent'), undefined)
    }))

  test('keys and values of any bytes and values of any length come back as they were', () =>
    using(open, async ({ engine }) => {
      const rows: [Bytes, Bytes][] = [
        [Buffer.from([0]), Buffer.alloc(0)],
        [Buffer.from([0, 0]), Buffer.from([0])],
        [Buffer.from([0, 255]), Buffer.from([255, 0, 255])],
        [Buffer.from([255, 255]), Buffer.alloc(5000, 1)],
        [new Uint8Array([7, 0, 7]), new Uint8Array(100_000).fill(9)],
        [Buffer.alloc(maxKeyBytes, 255), Buffer.alloc(1_000_000, 3)],
      ]
      await engine.write(async (tx) => {
        for (const [key, value] of rows) tx.put(key, value)
      })
      await engine.read(async (tx) => {
        for (const [key, value] of rows) assertBytes(await tx.get(key), value)
      })
      const found = await collect(engine, { start: Buffer.alloc(0) })
      rows.sort(([a], [b]) => compareBytes(a, b))
      assert.equal(found.length, rows.length)
      for (const [index, row] of found.entries()) {
        assertBytes(row.key, rows[index]?.[0])
        assertBytes(row.value, rows[index]?.[1])
      }
    }))

  test('a value may be kept after its transaction has ended', () =>
    using(open, async ({ engine }) => {
      for (const size of [3, 300, 40_000]) {
        await engine.write(async (tx) => tx.put(utf8('a'), Buffer.alloc(size, 1)))
        const kept = await engine.read((tx) => tx.get(utf8('a')))
        await engine.write(async (tx) => tx.put(utf8('a'), Buffer.alloc(size, 2)))
        await engine.read((tx) => tx.get(utf8('a')))
        assertBytes(kept, Buffer.alloc(size, 1))
      }
    }))

  test('a key that is too long is refused wherever it is used', () =>
    using(open, async ({ engine }) => {
      const long = Buffer.alloc(maxKeyBytes + 1, 1)
      const uses: ((tx: WriteTransaction) => unknown)[] = [
        (tx) => tx.get(long),
        (tx) => tx.peek(long),
        (tx) => tx.put(long, long),
        (tx) => tx.delete(long),
        (tx) => tx.add(long, 1n),
        (tx) => tx.range({ start: long }),
        (tx) => tx.range({ start: Buffer.alloc(0), end: long }),
      ]
      for (const use of uses) {
        await assert.rejects(
          engine.write(async (tx) => {
            await use(tx)
          }),
          (error) => isStoreError(error, 'RowKeyTooLong'),
        )
      }
    }))
}

function rangeTests(open: OpenEngineUnderTest): void {
  const range = (start: string, end?: string, reverse = false): Range => ({
    start: utf8(start),
    end: end === undefined ? undefined : utf8(end),
    reverse,
  })

  test('a range has its start, not its end, in order or in reverse', () =>
    using(open, async ({ engine }) => {
      await putAll(engine, ['a', 'b', 'b\0', 'bb', 'c'])
      const cases: [Range, string[]][] = [
        [range('a', 'c'), ['a', 'b', 'b\0', 'bb']],
        [range('a', 'c', true), ['bb', 'b\0', 'b', 'a']],
        [range('b'), ['b', 'b\0', 'bb', 'c']],
        [range('b', undefined, true), ['c', 'bb', 'b\0', 'b']],
        [range(''), ['a', 'b', 'b\0', 'bb', 'c']],
        [range('', undefined, true), ['c', 'bb', 'b\0', 'b', 'a']],
        [range('', 'b', true), ['a']],
        [range('aa', 'bc'), ['b', 'b\0', 'bb']],
        [range('aa', 'bc', true), ['bb', 'b\0', 'b']],
        [range('b', 'b'), []],
        [range('b', 'a'), []],
        [range('', ''), []],
        [range('', '', true), []],
        [range('d'), []],
        [range('d', 'e', true), []],
        [range('0', 'a', true), []],
      ]
      for (const [input, expected] of cases) {
        assert.deepEqual(names(await collect(engine, input)), expected)
        assert.deepEqual(names(await engine.read((tx) => batchedRowsOf(tx, input))), expected)
        assert.deepEqual(await engine.write(async (tx) => names(await rowsOf(tx, input))), expected)
      }
    }))

  test('a range over an empty store is empty', () =>
    using(open, async ({ engine }) => {
      assert.deepEqual(await collect(engine, { start: Buffer.alloc(0) }), [])
      assert.deepEqual(await collect(engine, { start: Buffer.alloc(0), reverse: true }), [])
    }))

  test('batches have all rows of a range in order, however many and large they are', () =>
    using(open, async ({ engine }) => {
      const keys = Array.from(
        { length: 300 },
        (_, number) => `row${String(number).padStart(3, '0')}`,
      )
      await engine.write(async (tx) => {
        for (const [number, key] of keys.entries()) {
          tx.put(utf8(key), Buffer.alloc(number < 280 ? 10 : 60_000))
        }
      })
      for (const reverse of [false, true]) {
        const rows = await engine.read((tx) => batchedRowsOf(tx, { start: utf8('r'), reverse }))
        assert.deepEqual(names(rows), reverse ? keys.toReversed() : keys)
      }
      await engine.read(async (tx) => {
        for await (const batch of tx.batches({ start: utf8('r') })) {
          assert.ok(batch.length > 0 && batch.length < 10)
          return
        }
      })
    }))

  test('many keys are read at once, in their order, as each by itself', () =>
    using(open, async ({ engine }) => {
      const values = await engine.write(async (tx) => {
        for (const name of ['a', 'b', 'c']) tx.put(utf8(name), utf8(`value of ${name}`))
        tx.delete(utf8('b'))
        return tx.getMany(['c', 'b', 'a', 'never', 'c'].map(utf8))
      })
      const expected = ['value of c', 'absent', 'value of a', 'absent', 'value of c']
      assert.deepEqual(values.map(textOf), expected)
      const again = await engine.read((tx) => tx.getMany(['c', 'b', 'a', 'never', 'c'].map(utf8)))
      assert.deepEqual(again.map(textOf), expected)
      assert.deepEqual(await engine.read((tx) => tx.getMany([])), [])
    }))

  test('a prefix finds exactly the keys that begin with it, ff bytes too', () =>
    using(open, async ({ engine }) => {
      const keys = [[1], [1, 255], [1, 255, 255, 7], [2], [255], [255, 255], [255, 255, 1]]
      await engine.write(async (tx) => {
        for (const key of keys) tx.put(Buffer.from(key), Buffer.alloc(1))
      })
      for (const prefix of [[1], [1, 255], [255], [255, 255], [3], []]) {
        const expected = keys.filter((key) => prefix.every((byte, index) => key[index] === byte))
        for (const reverse of [false, true]) {
          const rows = await collect(engine, prefixRange(Buffer.from(prefix), { reverse }))
          const found = rows.map(({ key }) => [...key])
          assert.deepEqual(reverse ? found.reverse() : found, expected)
        }
      }
    }))

  test('a range may be left early, and several may be read at once', () =>
    using(open, async ({ engine }) => {
      await putAll(engine, ['a', 'b', 'c', 'd'])
      await engine.read(async (tx) => {
        const found: string[] = []
        for await (const outer of tx.range(range('a'))) {
          for await (const inner of tx.range(range('a', undefined, true))) {
            found.push(`${names([outer])}${names([inner])}`)
            if (compareBytes(inner.key, utf8('c')) <= 0) break
          }
          if (found.length > 3) break
        }
        assert.deepEqual(found, ['ad', 'ac', 'bd', 'bc'])
      })
    }))
}

function transactionTests(open: OpenEngineUnderTest): void {
  test('a transaction reads its own writes, in ranges too', () =>
    using(open, async ({ engine }) => {
      await putAll(engine, ['b', 'd', 'f'])
      await engine.write(async (tx) => {
        tx.put(utf8('c'), utf8('new'))
        tx.delete(utf8('d'))
        tx.put(utf8('f'), utf8('changed'))
        tx.put(utf8('g'), utf8('new'))
        assert.equal(textOf(await tx.get(utf8('c'))), 'new')
        assert.equal(await tx.get(utf8('d')), undefined)
        assert.equal(textOf(await tx.peek(utf8('f'))), 'changed')
        const all = { start: utf8('a'), end: utf8('z') }
        assert.deepEqual(pairs(await rowsOf(tx, all)), ['b=b', 'c=new', 'f=changed', 'g=new'])
        const reversed = pairs(await rowsOf(tx, { ...all, reverse: true }))
        assert.deepEqual(reversed, ['g=new', 'f=changed', 'c=new', 'b=b'])
        assert.deepEqual(pairs(await rowsOf(tx, { start: utf8('d'), end: utf8('f') })), [])
      })
      const rows = await collect(engine, { start: utf8('a') })
      assert.deepEqual(pairs(rows), ['b=b', 'c=new', 'f=changed', 'g=new'])
    }))

  test('writes ahead of a range that is being read are seen by it', () =>
    using(open, async ({ engine }) => {
      await putAll(engine, ['a', 'c', 'e'])
      await engine.write(async (tx) => {
        const seen: string[] = []
        for await (const row of tx.range({ start: utf8('a') })) {
          seen.push(textOf(row.key))
          if (seen.length > 1) continue
          tx.put(utf8('b'), utf8('b'))
          tx.delete(utf8('c'))
          tx.put(utf8('f'), utf8('f'))
        }
        assert.deepEqual(seen, ['a', 'b', 'e', 'f'])
      })
    }))

  test('all rows of a range may be deleted while it is read', () =>
    using(open, async ({ engine }) => {
      for (const reverse of [false, true]) {
        await putAll(engine, ['a', 'b', 'c', 'd'])
        await engine.write(async (tx) => {
          for await (const { key } of tx.range({ start: utf8('b'), reverse })) tx.delete(key)
        })
        assert.deepEqual(names(await collect(engine, { start: utf8('') })), ['a'])
      }
    }))

  test('additions are merged into what the transaction reads', () =>
    using(open, async ({ engine }) => {
      await engine.write(async (tx) => {
        tx.add(utf8('n'), 5n)
        assert.equal(decodeCounter(await tx.get(utf8('n'))), 5n)
      })
      await engine.write(async (tx) => {
        tx.add(utf8('n'), 2n)
        tx.add(utf8('n'), -10n)
        tx.add(utf8('m'), 1n)
        assert.equal(decodeCounter(await tx.get(utf8('n'))), -3n)
        const rows = await rowsOf(tx, { start: utf8('a') })
        assert.deepEqual(
          rows.map(({ value }) => decodeCounter(value)),
          [1n, -3n],
        )
        tx.put(utf8('n'), encodeCounter(100n))
        tx.add(utf8('n'), 1n)
        assert.equal(decodeCounter(await tx.get(utf8('n'))), 101n)
        tx.delete(utf8('m'))
        tx.add(utf8('m'), 7n)
      })
      assert.equal(await counter(engine, 'n'), 101n)
      assert.equal(await counter(engine, 'm'), 7n)
    }))

  test('a counter wraps around at 64 bits', () =>
    using(open, async ({ engine }) => {
      await engine.write(async (tx) => tx.add(utf8('n'), 2n ** 63n - 1n))
      await engine.write(async (tx) => tx.add(utf8('n'), 1n))
      assert.equal(await counter(engine, 'n'), -(2n ** 63n))
    }))

  test('an addition to a row that is not a counter fails alone', () =>
    using(open, async ({ engine }) => {
      await put(engine, 'text', 'not a counter')
      const outcomes = await Promise.allSettled([
        engine.write(async (tx) => tx.add(utf8('n'), 1n)),
        engine.write(async (tx) => {
          tx.put(utf8('x'), utf8('x'))
          tx.add(utf8('text'), 1n)
        }),
        engine.write(async (tx) => tx.add(utf8('n'), 1n)),
      ])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      assert.equal(await counter(engine, 'n'), 2n)
      assert.equal(await get(engine, 'x'), undefined)
      assert.equal(await get(engine, 'text'), 'not a counter')
    }))

  test('a body that throws writes nothing, and its error is passed on', () =>
    using(open, async ({ engine }) => {
      const failure = new Error('on purpose')
      await assert.rejects(
        engine.write(async (tx) => {
          tx.put(utf8('a'), utf8('1'))
          throw failure
        }),
        failure,
      )
      await assert.rejects(
        engine.read(async () => Promise.reject(failure)),
        failure,
      )
      assert.equal(await get(engine, 'a'), undefined)
    }))

  test('a body that throws does not harm those committed with it', () =>
    using(open, async ({ engine }) => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          engine.write(async (tx) => {
            const before = decodeCounter(await tx.get(utf8('n')))
            tx.put(utf8('n'), encodeCounter(before + 1n))
            if (index % 2 === 1) throw new Error('on purpose')
          }),
        ),
      )
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 10)
      assert.equal(await counter(engine, 'n'), 10n)
    }))

  test('a transaction is of no use after its body has ended', () =>
    using(open, async ({ engine }) => {
      let leaked: WriteTransaction | undefined
      await engine.write(async (tx) => {
        leaked = tx
        tx.put(utf8('a'), utf8('1'))
      })
      await assert.rejects(async () => leaked?.get(utf8('a')))
      assert.throws(() => leaked?.put(utf8('a'), utf8('2')))
      let leakedRead: ReadTransaction | undefined
      await engine.read(async (tx) => {
        leakedRead = tx
      })
      await assert.rejects(async () => leakedRead?.get(utf8('a')))
      assert.equal(await get(engine, 'a'), '1')
    }))

  test('a snapshot does not move while others write', () =>
    using(open, async ({ engine }) => {
      await putAll(engine, ['a', 'b'])
      await engine.read(async (tx) => {
        assert.equal(textOf(await tx.get(utf8('a'))), 'a')
        await engine.write(async (other) => {
          other.put(utf8('a'), utf8('changed'))
          other.delete(utf8('b'))
          other.put(utf8('c'), utf8('c'))
        })
        assert.equal(textOf(await tx.get(utf8('a'))), 'a')
        assert.deepEqual(pairs(await rowsOf(tx, { start: utf8('a') })), ['a=a', 'b=b'])
        assert.equal(await get(engine, 'a'), 'changed')
      })
    }))
}

/**
 * Runs a transaction with a conflicting commit after its first reads: `reads`, then another
 * transaction commits `disturb`, then `writes`. Returns the number of times the body ran.
 */
async function disturbed(
  engine: Engine,
  reads: (tx: WriteTransaction) => Promise<unknown>,
  disturb: (tx: WriteTransaction) => void,
): Promise<number> {
  let runs = 0
  await engine.write(async (tx) => {
    runs++
    await reads(tx)
    if (runs === 1) await engine.write(async (other) => disturb(other))
    tx.put(utf8('result'), utf8('x'))
  })
  return runs
}

function conflictTests(open: OpenEngineUnderTest): void {
  const all = { start: utf8('a'), end: utf8('n') }

  test('a transaction is rerun when a value that it read has changed', () =>
    using(open, async ({ engine }) => {
      await putAll(engine, ['a'])
      const runs = await disturbed(
        engine,
        (tx) => tx.get(utf8('a')),
        (tx) => tx.put(utf8('a'), utf8('2')),
      )
      assert.equal(runs, 2)
      const absent = await disturbed(
        engine,
        (tx) => tx.get(utf8('new')),
        (tx) => tx.put(utf8('new'), utf8('')),
      )
      assert.equal(absent, 2)
    }))

  test('a peek is not recorded', () =>
    using(open, async ({ engine }) => {
      await putAll(engine, ['a'])
      const before = engine.statistics().conflicts
      const runs = await disturbed(
        engine,
        (tx) => tx.peek(utf8('a')),
        (tx) => tx.put(utf8('a'), utf8('2')),
      )
      assert.equal(runs, 1)
      assert.equal(engine.statistics().conflicts, before)
    }))

  test('blind writes do not conflict', () =>
    using(open, async ({ engine }) => {
      const runs = await disturbed(
        engine,
        async (tx) => tx.put(utf8('a'), utf8('1')),
        (tx) => tx.put(utf8('a'), utf8('2')),
      )
      assert.equal(runs, 1)
      assert.equal(await get(engine, 'a'), '1')
    }))

  test('a row that appears in a scanned range conflicts, in an empty one too', () =>
    using(open, async ({ engine }) => {
      const appears = (tx: WriteTransaction) => tx.put(utf8('d'), utf8('d'))
      assert.equal(await disturbed(engine, (tx) => rowsOf(tx, all), appears), 2)
      await engine.write(async (tx) => tx.delete(utf8('d')))
      await putAll(engine, ['c', 'e'])
      assert.equal(await disturbed(engine, (tx) => rowsOf(tx, all), appears), 2)
      await engine.write(async (tx) => tx.delete(utf8('d')))
      const reversed = { ...all, reverse: true }
      assert.equal(await disturbed(engine, (tx) => rowsOf(tx, reversed), appears), 2)
    }))

  test('a row that changes or goes in a scanned range conflicts', () =>
    using(open, async ({ engine }) => {
      await putAll(engine, ['c', 'd', 'e'])
      const scan = (tx: WriteTransaction) => rowsOf(tx, all)
      assert.equal(await disturbed(engine, scan, (tx) => tx.put(utf8('d'), utf8('2'))), 2)
      assert.equal(await disturbed(engine, scan, (tx) => tx.delete(utf8('e'))), 2)
      assert.equal(await disturbed(engine, scan, (tx) => tx.put(utf8('n'), utf8('beyond'))), 1)
    }))

  test('only the interval that was consumed conflicts', () =>
    using(open, async ({ engine }) => {
      await putAll(engine, ['b', 'd', 'f', 'h'])
      const until = (stop: string, reverse: boolean) => async (tx: WriteTransaction) => {
        for await (const { key } of tx.range({ ...all, reverse })) {
          if (textOf(key) === stop) break
        }
      }
      const touch = (key: string) => (tx: WriteTransaction) =>
        tx.put(utf8(key), utf8(`${Math.random()}`))
      assert.equal(await disturbed(engine, until('d', false), touch('e')), 1)
      assert.equal(await disturbed(engine, until('d', false), touch('f')), 1)
      assert.equal(await disturbed(engine, until('d', false), touch('d')), 2)
      assert.equal(await disturbed(engine, until('d', false), touch('c')), 2)
      assert.equal(await disturbed(engine, until('f', true), touch('e')), 1)
      assert.equal(await disturbed(engine, until('f', true), touch('d')), 1)
      assert.equal(await disturbed(engine, until('f', true), touch('f')), 2)
      assert.equal(await disturbed(engine, until('f', true), touch('g')), 2)
    }))

  test('in batches, too, only consumed rows conflict', () =>
    using(open, async ({ engine }) => {
      await putAll(engine, ['b', 'd', 'f'])
      const readOne = async (tx: WriteTransaction): Promise<void> => {
        for await (const batch of tx.batches(all)) {
          assert.deepEqual(names(batch), ['b'])
          return
        }
      }
      const touch = (key: string) => (tx: WriteTransaction) =>
        tx.put(utf8(key), utf8(`${Math.random()}`))
      assert.equal(await disturbed(engine, readOne, touch('d')), 1)
      assert.equal(await disturbed(engine, readOne, touch('b')), 2)
    }))

  test('of two transactions that each read what the other writes, one is rerun (write skew)', () =>
    using(open, async ({ engine }) => {
      for (let round = 0; round < 20; round++) {
        await engine.write(async (tx) => {
          tx.put(utf8('a'), utf8('on call'))
          tx.put(utf8('b'), utf8('on call'))
        })
        const leave = (mine: string, other: string) =>
          engine.write(async (tx) => {
            if ((await tx.get(utf8(other))) !== undefined) tx.delete(utf8(mine))
          })
        await Promise.all([leave('a', 'b'), leave('b', 'a')])
        assert.equal((await collect(engine, all)).length, 1)
      }
    }))

  test('of many that create the same row exactly one succeeds', () =>
    using(open, async ({ engine }) => {
      for (let round = 0; round < 10; round++) {
        const outcomes = await Promise.all(
          Array.from({ length: 16 }, (_, index) =>
            engine.write(async (tx) => {
              if ((await tx.get(utf8(`row${round}`))) !== undefined) return undefined
              tx.put(utf8(`row${round}`), utf8(String(index)))
              return String(index)
            }),
          ),
        )
        const winners = outcomes.filter((outcome) => outcome !== undefined)
        assert.deepEqual(winners, [await get(engine, `row${round}`)])
      }
    }))

  test('blind additions never conflict', () =>
    using(open, async ({ engine }) => {
      const clients = Array.from({ length: 32 }, async () => {
        for (let i = 0; i < 20; i++) await engine.write(async (tx) => tx.add(utf8('n'), 3n))
      })
      await Promise.all(clients)
      assert.equal(await counter(engine, 'n'), 32n * 20n * 3n)
      assert.equal(engine.statistics().conflicts, 0)
    }))

  test('64 clients increment one row 50 times each, and none gives up', () =>
    using(open, async ({ engine }) => {
      const clients = Array.from({ length: 64 }, async () => {
        for (let i = 0; i < 50; i++) {
          await engine.write(async (tx) => {
            tx.put(utf8('n'), encodeCounter(decodeCounter(await tx.get(utf8('n'))) + 1n))
          })
        }
      })
      await Promise.all(clients)
      assert.equal(await counter(engine, 'n'), 3200n)
    }))

  test('transactions on separate rows do not conflict', () =>
    using(open, async ({ engine }) => {
      const clients = Array.from({ length: 16 }, async (_, client) => {
        for (let i = 0; i < 20; i++) {
          await engine.write(async (tx) => {
            await tx.get(utf8(`row${client}`))
            await rowsOf(tx, prefixRange(utf8(`lease${client}`)))
            tx.put(utf8(`row${client}`), utf8(String(i)))
          })
        }
      })
      await Promise.all(clients)
      assert.equal(engine.statistics().conflicts, 0)
      assert.ok(engine.statistics().batches < 320, 'transactions share commits')
    }))
}

function lifeTests(open: OpenEngineUnderTest): void {
  test('a read that holds its snapshot too long is ended', () =>
    using(
      open,
      async ({ engine }) => {
        await withinTime(() => putAll(engine, ['a', 'b', 'c']))
        const refused = (error: unknown) => isStoreError(error, 'ReadTooLong')
        const outlive = async (tx: ReadTransaction) => {
          for (;;) {
            await tx.get(utf8('a'))
            await new Promise((resolve) => setImmediate(resolve))
          }
        }
        await assert.rejects(engine.read(outlive), refused)
        await assert.rejects(engine.write(outlive), refused)
        const scan = engine.read(async (tx) => {
          for await (const _ of tx.range({ start: utf8('a') })) await assert.rejects(outlive(tx))
        })
        await assert.rejects(scan, refused)
        assert.equal(await withinTime(() => get(engine, 'a')), 'a')
      },
      { readMs: 60 },
    ))

  test('a body that awaits only its reads is ended in time too', () =>
    using(
      open,
      async ({ engine }) => {
        await withinTime(() => putAll(engine, ['a', 'b', 'c']))
        const refused = (error: unknown) => isStoreError(error, 'ReadTooLong')
        const isLate = lateAfter(2000)
        const get = async (tx: ReadTransaction) => {
          while (!isLate()) await tx.get(utf8('a'))
        }
        const scan = async (tx: ReadTransaction) => {
          while (!isLate()) for await (const _ of tx.range({ start: utf8('a') }));
        }
        for (const body of [get, scan]) {
          await assert.rejects(engine.read(body), refused)
          await assert.rejects(engine.write(body), refused)
        }
      },
      { readMs: 60 },
    ))

  test('a long read leaves the event loop to others, and its snapshot does not move', () =>
    using(open, async ({ engine }) => {
      const keys = Array.from({ length: 1000 }, (_, i) => String(i).padStart(4, '0'))
      await putAll(engine, keys)
      const writing = new AbortController()
      let written = 0
      const write = async (): Promise<void> => {
        while (!writing.signal.aborted) {
          await put(engine, keys[999 - (written % 1000)] ?? '', 'changed')
          written++
        }
      }
      const found = await engine.read(async (tx) => {
        const others = write()
        const values: string[] = []
        for await (const { value } of tx.range({ start: utf8('0') })) {
          values.push(Buffer.from(value).toString())
          const isOver = lateAfter(0.1)
          while (!isOver());
        }
        writing.abort()
        await others
        return values
      })
      assert.ok(written > 1, `${written} writes during the read`)
      assert.deepEqual(found, keys)
    }))

  test('a long write leaves the event loop to others, whether it gets rows or scans them', () =>
    using(open, async ({ engine }) => {
      await putAll(engine, ['a', 'b', 'c'])
      const get = async (tx: ReadTransaction) => {
        await tx.get(utf8('a'))
      }
      const scan = async (tx: ReadTransaction) => {
        for await (const _ of tx.range({ start: utf8('a') }));
      }
      for (const read of [get, scan]) {
        let turns = 0
        const counting = setInterval(() => turns++, 1)
        const isLate = lateAfter(4000)
        await engine.write(async (tx) => {
          while (turns <= 3 && !isLate()) await read(tx)
          tx.put(utf8('d'), utf8('d'))
        })
        clearInterval(counting)
        assert.ok(turns > 3, `${turns} turns`)
      }
    }))

  test('a transaction that changes too much is refused, and changes nothing', () =>
    using(open, async ({ engine }) => {
      const refused = (error: unknown) => isStoreError(error, 'TransactionTooLarge')
      const writing = engine.write(async (tx) => {
        for (let i = 0; i <= ownLimits.transactionChanges; i++) tx.put(utf8(`${i}`), utf8(''))
      })
      await assert.rejects(writing, refused)
      assert.equal(await get(engine, '0'), undefined)
    }))

  test('a body that awaits something endless does not stop the others', () =>
    using(
      open,
      async ({ engine }) => {
        let runs = 0
        const stuck = engine.write(async (tx) => {
          await tx.get(utf8('a'))
          if (++runs === 1) await put(engine, 'a', 'changed')
          else await new Promise(() => undefined)
          tx.put(utf8('b'), utf8('b'))
        })
        const other = withinTime(() => put(engine, 'c', 'c'))
        const [outcome] = await Promise.allSettled([stuck, other])
        assert.equal(outcome.status, 'rejected')
        await withinTime(() => put(engine, 'd', 'd'))
        assert.equal(await withinTime(() => get(engine, 'b')), undefined)
        assert.equal(await withinTime(() => get(engine, 'c')), 'c')
      },
      { readMs: 60 },
    ))

  test('closing waits for running transactions, and refuses later ones', () =>
    using(open, async ({ engine }) => {
      const write = put(engine, 'a', '1')
      const read = engine.read(async (tx) => {
        await new Promise((resolve) => setImmediate(resolve))
        return tx.get(utf8('b'))
      })
      await engine.close()
      await write
      assert.equal(await read, undefined)
      await assert.rejects(get(engine, 'a'))
      await assert.rejects(put(engine, 'a', '2'))
      await assert.rejects(engine.watch(utf8('a'), undefined, new AbortController().signal))
      await engine.close()
    }))

  test('written rows are there after the store is reopened', () =>
    using(open, async ({ engine, reopen }) => {
      if (reopen === undefined) return
      await putAll(engine, ['a', 'b'])
      await engine.close()
      const again = await reopen()
      try {
        assert.deepEqual(pairs(await collect(again, { start: utf8('') })), ['a=a', 'b=b'])
        await put(again, 'c', 'c')
      } finally {
        await again.close()
      }
    }))

  test('the statistics count', () =>
    using(open, async ({ engine }) => {
      const before = engine.statistics()
      await put(engine, 'a', '1')
      await get(engine, 'a')
      const refusal = new Error('refused')
      const refused = engine.write(async (tx) => {
        tx.put(utf8('b'), utf8('1'))
        throw refusal
      })
      await assert.rejects(refused, refusal)
      assert.equal(await engine.write((tx) => tx.get(utf8('b'))), undefined)
      const after = engine.statistics()
      assert.equal(after.reads - before.reads, 1)
      assert.equal(after.transactions - before.transactions, 1)
      assert.equal(after.batches - before.batches, 1)
      assert.equal(after.lastBatchSize, 1)
      assert.ok(after.sizeBytes > 0)
    }))
}

function watchTests(open: OpenEngineUnderTest): void {
  const never = new AbortController().signal

  test('a watch ends when its row changes, and not when others do', () =>
    using(open, async ({ engine }) => {
      await put(engine, 'a', '1')
      let ended = false
      const watch = engine.watch(utf8('a'), utf8('1'), never).then(() => {
        ended = true
      })
      await put(engine, 'b', '1')
      await put(engine, 'a', '1')
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(ended, false)
      await put(engine, 'a', '2')
      await watch
    }))

  test('a watch ends at once when the row differs already', () =>
    using(open, async ({ engine }) => {
      await engine.watch(utf8('a'), utf8('1'), never)
      await put(engine, 'a', '2')
      await engine.watch(utf8('a'), undefined, never)
      await engine.watch(utf8('a'), utf8('1'), never)
    }))

  test('a watch sees a row come and go', () =>
    using(open, async ({ engine }) => {
      const comes = engine.watch(utf8('a'), undefined, never)
      await put(engine, 'a', '1')
      await comes
      const goes = engine.watch(utf8('a'), utf8('1'), never)
      await engine.write(async (tx) => tx.delete(utf8('a')))
      await goes
    }))

  test('a watch ends with the reason of its signal, or when the engine closes', () =>
    using(open, async ({ engine }) => {
      const controller = new AbortController()
      const watch = engine.watch(utf8('a'), undefined, controller.signal)
      const reason = new Error('on purpose')
      controller.abort(reason)
      await assert.rejects(watch, reason)
      await assert.rejects(engine.watch(utf8('a'), undefined, controller.signal), reason)
      const closing = assert.rejects(engine.watch(utf8('a'), undefined, never))
      await engine.close()
      await closing
    }))
}

/** A step of a random transaction; `from` makes the written value depend on what was read. */
type Step =
  | { readonly do: 'getMany'; readonly keys: readonly number[] }
  | { readonly do: 'get' | 'delete'; readonly key: number }
  | { readonly do: 'put'; readonly key: number; readonly value: string; readonly from: number }
  | { readonly do: 'add' | 'count'; readonly counter: number; readonly delta: number }
  | {
      readonly do: 'scan'
      readonly low: number
      readonly high: number
      readonly reverse: boolean
      readonly limit: number
    }
  | { readonly do: 'fail'; readonly key: number }

const keyNumber = fc.nat({ max: 7 })
const counterNumber = fc.nat({ max: 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('get', 'delete'), key: keyNumber }),
  fc.record({ do: fc.constant('getMany'), keys: fc.array(keyNumber, { maxLength: 4 }) }),
  fc.record({
    do: fc.constant('put'),
    key: keyNumber,
    value: fc.string({ maxLength: 2 }),
    from: keyNumber,
  }),
  fc.record({
    do: fc.constantFrom('add', 'count'),
    counter: counterNumber,
    delta: fc.integer({ min: -5, max: 5 }),
  }),
  fc.record({
    do: fc.constant('scan'),
    low: keyNumber,
    high: keyNumber,
    reverse: fc.boolean(),
    limit: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({ do: fc.constant('fail'), key: keyNumber }),
)

/** Runs the steps of one transaction; returns all its observations. */
async function runSteps(tx: WriteTransaction, steps: readonly Step[]): Promise<string[]> {
  const seen: string[] = []
  const row = (number: number) => utf8(`row${number}`)
  for (const step of steps) {
    switch (step.do) {
      case 'get':
        seen.push(textOf(await tx.get(row(step.key))))
        break
      case 'getMany':
        seen.push(...(await tx.getMany(step.keys.map(row))).map(textOf))
        break
      case 'delete':
        tx.delete(row(step.key))
        break
      case 'put':
        tx.put(row(step.key), utf8(step.value + textOf(await tx.get(row(step.from))).slice(0, 9)))
        break
      case 'add':
        tx.add(utf8(`sum${step.counter}`), BigInt(step.delta))
        break
      case 'count':
        seen.push(String(decodeCounter(await tx.get(utf8(`sum${step.counter}`)))))
        break
      case 'scan': {
        let rows = 0
        const bounds = { start: row(step.low), end: row(step.high), reverse: step.reverse }
        for await (const found of tx.range(bounds)) {
          seen.push(...pairs([found]))
          if (++rows === step.limit) break
        }
        break
      }
      case 'fail':
        seen.push(textOf(await tx.get(row(step.key))))
        throw new Failure(seen)
    }
  }
  return seen
}

/** Thrown by a random transaction, with its observations so far: they must be serializable too. */
class Failure extends Error {
  readonly seen: string[]

  constructor(seen: string[]) {
    super('on purpose')
    this.seen = seen
  }
}

/** The same transaction on a map: the specification. */
class ModelTransaction implements WriteTransaction {
  readonly rows: Map<string, Bytes>

  constructor(rows: ReadonlyMap<string, Bytes>) {
    this.rows = new Map(rows)
  }

  async get(key: Bytes): Promise<Bytes | undefined> {
    return this.rows.get(textOf(key))
  }

  async getMany(keys: readonly Bytes[]): Promise<readonly (Bytes | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key)))
  }

  async peek(key: Bytes): Promise<Bytes | undefined> {
    return this.get(key)
  }

  async *range({ start, end, reverse }: Range): AsyncIterable<Row> {
    const rows = [...this.rows].map(([key, value]) => ({ key: utf8(key), value }))
    const found = rows.filter(
      ({ key }) =>
        compareBytes(key, start) >= 0 && (end === undefined || compareBytes(key, end) < 0),
    )
    found.sort((a, b) => compareBytes(a.key, b.key) * (reverse === true ? -1 : 1))
    yield* found
  }

  batches(range: Range): AsyncIterable<readonly Row[]> {
    return singly(this.range(range))
  }

  put(key: Bytes, value: Bytes): void {
    this.rows.set(textOf(key), value)
  }

  delete(key: Bytes): void {
    this.rows.delete(textOf(key))
  }

  add(key: Bytes, delta: bigint): void {
    this.put(key, encodeCounter(decodeCounter(this.rows.get(textOf(key))) + delta))
  }
}

interface Observed {
  readonly steps: readonly Step[]
  readonly seen: string
}

async function observe(tx: WriteTransaction, steps: readonly Step[]): Promise<string> {
  return JSON.stringify(await runSteps(tx, steps))
}

/**
 * The final states of every serial order of `transactions` that explains all their observations.
 */
async function explanations(
  rows: ReadonlyMap<string, Bytes>,
  transactions: readonly Observed[],
): Promise<ReadonlyMap<string, Bytes>[]> {
  if (transactions.length === 0) return [rows]
  const found: ReadonlyMap<string, Bytes>[] = []
  for (const first of transactions) {
    const model = new ModelTransaction(rows)
    const outcome = await observe(model, first.steps).then(
      (seen) => ({ seen, rows: model.rows }),
      (failure: Failure) => ({ seen: JSON.stringify(failure.seen), rows }),
    )
    if (outcome.seen !== first.seen) continue
    const others = transactions.filter((other) => other !== first)
    found.push(...(await explanations(outcome.rows, others)))
  }
  return found
}

function modelTests(open: OpenEngineUnderTest): void {
  const transaction = fc.array(step, { maxLength: 6 })
  const rounds = fc.array(fc.array(transaction, { maxLength: 5 }), { maxLength: 12 })

  test('concurrent transactions do what some serial order of them does', () =>
    using(open, async ({ engine }) => {
      const property = fc.asyncProperty(rounds, async (rounds) => {
        await engine.write(async (tx) => {
          for await (const { key } of tx.range({ start: utf8('') })) tx.delete(key)
        })
        let rows: ReadonlyMap<string, Bytes> = new Map()
        for (const round of rounds) {
          const observed = await Promise.all(
            round.map(async (steps): Promise<Observed> => {
              const seen = await engine
                .write((tx) => observe(tx, steps))
                .catch((error: unknown) => {
                  assert.ok(error instanceof Failure, String(error))
                  return JSON.stringify(error.seen)
                })
              return { steps, seen }
            }),
          )
          const actual = pairs(await collect(engine, { start: utf8('') })).join()
          const explained = (await explanations(rows, observed)).find(
            (state) => modelPairs(state) === actual,
          )
          assert.ok(explained, 'no order explains the round')
          rows = explained
        }
      })
      await fc.assert(property, { numRuns: Math.round(60 * scale) })
    }))
}

function modelPairs(rows: ReadonlyMap<string, Bytes>): string {
  const sorted = [...rows].map(([key, value]) => ({ key: utf8(key), value }))
  return pairs(sorted.sort((a, b) => compareBytes(a.key, b.key))).join()
}

async function using(
  open: OpenEngineUnderTest,
  body: (subject: EngineUnderTest) => Promise<void>,
  options?: { readonly readMs?: number },
): Promise<void> {
  const subject = await open(options)
  try {
    await body(subject)
  } finally {
    await subject.destroy()
  }
}

async function get(engine: Engine, key: string): Promise<string | undefined> {
  const value = await engine.read((tx) => tx.get(utf8(key)))
  return value === undefined ? undefined : textOf(value)
}

async function put(engine: Engine, key: string, value: string): Promise<void> {
  await engine.write(async (tx) => tx.put(utf8(key), utf8(value)))
}

/** Puts rows whose values are their keys. */
async function putAll(engine: Engine, keys: readonly string[]): Promise<void> {
  await engine.write(async (tx) => {
    for (const key of keys) tx.put(utf8(key), utf8(key))
  })
}

/** Returns a function that tells whether `ms` milliseconds have passed since this call. */
function lateAfter(ms: number): () => boolean {
  const until = performance.now() + ms
  return () => performance.now() >= until
}

async function counter(engine: Engine, key: string): Promise<bigint> {
  return decodeCounter(await engine.read((tx) => tx.get(utf8(key))))
}

async function collect(engine: Engine, range: Range): Promise<Row[]> {
  return engine.read((tx) => rowsOf(tx, range))
}

async function rowsOf(tx: ReadTransaction, range: Range): Promise<Row[]> {
  const rows: Row[] = []
  for await (const row of tx.range(range)) rows.push(row)
  return rows
}

async function batchedRowsOf(tx: ReadTransaction, range: Range): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of tx.batches(range)) rows.push(...batch)
  return rows
}

function names(rows: readonly Row[]): string[] {
  return rows.map(({ key }) => textOf(key))
}

function pairs(rows: readonly Row[]): string[] {
  return rows.map(({ key, value }) => `${textOf(key)}=${textOf(value)}`)
}

function textOf(bytes: Bytes | undefined): string {
  return bytes === undefined ? 'absent' : Buffer.from(bytes).toString('latin1')
}

function assertBytes(actual: Bytes | undefined, expected: Bytes | undefined): void {
  assert.ok(actual !== undefined && expected !== undefined)
  assert.equal(Buffer.compare(actual, expected), 0)
}
