// A server with a bucket for the tests of one file. Both end after the last test, which fails if the
// server logged an error.

import { after } from 'node:test'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { objectPath, type WireAnswer, type WireRequest, xmlText } from '../wire.ts'
import { type InProcessOptions, InProcessServer } from './in-process.ts'

/** A server, an SDK client with the first owner's key, and requests to one bucket. */
export interface BucketFixture {
  readonly Bucket: string
  readonly server: InProcessServer
  readonly client: S3Client
  /** A request for an object of the bucket: GET, unless `rest` says otherwise. */
  at(key: string, rest?: Partial<WireRequest>): WireRequest
  /** Puts an object with a signed request of the first owner. */
  put(
    key: string,
    body: Buffer | string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<WireAnswer>
}

/** Starts a server, creates the bucket, and registers the end of both. */
export async function startWithBucket(
  Bucket: string,
  options: InProcessOptions = {},
): Promise<BucketFixture> {
  const server = await startForFile(options)
  const client = server.client()
  await client.send(new CreateBucketCommand({ Bucket }))
  const at = (key: string, rest: Partial<WireRequest> = {}): WireRequest => ({
    method: 'GET',
    path: objectPath(Bucket, key),
    ...rest,
  })
  return {
    Bucket,
    server,
    client,
    at,
    put: (key, body, headers = {}) =>
      server.send(at(key, { method: 'PUT', body: Buffer.from(body), headers })),
  }
}

/** Starts a server that ends after the last test of the file. */
export async function startForFile(options: InProcessOptions = {}): Promise<InProcessServer> {
  const server = await InProcessServer.start(options)
  after(() => server.closeWithoutFaults())
  return server
}

/** Objects whose content is their key, by an SDK client. */
export interface BucketObjects {
  put(...keys: string[]): Promise<void>
  /** All keys of a bucket, the fixture's if left out. */
  keys(bucket?: string): Promise<string[]>
  bodyOf(key: string): Promise<string>
}

/** Objects of the bucket that `bucket` returns at the time of the call. */
export function objectsOf(client: S3Client, bucket: () => string): BucketObjects {
  return {
    async put(...keys) {
      const Bucket = bucket()
      for (const Key of keys) await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
    },
    async keys(Bucket = bucket()) {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
      return Contents.map(({ Key }) => Key ?? '')
    },
    async bodyOf(Key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket(), Key }))
      return (await Body?.transformToString()) ?? ''
    },
  }
}

/** Status of an answer, and the code of its error. */
export function outcome(answer: WireAnswer): (string | number | undefined)[] {
  return [answer.status, xmlText(answer.body, 'Code')]
}
