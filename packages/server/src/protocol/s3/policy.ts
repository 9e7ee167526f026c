// Bucket policies on the wire: JSON as it was put, and XML for the status.

import {
  deleteBucketPolicy,
  getBucketPolicy,
  getBucketPolicyStatus,
  putBucketPolicy,
} from '../../operation/policy.ts'
import { documentAnswer, emptyAnswer, type Route, route } from './answer.ts'
import { textOf } from './payload.ts'
import { bucketOf } from './setting.ts'

// Every key acts for the owner of a bucket, whom no policy locks out. So the header that confirms the
// removal of the caller's own access (x-amz-confirm-remove-self-bucket-access) has nothing to confirm.
export const putBucketPolicyRoute: Route = route(
  putBucketPolicy,
  async (request) => ({
    ...bucketOf(request),
    document: await textOf(request),
    isOwner: (id: string) => request.findOwner(id) !== undefined,
  }),
  () => emptyAnswer(204),
)

export const getBucketPolicyRoute: Route = route(getBucketPolicy, bucketOf, ({ document }) => ({
  status: 200,
  headers: { 'Content-Type': 'application/json' },
  body: document,
}))

export const deleteBucketPolicyRoute: Route = route(deleteBucketPolicy, bucketOf, () =>
  emptyAnswer(204),
)

export const getBucketPolicyStatusRoute: Route = route(
  getBucketPolicyStatus,
  bucketOf,
  ({ isPublic }) => documentAnswer('PolicyStatus', (xml) => xml.element('IsPublic', isPublic)),
)
