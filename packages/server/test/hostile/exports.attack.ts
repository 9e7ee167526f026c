// An owner with hundreds of exports, most of which wait for a lease of the same owner. Another owner's
// export and all other requests must still complete.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Credential } from '../harness.ts'
import { callExport } from '../simpledb/export-client.ts'
import { QueryClient } from '../simpledb/query.ts'
import { WireClient } from '../wire.ts'
import { assertUnharmed, compare, describe, startTarget, type Target } from './bystander.ts'

const domains = 60
const exportsPerDomain = 5
const itemsPerDomain = 100
/** The bound of the bystander's 99th percentile during the attack, in milliseconds. */
const p99Ms = 500
/** The maximum number of polls of an export's state, and the milliseconds between two polls. */
const looks = 100
const lookMs = 100

function portOf({ server }: Target): number {
  return Number(new URL(server.endpoint).port)
}

async function makeBucket(target: Target, owner: Credential, bucket: string): Promise<WireClient> {
  const { host, port } = target.server
  const wire = new WireClient({ ...owner, host, port })
  const { status } = await wire.send({ method: 'PUT', path: `/${bucket}` })
  assert.equal(status, 200)
  return wire
}

async function fill(client: QueryClient, DomainName: string, items: number): Promise<void> {
  await client.ok('CreateDomain', { DomainName })
  for (let from = 0; from < items; from += 25) {
    const pairs = Array.from({ length: Math.min(25, items - from) }, (_, at) => ({
      [`Item.${at}.ItemName`]: `item-${from + at}`,
      [`Item.${at}.Attribute.0.Name`]: 'a',
      [`Item.${at}.Attribute.0.Value`]: 'v'.repeat(1000),
    }))
    await client.ok('BatchPutAttributes', Object.assign({ DomainName }, ...pairs))
  }
}

async function start(target: Target, owner: Credential, input: object): Promise<unknown> {
  const { status, fields } = await callExport(portOf(target), owner, 'StartDomainExport', {
    ...input,
  })
  assert.equal(status, 200, JSON.stringify(fields))
  return fields['exportArn']
}

/** The state of an export at its end, or after the last poll. */
async function outcome(target: Target, owner: Credential, exportArn: unknown): Promise<unknown> {
  let status: unknown
  for (let look = 0; look < looks; look++) {
    status = (await callExport(portOf(target), owner, 'GetExport', { exportArn })).fields[
      'exportStatus'
    ]
    if (status === 'SUCCEEDED' || status === 'FAILED') break
    await delay(lookMs)
  }
  return status
}

test('hundreds of exports of one owner, most of them under a lease, delay no other owner', {
  timeout: 240_000,
}, async (t) => {
  await using target = await startTarget(['--simpledb-limit', 'exportsPerOwner=1000'])
  const { attacker, bystander } = target
  const wire = await makeBucket(target, attacker, 'attacker')
  const hostile = new QueryClient(portOf(target), attacker)
  const harmless = new QueryClient(portOf(target), bystander)
  for (let at = 0; at < domains; at++) await fill(hostile, `hostile-${at}`, itemsPerDomain)
  await fill(harmless, 'harmless', itemsPerDomain)
  const leased = await wire.send({
    method: 'POST',
    path: '/attacker',
    query: { lease: '' },
    body: Buffer.from(JSON.stringify({ write: ['leased/'], ttlMs: 600_000 })),
  })
  assert.equal(leased.status, 200)
  let status: unknown
  const comparison = await compare(target, async () => {
    for (let at = 0; at < domains * exportsPerDomain; at++) {
      const domainName = `hostile-${at % domains}`
      const s3KeyPrefix = at % 4 === 3 ? 'free' : 'leased'
      const facts = { clientToken: `hostile-${at}`, domainName, s3Bucket: 'attacker', s3KeyPrefix }
      await start(target, attacker, facts)
    }
    const facts = { clientToken: 'harmless', domainName: 'harmless', s3Bucket: 'bystander' }
    status = await outcome(target, bystander, await start(target, bystander, facts))
  })
  t.diagnostic(describe(comparison))
  assert.equal(status, 'SUCCEEDED')
  assertUnharmed(comparison, { p99Ms })
  for (const client of [wire, hostile, harmless]) client.close()
})
