// An owner that sends correctly signed documents that are slow to parse.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { WireClient } from '../wire.ts'
import { assertUnharmed, compare, describe, startTarget } from './bystander.ts'
import { repeat } from './sockets.ts'

const bytes = 8_300_000
const bucket = 'attacker'

function filled(before: string, piece: string, after: string): string {
  return `${before}${piece.repeat(Math.floor(bytes / piece.length))}${after}`
}

const documents: readonly (readonly [what: string, document: string])[] = [
  ['one comment', filled('<Delete><!--', '- ', '--></Delete>')],
  ['many comments', filled('<Delete>', '<!---->', '</Delete>')],
  ['white space', filled('<Delete', ' ', '/>')],
  ['long texts', filled('<Delete>', `<Key>${'&#38;'.repeat(12_000)}</Key>`, '</Delete>')],
  ['long attributes', filled('<Delete>', `<Key a="${'&lt;'.repeat(12_000)}"/>`, '</Delete>')],
  ['many elements', `<Delete>${'<a/>'.repeat(190_000)}</Delete>`],
  ['deep elements', filled('', '<a>', '')],
]

for (const [what, document] of documents) {
  test(`documents of ${what} harm nobody`, { timeout: 60_000 }, async (t) => {
    await using target = await startTarget()
    const { server, attacker } = target
    const client = new WireClient({ ...attacker, host: server.host, port: server.port })
    await client.send({ method: 'PUT', path: `/${bucket}` })
    const body = Buffer.from(document)
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
    const statuses = new Set<number>()
    const comparison = await compare(target, () =>
      repeat({ count: 32, atOnce: 16 }, async () => {
        const request = { method: 'POST', path: `/${bucket}`, query: { delete: '' }, headers, body }
        const answer = await client.send(request).catch(() => undefined)
        statuses.add(answer?.status ?? 0)
      }),
    )
    client.close()
    t.diagnostic(`${[...statuses]}; ${describe(comparison)}`)
    assertUnharmed(comparison)
    for (const status of statuses) assert.ok([0, 400, 503].includes(status), `${status}`)
  })
}
