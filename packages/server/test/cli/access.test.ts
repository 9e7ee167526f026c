// A change of who has access is obeyed by the next request, whichever worker serves it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomCredential, startServer } from '../harness.ts'
import { policyText } from '../s3/policy.fixture.ts'
import { type WireAnswer, WireClient } from '../wire.ts'

const Bucket = 'shared'

test('a policy, a block and tags are obeyed by the next request of every worker', async () => {
  const stranger = randomCredential('stranger')
  const credentials = [randomCredential(), stranger]
  await using server = await startServer({ workers: 2, credentials })
  await server.untilServing(2)
  const owner = new WireClient(server)
  // Connections are spread over the workers, so several clients reach both.
  const clients = Array.from({ length: 4 }, () => new WireClient({ ...server, ...stranger }))
  const put = (query: string, text: string, path = `/${Bucket}`): Promise<WireAnswer> =>
    owner.send({ method: 'PUT', path, query: { [query]: '' }, body: Buffer.from(text) })
  const expectAll = async (status: number, change: string): Promise<void> => {
    const path = `/${Bucket}/object`
    const answers = clients.map((client) => client.send({ method: 'GET', path }))
    for (const answer of await Promise.all(answers)) assert.equal(answer.status, status, change)
  }
  const block = (isRestricting: boolean): Promise<WireAnswer> =>
    put(
      'publicAccessBlock',
      `<PublicAccessBlockConfiguration><RestrictPublicBuckets>${isRestricting}</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
    )
  const tag = (value: string): Promise<WireAnswer> =>
    put(
      'tagging',
      `<Tagging><TagSet><Tag><Key>open</Key><Value>${value}</Value></Tag></TagSet></Tagging>`,
      `/${Bucket}/object`,
    )
  await owner.send({ method: 'PUT', path: `/${Bucket}` })
  await owner.send({ method: 'PUT', path: `/${Bucket}/object`, body: Buffer.from('x') })
  await block(false)
  const open = { Action: 's3:GetObject', on: '/*' }
  const tagged = { ...open, Condition: { StringEquals: { 's3:ExistingObjectTag/open': 'yes' } } }
  for (let round = 0; round < 10; round++) {
    await put('policy', policyText(Bucket, open))
    await expectAll(200, `policy ${round}`)
    await block(true)
    await expectAll(403, `block ${round}`)
    await block(false)
    await expectAll(200, `no block ${round}`)
    await put('policy', policyText(Bucket, tagged))
    await expectAll(403, `policy of tags ${round}`)
    await tag('yes')
    await expectAll(200, `tag ${round}`)
    await tag('no')
    await expectAll(403, `other tag ${round}`)
    await owner.send({ method: 'DELETE', path: `/${Bucket}`, query: { policy: '' } })
    await expectAll(403, `no policy ${round}`)
  }
  for (const client of [owner, ...clients]) client.close()
  const { exitCode, output } = await server.fsck()
  assert.equal(exitCode, 0, output)
})
