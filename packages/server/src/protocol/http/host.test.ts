import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStoreError } from '../../base/errors.ts'
import { bucketBelow, bucketOfHost, hostOf } from './host.ts'

const domains = ['s3.example.com', 'example.com']

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
    'localhost',
    '.localhost',
    's3.localhost',
    'notlocalhost',
    's3.localhost.example.org',
    'photos.localhost.localdomain',
    'notexample.com',
    '',
    undefined,
  ]) {
    assert.equal(bucketOfHost(host, domains), undefined, host)
    if (host?.includes('example.com') !== true)
      assert.equal(bucketOfHost(host, []), undefined, host)
  }
  assert.equal(bucketOfHost('photos.s3.example.com', []), undefined)
})

test('a bucket may stand before localhost, with and without domains', () => {
  for (const own of [[], domains, ['localhost']]) {
    assert.equal(bucketOfHost('foo.localhost:9000', own), 'foo')
    assert.equal(bucketOfHost('Photos.LocalHost', own), 'photos')
    assert.equal(bucketOfHost('my.dotted.bucket.localhost.', own), 'my.dotted.bucket')
    assert.equal(bucketOfHost('localhost:9000', own), undefined)
  }
  assert.equal(bucketOfHost('store.localhost:9000', ['store.localhost']), undefined)
  assert.equal(bucketOfHost('foo.store.localhost:9000', ['store.localhost']), 'foo')
  assert.equal(bucketOfHost('foo.localhost:9000', ['store.localhost']), 'foo')
})

test('a request is for the host of its Host header, and for no other', () => {
  assert.equal(hostOf(undefined, 'a.example.com:9000'), 'a.example.com:9000')
  assert.equal(hostOf('A.example.com:9000', 'a.example.com:9000'), 'a.example.com:9000')
  assert.equal(hostOf(undefined, undefined), undefined)
  for (const [authority, header] of [
    ['b.example.com', 'a.example.com'],
    ['a.example.com', 'a.example.com:9000'],
    ['user@a.example.com', 'a.example.com'],
    ['a.example.com', undefined],
  ] as const) {
    assert.throws(
      () => hostOf(authority, header),
      (error) => isStoreError(error, 'InvalidUri'),
    )
  }
})

test('below given domains only, a name of the machine itself is none of theirs', () => {
  const domains = ['web.example', 'eu.web.example']
  assert.equal(bucketBelow('site.web.example:80', domains), 'site')
  assert.equal(bucketBelow('site.EU.web.example.', domains), 'site')
  assert.equal(bucketBelow('web.example', domains), '')
  for (const host of [undefined, 'site.localhost', 'other.example', '[::1]:80', 'xweb.example']) {
    assert.equal(bucketBelow(host, domains), undefined, host)
  }
})
