// Signed forms for uploads by POST, as an application makes them for its pages.

import { createHmac } from 'node:crypto'
import type { SigningKey } from '../wire.ts'

/** The fields of a form, and how it is signed. */
export interface FormRequest {
  readonly bucket: string
  readonly fields?: Readonly<Record<string, string>>
  /** Those of the policy; every field with its value if left out. */
  readonly conditions?: readonly unknown[]
  readonly expiresInMs?: number
}

/** The fields of a form with its policy and signature, the file left out. */
export function signedForm(key: SigningKey, form: FormRequest): Record<string, string> {
  const { fields = {}, expiresInMs = 60_000 } = form
  const { accessKeyId, secretAccessKey } = key
  const date = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '')
  const scope = `${date.slice(0, 8)}/us-east-1/s3/aws4_request`
  const all = {
    ...fields,
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${accessKeyId}/${scope}`,
    'x-amz-date': date,
  }
  const conditions =
    form.conditions ?? Object.entries(all).map(([name, value]) => ({ [name]: value }))
  const policy = Buffer.from(
    JSON.stringify({
      expiration: new Date(Date.now() + expiresInMs).toISOString(),
      conditions: [{ bucket: form.bucket }, ...conditions],
    }),
  ).toString('base64')
  const signingKey = scope
    .split('/')
    .reduce<Buffer | string>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${secretAccessKey}`,
    )
  const signature = createHmac('sha256', signingKey).update(policy).digest('hex')
  return { ...all, policy, 'x-amz-signature': signature }
}
