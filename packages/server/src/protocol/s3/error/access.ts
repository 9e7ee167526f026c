// How S3 tells refusals of requests for a bucket's access settings.

import type { AccessRefusal } from '../../../base/refusal/access.ts'
import type { WireError, WireTable } from './wire.ts'

export const accessErrors: WireTable<AccessRefusal> = {
  NoSuchBucketPolicy: ({ bucket }) =>
    notFound('NoSuchBucketPolicy', 'The bucket policy does not exist', bucket),
  NoOwnershipControls: ({ bucket }) =>
    notFound(
      'OwnershipControlsNotFoundError',
      'The bucket ownership controls were not found',
      bucket,
    ),
  NoPublicAccessBlock: ({ bucket }) =>
    notFound(
      'NoSuchPublicAccessBlockConfiguration',
      'The public access block configuration was not found',
      bucket,
    ),
  BucketAclWithOwnerEnforced: () => ({
    status: 400,
    code: 'InvalidBucketAclWithObjectOwnership',
    message: "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  }),
  OnlyForBucketOwner: () => ({
    status: 405,
    code: 'MethodNotAllowed',
    message: 'The specified method is not allowed against this resource.',
  }),
  PolicyTooLarge: ({ maximumBytes }) => ({
    status: 400,
    code: 'MalformedPolicy',
    message: `Normalized policy document exceeds the maximum allowed size of ${maximumBytes} bytes.`,
  }),
}

function notFound(code: string, message: string, bucket: string): WireError {
  return { status: 404, code, message, fields: { BucketName: bucket } }
}
