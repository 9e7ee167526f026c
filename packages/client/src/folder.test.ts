// Folder requests, and the interpretation of their responses.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorAnswer, FakeServer } from './fake-server.fixture.ts'
import {
  createHoldfast,
  FolderExistsError,
  FolderNotFoundError,
  NotHoldfastError,
  TokenMismatchError,
} from './index.ts'

const recursive = { 'x-holdfast-recursive': 'true' }
const copied = {
  headers: { ...recursive, 'content-type': 'application/xml' },
  body: '<CopyObjectResult><LastModified>2026-01-01T00:00:00.000Z</LastModified></CopyObjectResult>',
}

test('a rename is RenameObject with a token, and names that are encoded', async () => {
  await using server = await FakeServer.start()
  const { folders } = createHoldfast(server.client())
  await folders.rename({ bucket: 'b', from: 'ä b/+/', to: 'c/d/' })
  const { method, path, query, headers } = server.last
  assert.equal(method, 'PUT')
  assert.equal(path, '/b/c/d/')
  assert.ok(query.has('renameObject'))
  assert.equal(headers['x-amz-rename-source'], '%C3%A4%20b/%2B/')
  assert.match(String(headers['x-amz-client-token']), /^[0-9a-f-]{36}$/)
  assert.equal(headers['x-holdfast-replace'], undefined)
  assert.match(String(headers.authorization), /x-amz-rename-source/)
})

test('options become headers, which are signed', async () => {
  await using server = await FakeServer.start(({ headers }) =>
    headers['x-amz-copy-source'] === undefined ? {} : copied,
  )
  const { folders } = createHoldfast(server.client())
  const options = { replace: true, clientToken: 't1', ifNoneMatch: '*' } as const
  await folders.rename({ bucket: 'b', from: 'a/', to: 'c/' }, options)
  await folders.copy({ bucket: 'b', from: 'a/', to: 'c/', toBucket: 'other' }, options)
  for (const { headers } of server.requests) {
    assert.equal(headers['x-holdfast-replace'], 'true')
    assert.equal(headers['x-amz-client-token'], 't1')
    assert.equal(headers['if-none-match'], '*')
    assert.match(String(headers.authorization), /x-holdfast-replace/)
  }
  assert.equal(server.last.path, '/other/c/')
  assert.equal(server.last.headers['x-amz-copy-source'], '/b/a/')
  assert.equal(server.last.headers['x-holdfast-recursive'], 'true')
})

test('a request that the SDK repeats has the token of the first, another call its own', async () => {
  const answers = [errorAnswer(500, 'InternalError'), copied, copied]
  await using server = await FakeServer.start(() => answers.shift() ?? {})
  const { folders } = createHoldfast(server.client())
  await folders.copy({ bucket: 'b', from: 'a/', to: 'c/' })
  await folders.copy({ bucket: 'b', from: 'a/', to: 'c/' })
  const tokens = server.requests.map(({ headers }) => headers['x-amz-client-token'])
  assert.equal(tokens.length, 3)
  assert.equal(tokens[0], tokens[1])
  assert.notEqual(tokens[1], tokens[2])
})

test('refusals become typed errors, and other errors stay the SDK’s', async () => {
  await using server = await FakeServer.start()
  const { folders } = createHoldfast(server.client())
  const rename = (): Promise<void> => folders.rename({ bucket: 'b', from: 'a/', to: 'c/' })
  const expected: [number, string, unknown][] = [
    [404, 'NoSuchKey', FolderNotFoundError],
    [412, 'PreconditionFailed', FolderExistsError],
    [400, 'IdempotencyParameterMismatch', TokenMismatchError],
    [400, 'KeyTooLongError', { name: 'KeyTooLongError' }],
  ]
  for (const [status, code, error] of expected) {
    server.respond = () => errorAnswer(status, code)
    await assert.rejects(rename, error as Error)
  }
})

test('a name without its slash is refused before anything is sent', async () => {
  await using server = await FakeServer.start()
  const { folders } = createHoldfast(server.client())
  await assert.rejects(folders.remove({ bucket: 'b', folder: 'a' }), RangeError)
  await assert.rejects(folders.rename({ bucket: 'b', from: 'a/', to: '' }), RangeError)
  await assert.rejects(folders.copy({ bucket: 'b', from: 'a', to: 'c/' }), RangeError)
  await assert.rejects(folders.archive({ bucket: 'b', folder: 'a' }), RangeError)
  assert.equal(server.requests.length, 0)
})

test('a response without the folder header is not taken for a folder response', async () => {
  await using server = await FakeServer.start(({ method }) =>
    method === 'DELETE' ? { status: 204 } : { ...copied, headers: {} },
  )
  const { folders } = createHoldfast(server.client())
  await assert.rejects(folders.remove({ bucket: 'b', folder: 'a/' }), NotHoldfastError)
  await assert.rejects(folders.copy({ bucket: 'b', from: 'a/', to: 'c/' }), NotHoldfastError)
  await assert.rejects(folders.archive({ bucket: 'b', folder: 'a/' }), NotHoldfastError)
  server.respond = () => ({ status: 204, headers: recursive })
  await folders.remove({ bucket: 'b', folder: 'a/' })
})

test('an archive is streamed', async () => {
  await using server = await FakeServer.start(({ query }) => ({
    headers: {
      'content-type': query.get('archive') === 'tar' ? 'application/x-tar' : 'application/zip',
    },
    body: `bytes of a ${query.get('archive')}`,
  }))
  const { folders } = createHoldfast(server.client())
  for (const format of ['zip', 'tar'] as const) {
    const { stream } = await folders.archive({ bucket: 'b', folder: 'a/b/' }, { format })
    assert.equal(await new Response(stream).text(), `bytes of a ${format}`)
    assert.equal(server.last.path, '/b/a/b/')
  }
})

test('an abort ends the wait with its own reason', async () => {
  const { promise, resolve } = Promise.withResolvers<object>()
  await using server = await FakeServer.start(() => promise)
  const { folders } = createHoldfast(server.client())
  const controller = new AbortController()
  const reason = new Error('enough')
  const renamed = folders.rename({ bucket: 'b', from: 'a/', to: 'c/' }, controller)
  controller.abort(reason)
  await assert.rejects(renamed, reason)
  resolve({})
})
