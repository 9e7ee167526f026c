// The script of a page that uploads, bundled for the browser. Each function resolves to what the page could see of
// the answer, and rejects where the browser kept the answer from it.

import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'

/** The endpoint and the key of a client in the page. */
export interface PageClient {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The part of an answer that the page could see. */
export interface Seen {
  readonly status: number
  readonly etag: string | null
  readonly text: string
}

async function seen(response: Response): Promise<Seen> {
  const { status, headers } = response
  return { status, etag: headers.get('etag'), text: await response.text() }
}

/** What the page can do, by name. */
export const actions = {
  putByUrl: async (url: string, content: string): Promise<Seen> =>
    seen(await fetch(url, { method: 'PUT', body: content })),

  postForm: async (
    url: string,
    fields: Readonly<Record<string, string>>,
    content: string,
  ): Promise<Seen> => {
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.set(name, value)
    form.set('file', new Blob([content]), 'file.txt')
    return seen(await fetch(url, { method: 'POST', body: form }))
  },

  putBySdk: async (given: PageClient, Bucket: string, Key: string): Promise<string | undefined> => {
    const client = clientOf(given)
    const Body = `${Key} by the SDK`
    const put = new PutObjectCommand({
      Bucket,
      Key,
      Body,
      Tagging: 'from=page',
      ContentType: 'a/b',
    })
    await client.send(put)
    const { Body: stored } = await client.send(new GetObjectCommand({ Bucket, Key }))
    return stored?.transformToString()
  },

  /** The SDK repeats the ETags and checksums of the parts, which it sees only if the bucket exposes them. */
  putInParts: async (
    given: PageClient,
    Bucket: string,
    Key: string,
  ): Promise<string | undefined> => {
    const params = { Bucket, Key, Body: new Uint8Array(6 * 1024 * 1024) }
    const { ETag } = await new Upload({ client: clientOf(given), params }).done()
    return ETag
  },

  /** The code of the error that the page is told. */
  codeBySdk: async (given: PageClient, Bucket: string, Key: string): Promise<string> => {
    try {
      await clientOf(given).send(new GetObjectCommand({ Bucket, Key }))
      return ''
    } catch (error) {
      return error instanceof Error ? error.name : String(error)
    }
  },
}

function clientOf({ endpoint, accessKeyId, secretAccessKey }: PageClient): S3Client {
  const credentials = { accessKeyId, secretAccessKey }
  return new S3Client({
    ...{ endpoint, credentials, region: 'us-east-1' },
    ...{ forcePathStyle: true, maxAttempts: 1 },
  })
}

Object.assign(globalThis, { actions })
