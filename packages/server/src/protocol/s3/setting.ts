// Settings of buckets and objects that can be read but not changed: what a bucket on AWS answers on
// which nobody ever made them. Clients such as s3cmd and Terraform ask for them all, and remove them all.

import type { Action } from '../../access/decide.ts'
import { type BucketAddress, getBucketVersioning, headBucket } from '../../operation/bucket.ts'
import { onBucket, onKey } from '../../operation/need.ts'
import type { ObjectAddress } from '../../operation/object.ts'
import type { XmlWriter } from '../xml/write.ts'
import { documentAnswer, emptyAnswer, type Route, route, unchanging } from './answer.ts'
import { invalidArgument, invalidRequest, S3Error } from './error.ts'
import type { S3Request } from './request.ts'

/** The bucket whose setting a request names. */
export function bucketOf({ bucket }: S3Request): BucketAddress {
  return { bucket }
}

/** The object whose setting a request names. */
export function objectOf({
  bucket,
  key,
  query,
}: S3Request): ObjectAddress & { readonly versionId?: string } {
  const versionId = query.get('versionId')
  return versionId === undefined ? { bucket, key } : { bucket, key, versionId }
}

export const getBucketVersioningRoute: Route = route(getBucketVersioning, bucketOf, () =>
  documentAnswer('VersioningConfiguration', () => undefined),
)

/** An operation that succeeds for a bucket that exists and is the caller's. */
function ofBucket(name: string, action: Action): typeof headBucket {
  return { ...headBucket, name, needs: ({ bucket }) => [onBucket(action, bucket)] }
}

/** A setting of a bucket that exists and is the caller's, which nobody ever made. */
function unset(name: string, action: Action, code: string, message: string): Route {
  return route(ofBucket(name, action), bucketOf, (_output, { bucket }) => {
    throw noSetting(bucket, code, message)
  })
}

/** The refusal of a setting that a bucket doesn't have. */
export function noSetting(bucket: string, code: string, message: string): S3Error {
  return new S3Error({ status: 404, code, message, fields: { BucketName: bucket } })
}

/** A setting whose absence AWS shows as an empty document. */
function empty(
  name: string,
  action: Action,
  root: string,
  write: (xml: XmlWriter) => void = () => undefined,
): Route {
  return route(ofBucket(name, action), bucketOf, () => documentAnswer(root, write))
}

/** Settings of which a bucket can have many, each with an id: none by any id, and an empty list of all. */
function noneOfMany(name: string, action: Action, root: string): Route {
  return route(
    ofBucket(name, action),
    (request) => ({ ...bucketOf(request), id: request.query.get('id') }),
    (_output, { query }, { bucket, id }) => {
      if (id !== undefined) {
        throw new S3Error({
          status: 404,
          code: 'NoSuchConfiguration',
          message: 'The specified configuration does not exist.',
          fields: { BucketName: bucket },
        })
      }
      const token = query.get('continuation-token') || undefined
      // A list without an end to continue after never gave one.
      if (token !== undefined) {
        throw invalidArgument(
          'The continuation token provided is incorrect',
          'continuation-token',
          token,
        )
      }
      return documentAnswer(root, (xml) => xml.element('IsTruncated', false))
    },
  )
}

/** The removal of a setting that nobody ever made, which has nothing to do. */
function removal(name: string, action: Action): Route {
  return unchanging(route(ofBucket(name, action), bucketOf, () => emptyAnswer(204)))
}

/** A lock of an object, in a bucket that can't have any. */
function unlocked(name: string, action: Action): Route {
  const operation = {
    ...headBucket,
    name,
    needs: ({ bucket, key }: ObjectAddress) => [onKey(action, { bucket, key })],
  }
  return route(operation, objectOf, () => {
    throw invalidRequest('Bucket is missing Object Lock Configuration')
  })
}

