// Tests the store's SelectSource against the plain model, with the suite that every source passes.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { compareUtf8 } from '../base/bytes.ts'
import { storeIn } from '../base/store-location.ts'
import { openEngine } from '../engine/open.ts'
import { selectSuite } from '../select/select.suite.ts'
import { createDomain, deleteDomain } from '../store/domain/domain.ts'
import { findItem, writeItem } from '../store/domain/item.ts'
import { IdSource } from '../store/row/id.ts'
import { DomainSource } from './select-source.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-select-'))
const engine = await openEngine(storeIn(folder).engine)
const ids = await IdSource.open(engine)
after(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

selectSuite(
  'Select over the store',
  async (items) => {
    const record = { ownerId: 'o', createdAt: 0 }
    const domain = await engine.write(async (tx) => {
      const { number } = createDomain({ tx, ids }, 'domain', record)
      // A neighbouring domain, from which no row may be returned.
      const other = createDomain({ tx, ids }, 'other', record)
      for (const { name, attributes } of items) {
        const pairs = Object.entries(attributes).map(([attribute, values]) => ({
          name: attribute,
          values: [...values].sort(compareUtf8),
        }))
        for (const place of [number, other.number]) {
          const before = await findItem(tx, place, name)
          await writeItem({ tx, ids, domain: place }, name, before, pairs)
        }
      }
      return number
    })
    return {
      read: (body) => engine.read((tx) => body(new DomainSource(tx, domain))),
      destroy: () =>
        engine.write(async (tx) => deleteDomain(tx, { ...record, number: domain, name: 'domain' })),
    }
  },
  40,
)
