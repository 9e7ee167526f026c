// Settings of buckets and objects that can be asked for and not made: what a bucket on AWS answers on
// which nobody ever made them. Clients such as s3cmd and Terraform ask for them all.

import type { Action } from '../../access/decide.ts'
import type { Owner } from '../../access/principal.ts'
import {
  type BucketAddress,
  getBucketAcl,
  getBucketVersioning,
  headBucket,
} from '../../operation/bucket.ts'
import { onBucket } from '../../operation/need.ts'
import type { ObjectAddress } from '../../operation/object.ts'
import { getObjectAcl, getObjectTagging } from '../../operation/object-setting.ts'
import type { XmlWriter } from '../xml/write.ts'
import { documentAnswer, type Route, route } from './answer.ts'
import { S3Error } from './error.ts'
import { writeAccessControl } from './owner.ts'
import type { S3Request } from './request.ts'

function bucketOf({ bucket }: S3Request): BucketAddress {
  return { bucket }
}

function objectOf({ bucket, key, query }: S3Request): ObjectAddress & { versionId?: string } {
  const versionId = query.get('versionId')
  return versionId === undefined ? { bucket, key } : { bucket, key, versionId }
}

function aclAnswer({ owner }: { readonly owner: Owner }): ReturnType<typeof documentAnswer> {
  return documentAnswer('AccessControlPolicy', (xml) => writeAccessControl(xml, owner))
}

export const getBucketAclRoute: Route = route(getBucketAcl, bucketOf, aclAnswer)
export const getObjectAclRoute: Route = route(getObjectAcl, objectOf, aclAnswer)

export const getBucketVersioningRoute: Route = route(getBucketVersioning, bucketOf, () =>
  documentAnswer('VersioningConfiguration', () => undefined),
)

export const getObjectTaggingRoute: Route = route(getObjectTagging, objectOf, () =>
  documentAnswer('Tagging', (xml) => xml.open('TagSet').close('TagSet')),
)

/** A setting of a bucket that exists and is the caller's, which nobody ever made. */
function unset(name: string, action: Action, code: string, message: string): Route {
  const operation = {
    ...headBucket,
    name,
    needs: ({ bucket }: BucketAddress) => [onBucket(action, bucket)],
  }
  return route(operation, bucketOf, (_output, { bucket }) => {
    throw new S3Error({ status: 404, code }, message, { BucketName: bucket })
  })
}

/** A setting whose absence AWS shows as an empty document. */
function empty(
  name: string,
  action: Action,
  root: string,
  write: (xml: XmlWriter) => void = () => undefined,
): Route {
  const operation = {
    ...headBucket,
    name,
    needs: ({ bucket }: BucketAddress) => [onBucket(action, bucket)],
  }
  return route(operation, bucketOf, () => documentAnswer(root, write))
}

/** The settings of a bucket, by the query parameter that names them. */
export const bucketSettings: Readonly<Record<string, Route>> = {
  accelerate: empty(
    'GetBucketAccelerateConfiguration',
    's3:GetAccelerateConfiguration',
    'AccelerateConfiguration',
  ),
  cors: unset(
    'GetBucketCors',
    's3:GetBucketCORS',
    'NoSuchCORSConfiguration',
    'The CORS configuration does not exist',
  ),
  encryption: unset(
    'GetBucketEncryption',
    's3:GetEncryptionConfiguration',
    'ServerSideEncryptionConfigurationNotFoundError',
    'The server side encryption configuration was not found',
  ),
  lifecycle: unset(
    'GetBucketLifecycleConfiguration',
    's3:GetLifecycleConfiguration',
    'NoSuchLifecycleConfiguration',
    'The lifecycle configuration does not exist',
  ),
  logging: empty('GetBucketLogging', 's3:GetBucketLogging', 'BucketLoggingStatus'),
  notification: empty(
    'GetBucketNotificationConfiguration',
    's3:GetBucketNotification',
    'NotificationConfiguration',
  ),
  'object-lock': unset(
    'GetObjectLockConfiguration',
    's3:GetBucketObjectLockConfiguration',
    'ObjectLockConfigurationNotFoundError',
    'Object Lock configuration does not exist for this bucket',
  ),
  ownershipControls: unset(
    'GetBucketOwnershipControls',
    's3:GetBucketOwnershipControls',
    'OwnershipControlsNotFoundError',
    'The bucket ownership controls were not found',
  ),
  policy: unset(
    'GetBucketPolicy',
    's3:GetBucketPolicy',
    'NoSuchBucketPolicy',
    'The bucket policy does not exist',
  ),
  policyStatus: unset(
    'GetBucketPolicyStatus',
    's3:GetBucketPolicyStatus',
    'NoSuchBucketPolicy',
    'The bucket policy does not exist',
  ),
  publicAccessBlock: unset(
    'GetPublicAccessBlock',
    's3:GetBucketPublicAccessBlock',
    'NoSuchPublicAccessBlockConfiguration',
    'The public access block configuration was not found',
  ),
  replication: unset(
    'GetBucketReplication',
    's3:GetReplicationConfiguration',
    'ReplicationConfigurationNotFoundError',
    'The replication configuration was not found',
  ),
  requestPayment: empty(
    'GetBucketRequestPayment',
    's3:GetBucketRequestPayment',
    'RequestPaymentConfiguration',
    (xml) => xml.element('Payer', 'BucketOwner'),
  ),
  tagging: unset(
    'GetBucketTagging',
    's3:GetBucketTagging',
    'NoSuchTagSet',
    'The TagSet does not exist',
  ),
  website: unset(
    'GetBucketWebsite',
    's3:GetBucketWebsite',
    'NoSuchWebsiteConfiguration',
    'The specified bucket does not have a website configuration',
  ),
}
