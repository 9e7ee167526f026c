import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlobFacts } from '../blob/mark.ts'
import {
  describeMisfit,
  type Fit,
  judgeFit,
  type Misfit,
  MisfitError,
  type RowFacts,
} from './fit.ts'

function rows(facts: Partial<RowFacts> = {}): RowFacts {
  return { identity: undefined, lastStart: 0, hasBlobs: false, ...facts }
}

function blobs(facts: Partial<BlobFacts> = {}): BlobFacts {
  return {
    mark: undefined,
    isMarkDamaged: false,
    greatestStart: 0,
    hasFiles: false,
    ...facts,
  }
}

const own = { id: 'own' }
const mark = (id: string, starts = 0, ...former: string[]) => ({ id, starts, former })

const cases: readonly [what: string, rows: RowFacts, blobs: BlobFacts, fit: Fit][] = [
  ['nothing', rows(), blobs(), 'new'],
  ['folders of starts without files', rows(), blobs({ greatestStart: 3 }), 'new'],
  ['files', rows(), blobs({ greatestStart: 3, hasFiles: true }), 'lost-rows'],
  ['a mark', rows(), blobs({ mark: mark('own') }), 'lost-rows'],
  ['a store without blobs, before identities', rows({ lastStart: 2 }), blobs(), 'new'],
  [
    'a store with blobs, before identities',
    rows({ lastStart: 2, hasBlobs: true }),
    blobs({ greatestStart: 2, hasFiles: true }),
    'new',
  ],
  ['the same, its blobs gone', rows({ lastStart: 2, hasBlobs: true }), blobs(), 'lost-blobs'],
  [
    'the same, its rows older',
    rows({ lastStart: 2, hasBlobs: true }),
    blobs({ greatestStart: 3, hasFiles: true }),
    'older-rows',
  ],
  [
    'rows from before identities beside marked blobs',
    rows({ lastStart: 2 }),
    blobs({ mark: mark('own', 1) }),
    'older-rows',
  ],
  ['one store', rows({ identity: own, lastStart: 2 }), blobs({ mark: mark('own', 2) }), 'fits'],
  [
    'one store whose mark lags behind',
    rows({ identity: own, lastStart: 3 }),
    blobs({ mark: mark('own', 2), greatestStart: 3, hasFiles: true }),
    'fits',
  ],
  [
    'a mark of more starts',
    rows({ identity: own, lastStart: 2 }),
    blobs({ mark: mark('own', 3) }),
    'older-rows',
  ],
  [
    'folders of more starts, even empty ones',
    rows({ identity: own, lastStart: 2 }),
    blobs({ mark: mark('own', 2), greatestStart: 3 }),
    'older-rows',
  ],
  ['no mark', rows({ identity: own, lastStart: 2 }), blobs(), 'lost-blobs'],
  [
    'no mark, but files',
    rows({ identity: own, lastStart: 2 }),
    blobs({ greatestStart: 1, hasFiles: true }),
    'lost-blobs',
  ],
  [
    'the mark of another store',
    rows({ identity: own, lastStart: 9 }),
    blobs({ mark: mark('other', 2) }),
    'other-store',
  ],
  [
    'the mark of a store that took the blobs over',
    rows({ identity: own, lastStart: 9 }),
    blobs({ mark: mark('other', 2, 'own') }),
    'older-rows',
  ],
  [
    'an adoption that has not reached the blobs',
    rows({ identity: { id: 'own', adopts: 'old' }, lastStart: 9 }),
    blobs({ mark: mark('old', 9) }),
    'new',
  ],
  [
    'an adoption that has reached them',
    rows({ identity: { id: 'own', adopts: 'old' }, lastStart: 9 }),
    blobs({ mark: mark('own', 0, 'old') }),
    'new',
  ],
  [
    'an adoption of other blobs than these',
    rows({ identity: { id: 'own', adopts: 'old' }, lastStart: 9 }),
    blobs({ mark: mark('other') }),
    'other-store',
  ],
  [
    'a damaged mark',
    rows({ identity: own, lastStart: 9 }),
    blobs({ isMarkDamaged: true, greatestStart: 9, hasFiles: true }),
    'damaged-mark',
  ],
]

for (const [what, rowFacts, blobFacts, expected] of cases) {
  test(`${expected}: ${what}`, () => assert.equal(judgeFit(rowFacts, blobFacts), expected))
}

test('every refusal names the folder and the remedy in two sentences', () => {
  const misfits: readonly Misfit[] = [
    'lost-rows',
    'older-rows',
    'lost-blobs',
    'other-store',
    'damaged-mark',
  ]
  for (const misfit of misfits) {
    const { message } = new MisfitError(misfit, '/data')
    assert.ok(message.startsWith("can't use the data folder /data: "))
    assert.match(describeMisfit(misfit), /Restore|Put/)
  }
})
