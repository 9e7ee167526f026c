// `holdfast presign`: prints a URL for one kind of request, valid for a time, which needs no key.

import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { exitCodes } from '../../base/exit.ts'
import type { PresignConfig } from './inspect-config.ts'
import { withServer } from './session.ts'

/** Prints the URL. Nothing is sent to the server, so the object need not exist. */
export async function presign(config: PresignConfig): Promise<number> {
  const { name, method, expiresSeconds, isJson } = config
  const target = { Bucket: name.bucket, Key: name.key }
  const url = await withServer(config.server, ({ s3 }) =>
    getSignedUrl(
      s3,
      method === 'PUT' ? new PutObjectCommand(target) : new GetObjectCommand(target),
      {
        expiresIn: expiresSeconds,
      },
    ),
  )
  console.log(isJson ? JSON.stringify({ url, method, expiresSeconds }) : url)
  return exitCodes.ok
}
