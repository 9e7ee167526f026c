// Access control lists on the wire: get and put, of buckets and objects.

import {
  getBucketAcl,
  getObjectAcl,
  type PutBucketAclInput,
  type PutObjectAclInput,
  putBucketAcl,
  putObjectAcl,
  type ShownAcl,
} from '../../operation/acl.ts'
import type { WantedAcl } from '../../operation/wanted-acl.ts'
import { type Answer, documentAnswer, emptyAnswer, type Route, route } from './answer.ts'
import { S3Error } from './error.ts'
import { aclHeaders, aclInDocument, cannedHeader, wantedAclOf, writeAcl } from './grant.ts'
import { documentOf } from './payload.ts'
import type { S3Request } from './request.ts'
import { bucketOf, objectOf } from './setting.ts'

function aclAnswer(acl: ShownAcl, request: S3Request): Answer {
  return documentAnswer('AccessControlPolicy', (xml) => writeAcl(xml, acl, request))
}

export const getBucketAclRoute: Route = route(getBucketAcl, bucketOf, aclAnswer)
export const getObjectAclRoute: Route = route(getObjectAcl, objectOf, aclAnswer)

export const putBucketAclRoute: Route = {
  ...route(
    putBucketAcl,
    async (request): Promise<PutBucketAclInput> => ({
      ...bucketOf(request),
      acl: await requiredAcl(request, 'bucket'),
    }),
    () => emptyAnswer(200),
  ),
  accepts: aclHeaders,
}

export const putObjectAclRoute: Route = {
  ...route(
    putObjectAcl,
    async (request): Promise<PutObjectAclInput> => ({
      ...objectOf(request),
      acl: await requiredAcl(request, 'object'),
    }),
    () => emptyAnswer(200),
  ),
  accepts: aclHeaders,
}

/** The list that a request brings in headers or in its body. */
async function requiredAcl(request: S3Request, kind: 'bucket' | 'object'): Promise<WantedAcl> {
  const inHeaders = wantedAclOf(request, kind)
  const document = await documentOf(request, { isRequired: false })
  if (inHeaders !== undefined) {
    if (document === undefined) return inHeaders
    throw new S3Error({
      status: 400,
      code: 'UnexpectedContent',
      message: 'This request does not support content',
    })
  }
  if (document !== undefined) return aclInDocument(document, request)
  throw new S3Error({
    status: 400,
    code: 'MissingSecurityHeader',
    message: 'Your request was missing a required header',
    fields: { MissingHeaderName: cannedHeader },
  })
}