export const getObjectLegalHoldRoute: Route = unlocked(
  'GetObjectLegalHold',
  's3:GetObjectLegalHold',
)
export const getObjectRetentionRoute: Route = unlocked(
  'GetObjectRetention',
  's3:GetObjectRetention',
)

/** The settings of a bucket, by the query parameter that names them. */
export const bucketSettings: Readonly<Record<string, Route>> = {
  abac: empty('GetBucketAbac', 's3:GetBucketAbac', 'AbacStatus', (xml) =>
    xml.element('Status', 'Disabled'),
  ),
  accelerate: empty(
    'GetBucketAccelerateConfiguration',
    's3:GetAccelerateConfiguration',
    'AccelerateConfiguration',
  ),
  analytics: noneOfMany(
    'GetBucketAnalyticsConfiguration',
    's3:GetAnalyticsConfiguration',
    'ListBucketAnalyticsConfigurationResult',
  ),
  encryption: unset(
    'GetBucketEncryption',
    's3:GetEncryptionConfiguration',
    'ServerSideEncryptionConfigurationNotFoundError',
    'The server side encryption configuration was not found',
  ),
  'intelligent-tiering': noneOfMany(
    'GetBucketIntelligentTieringConfiguration',
    's3:GetIntelligentTieringConfiguration',
    'ListBucketIntelligentTieringConfigurationsOutput',
  ),
  inventory: noneOfMany(
    'GetBucketInventoryConfiguration',
    's3:GetInventoryConfiguration',
    'ListInventoryConfigurationsResult',
  ),
  lifecycle: unset(
    'GetBucketLifecycleConfiguration',
    's3:GetLifecycleConfiguration',
    'NoSuchLifecycleConfiguration',
    'The lifecycle configuration does not exist',
  ),
  logging: empty('GetBucketLogging', 's3:GetBucketLogging', 'BucketLoggingStatus'),
  metadataConfiguration: unset(
    'GetBucketMetadataConfiguration',
    's3:GetBucketMetadataTableConfiguration',
    'MetadataConfigurationNotFound',
    'The metadata configuration was not found',
  ),
  metadataTable: unset(
    'GetBucketMetadataTableConfiguration',
    's3:GetBucketMetadataTableConfiguration',
    'MetadataConfigurationNotFound',
    'The metadata configuration was not found',
  ),
  metrics: noneOfMany(
    'GetBucketMetricsConfiguration',
    's3:GetMetricsConfiguration',
    'ListMetricsConfigurationsResult',
  ),
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
  replication: unset(
    'GetBucketReplication',
    's3:GetReplicationConfiguration',
    'ReplicationConfigurationNotFoundError',
    'The replication configuration was not found',
  ),
}

/** The removals of a bucket's settings, by the query parameter that names them. */
export const bucketRemovals: Readonly<Record<string, Route>> = {
  analytics: removal('DeleteBucketAnalyticsConfiguration', 's3:PutAnalyticsConfiguration'),
  encryption: removal('DeleteBucketEncryption', 's3:PutEncryptionConfiguration'),
  'intelligent-tiering': removal(
    'DeleteBucketIntelligentTieringConfiguration',
    's3:PutIntelligentTieringConfiguration',
  ),
  inventory: removal('DeleteBucketInventoryConfiguration', 's3:PutInventoryConfiguration'),
  lifecycle: removal('DeleteBucketLifecycle', 's3:PutLifecycleConfiguration'),
  metadataConfiguration: removal(
    'DeleteBucketMetadataConfiguration',
    's3:DeleteBucketMetadataTableConfiguration',
  ),
  metadataTable: removal(
    'DeleteBucketMetadataTableConfiguration',
    's3:DeleteBucketMetadataTableConfiguration',
  ),
  metrics: removal('DeleteBucketMetricsConfiguration', 's3:PutMetricsConfiguration'),
  replication: removal('DeleteBucketReplication', 's3:PutReplicationConfiguration'),
}
