// Bucket policies and unsigned requests, for tests of access.

import assert from 'node:assert/strict'
import { PutBucketPolicyCommand, type S3Client } from '@aws-sdk/client-s3'
import { canonicalQuery, type WireAnswer, type WireRequest } from '../wire.ts'
import type { InProcessServer } from './in-process.ts'

/** A statement of a policy, but for what all statements of the tests have alike. */
export interface TestStatement {
  readonly Effect?: 'Allow' | 'Deny'
  /** For everyone if left out. */
  readonly Principal?: unknown
  readonly Action: string | readonly string[]
  /** Of the bucket: '' for itself, `/*` for its objects. */
  readonly on: string | readonly string[]
  readonly Condition?: unknown
}

/** The text of a policy. */
export function policyText(bucket: string, ...statements: readonly TestStatement[]): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map(({ on, ...statement }) => ({
      Effect: 'Allow',
      Principal: '*',
      Resource: [on].flat().map((rest) => `arn:aws:s3:::${bucket}${rest}`),
      ...statement,
    })),
  })
}

/** Replaces the policy of a bucket. */
export async function putPolicy(
  client: S3Client,
  bucket: string,
  ...statements: readonly TestStatement[]
): Promise<void> {
  const Policy = policyText(bucket, ...statements)
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
}

/** Sends a request without a signature. */
export async function sendUnsigned(
  server: Pick<InProcessServer, 'endpoint'>,
  { method, path, query, headers, body }: WireRequest,
): Promise<WireAnswer> {
  const search = canonicalQuery(query)
  const response = await fetch(`${server.endpoint}${path}${search === '' ? '' : `?${search}`}`, {
    method,
    redirect: 'manual',
    headers: { ...headers },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  })
  const answer = Buffer.from(await response.arrayBuffer())
  assert.ok(response.status < 500 || response.status === 501, answer.toString())
  return { status: response.status, headers: Object.fromEntries(response.headers), body: answer }
}
