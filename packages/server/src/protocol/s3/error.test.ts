import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../base/errors.ts'
import { errorBody, reportError, S3Error } from './error.ts'

test('a refusal is told with its code, message and fields', () => {
  const error = new StoreError({ code: 'NoSuchKey', key: 'a&b' })
  const report = reportError(error)
  assert.equal(report.status, 404)
  const body = errorBody(report, { resource: '/b/a&b', requestId: 'R', hostId: 'H' })
  assert.equal(
    body,
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>' +
      '<Key>a&amp;b</Key><Resource>/b/a&amp;b</Resource><RequestId>R</RequestId><HostId>H</HostId></Error>',
  )
})

test('quotes are bare in an error, and what XML cannot carry leaves it readable', () => {
  const error = new S3Error({
    status: 403,
    code: 'AccessDenied',
    message: 'failed: ["eq", "$key", "<x>"]',
    fields: { ArgumentValue: 'a"\u0000\r\n\ufffe' },
  })
  const context = { resource: '/b/"q"', requestId: 'R', hostId: 'H' }
  const body = errorBody(reportError(error), context)
  assert.ok(body.includes('<Message>failed: ["eq", "$key", "&lt;x&gt;"]</Message>'), body)
  assert.ok(body.includes('<ArgumentValue>a"\ufffd&#13;\n\ufffd</ArgumentValue>'), body)
  assert.ok(body.includes('<Resource>/b/"q"</Resource>'), body)
})

test('a fault of ours tells nothing of itself', () => {
  const faults = [
    new Error('ENOENT: /var/lib/secret'),
    new StoreError({ code: 'CommitFailed' }, { cause: 'secret' }),
    'secret',
    undefined,
  ]
  for (const fault of faults) {
    const report = reportError(fault)
    assert.equal(report.status, 500)
    assert.equal(report.code, 'InternalError')
    assert.equal(report.isFault, true)
    assert.doesNotMatch(JSON.stringify(report), /secret/)
  }
})

test('what only S3 knows has its own status and code', () => {
  const report = reportError(new S3Error({ status: 404, code: 'NoSuchTagSet', message: 'None' }))
  assert.deepEqual([report.status, report.code, report.isFault], [404, 'NoSuchTagSet', false])
})

test('a refusal of another protocol is a fault of the server', () => {
  const report = reportError(new StoreError({ code: 'NoSuchDomain', domain: 'd' }))
  assert.deepEqual([report.status, report.code, report.isFault], [500, 'InternalError', true])
})
