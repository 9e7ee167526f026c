import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Query } from '../http/request.ts'
import { detect, refuseDemands } from './detect.ts'

function nameOf(method: string, target: string, headers: Record<string, string> = {}): string {
  const [path = '', search] = target.split('?')
  const [bucket = '', ...rest] = path.slice(1).split('/')
  const parameters = (search?.split('&') ?? []).map((pair) => {
    const [name = '', value = ''] = pair.split('=')
    return { name, value }
  })
  return detect({ method, query: new Query(parameters), headers, bucket, key: rest.join('/') }).name
}

test('a request is known by its method, what it is about, and its parameters', () => {
  const cases: [string, string, string][] = [
    ['GET', '/', 'ListBuckets'],
    ['GET', '/b', 'ListObjects'],
    ['GET', '/b?prefix=a&x-id=ListObjects', 'ListObjects'],
    ['GET', '/b?list-type=2&prefix=a', 'ListObjectsV2'],
    ['GET', '/b?versions', 'ListObjectVersions'],
    ['GET', '/b?uploads', 'ListMultipartUploads'],
    ['GET', '/b?location', 'GetBucketLocation'],
    ['GET', '/b?policyStatus', 'GetBucketPolicyStatus'],
    ['HEAD', '/b', 'HeadBucket'],
    ['PUT', '/b', 'CreateBucket'],
    ['PUT', '/b?versioning', 'PutBucketVersioning'],
    ['DELETE', '/b', 'DeleteBucket'],
    ['DELETE', '/b?policy', 'DeleteBucketPolicy'],
    ['POST', '/b?delete', 'DeleteObjects'],
    ['GET', '/b/k', 'GetObject'],
    ['GET', '/b/k?partNumber=1', 'GetObject'],
    ['GET', '/b/k?versionId=null', 'GetObject'],
    ['GET', '/b/k?attributes', 'GetObjectAttributes'],
    ['GET', '/b/k?uploadId=x', 'ListParts'],
    ['HEAD', '/b/k?partNumber=1', 'HeadObject'],
    ['PUT', '/b/k', 'PutObject'],
    ['PUT', '/b/k?partNumber=1&uploadId=x', 'UploadPart'],
    ['PUT', '/b/k?uploadId=x&partNumber=1', 'UploadPart'],
    ['POST', '/b/k?uploads', 'CreateMultipartUpload'],
    ['POST', '/b/k?uploadId=x', 'CompleteMultipartUpload'],
    ['DELETE', '/b/k', 'DeleteObject'],
    ['DELETE', '/b/k?uploadId=x', 'AbortMultipartUpload'],
    ['DELETE', '/b/k?tagging', 'DeleteObjectTagging'],
  ]
  for (const [method, target, name] of cases) assert.equal(nameOf(method, target), name, target)
})

test('a copy source makes a copy of what stores bytes', () => {
  const headers = { 'x-amz-copy-source': 'b/k' }
  assert.equal(nameOf('PUT', '/b/k', headers), 'CopyObject')
  assert.equal(nameOf('PUT', '/b/k?partNumber=1&uploadId=x', headers), 'UploadPartCopy')
  assert.equal(nameOf('GET', '/b/k', headers), 'GetObject')
})

test('names of the language are no parameters', () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    assert.equal(nameOf('GET', `/b/k?${name}`), 'GetObject')
    assert.throws(() => nameOf(name, '/b/k'), { code: 'MethodNotAllowed' })
  }
})

test('headers that would change nothing pass, others do not', () => {
  refuseDemands({ 'x-amz-acl': 'private', 'x-amz-meta-acl': 'public-read', 'content-type': 'a/b' })
  assert.throws(() => refuseDemands({ 'x-amz-acl': 'public-read' }), { code: 'NotImplemented' })
  assert.throws(() => refuseDemands({ 'x-holdfast-future': '1' }), { code: 'NotImplemented' })
})
