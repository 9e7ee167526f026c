import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overflowAnswer } from './overflow.ts'

function codeOf(head: string): string | undefined {
  const { status, text } = overflowAnswer(head)
  assert.equal(status, 400)
  return /<Code>(.*)<\/Code>/.exec(text)?.[1]
}

const long = 'v'.repeat(900)

test('a long query of SimpleDB is too long, wherever its pairs end', () => {
  for (const target of [
    `/?Action=${long}`,
    `/?AWSAccessKeyId=KEY&SignatureVersion=2&Attribute.1.Value=${long}`,
    `?SelectExpression=${long}`,
    `http://host:80/?Item.1.ItemName=${long}`,
  ]) {
    assert.equal(codeOf(`GET ${target}`), 'URITooLong', target)
    assert.equal(codeOf(`POST ${target}`), 'URITooLong', target)
  }
})

test('headers beside a short query of SimpleDB are too long in the words of SimpleDB', () => {
  const form = 'Content-Type: application/x-www-form-urlencoded; charset=utf-8'
  assert.equal(codeOf('GET /?Action=ListDomains HTTP/1.1\r\nHost: h\r\n'), 'InvalidHttpRequest')
  assert.equal(codeOf(`POST / HTTP/1.1\r\nHost: h\r\n${form}\r\nA: ${long}`), 'InvalidHttpRequest')
})

test('exports are answered in JSON', () => {
  for (const head of [`POST /v2/StartDomainExport?${long}`, 'POST /v2/ListExports HTTP/1.1\r\n']) {
    const { type, text } = overflowAnswer(head)
    assert.equal(type, 'application/json')
    assert.match(text, /^\{"message":"/)
  }
})

test('what only looks like SimpleDB is answered by S3', () => {
  for (const head of [
    `GET /bucket/key?Action=x&Version=${long}`,
    `GET /bucket?prefix=a&Action=${long}`,
    `GET /?list-type=2&prefix=${long}`,
    `GET /?${long}`,
    `GET / HTTP/1.1\r\nHost: h\r\nCookie: a=1&Action=2&${long}`,
    `PUT /bucket/key HTTP/1.1\r\nX: /?Action=${long}`,
    `POST /bucket HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n`,
    '',
  ]) {
    assert.equal(codeOf(head), 'RequestHeaderSectionTooLarge', head)
  }
})
