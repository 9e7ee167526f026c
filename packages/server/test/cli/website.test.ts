// Websites and rules for other origins in several workers: a change is obeyed by the next request of each.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { test } from 'node:test'
import { startServer } from '../harness.ts'
import { policyText } from '../s3/policy.fixture.ts'
import { WireClient } from '../wire.ts'

const Bucket = 'site'
const origin = 'https://app.example'

test('a website and its rules for other origins change at once for the visitors of every worker', async () => {
  const args = ['--website-domain', 'web.test', '--bucket-defaults', 'classic']
  await using server = await startServer({ workers: 2, args })
  await server.untilServing(2)
  const owner = new WireClient(server)
  // Connections are spread over the workers, so several visitors reach both.
  const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
  const visit = async (agent: Agent): Promise<IncomingMessage> => {
    const { host, port } = server
    const headers = { host: `${Bucket}.web.test`, origin }
    const sent = request({ host, port, path: '/', headers, agent }).end()
    const answer: IncomingMessage = (await once(sent, 'response'))[0]
    answer.resume()
    await once(answer, 'end')
    return answer
  }
  const expectAll = async (status: number, allowed: string | undefined): Promise<void> => {
    for (const { statusCode, headers } of await Promise.all(agents.map(visit))) {
      assert.deepEqual([statusCode, headers['access-control-allow-origin']], [status, allowed])
    }
  }
  const change = async (method: string, query: string, text = ''): Promise<void> => {
    const body = Buffer.from(text)
    const wanted = { method, path: `/${Bucket}`, query: { [query]: '' }, body }
    const { status } = await owner.send(wanted)
    assert.ok(status === 200 || status === 204, `${method} ${query}: ${status}`)
  }
  await owner.send({ method: 'PUT', path: `/${Bucket}` })
  await owner.send({ method: 'PUT', path: `/${Bucket}/index.html`, body: Buffer.from('x') })
  await change('PUT', 'policy', policyText(Bucket, { Action: 's3:GetObject', on: '/*' }))
  const website =
    '<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>'
  const cors = `<CORSConfiguration><CORSRule><AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>`
  for (let round = 0; round < 5; round++) {
    await expectAll(404, undefined)
    await change('PUT', 'website', website)
    await expectAll(200, undefined)
    await change('PUT', 'cors', cors)
    await expectAll(200, origin)
    await change('PUT', 'cors', cors.replace('GET', 'PUT'))
    await expectAll(200, undefined)
    await change('DELETE', 'cors')
    await change('DELETE', 'website')
  }
  owner.close()
  for (const agent of agents) agent.destroy()
  const { exitCode, output } = await server.fsck()
  assert.equal(exitCode, 0, output)
})
