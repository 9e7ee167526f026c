import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketOfHost } from './host.ts'

const domains = ['s3.example.com', 'example.com', 'localhost']

test('the bucket stands before the longest domain that fits', () => {
  assert.equal(bucketOfHost('photos.s3.example.com', domains), 'photos')
  assert.equal(bucketOfHost('Photos.S3.Example.COM:9000', domains), 'photos')
  assert.equal(bucketOfHost('my.dotted.bucket.s3.example.com.', domains), 'my.dotted.bucket')
  assert.equal(bucketOfHost('photos.localhost:9000', domains), 'photos')
  assert.equal(bucketOfHost('photos.example.com', domains), 'photos')
})

test('a bare domain, an address, or a foreign name has no bucket', () => {
  for (const host of [
    's3.example.com',
    'example.com:80',
    '127.0.0.1:9000',
    '[::1]:9000',
    '[fe80::1.localhost]',
    'photos.elsewhere.org',
    'xs3example.com',
    '.example.com',
    'notexample.com',
    '',
    undefined,
  ]) {
    assert.equal(bucketOfHost(host, domains), undefined, host)
  }
  assert.equal(bucketOfHost('photos.s3.example.com', []), undefined)
})
