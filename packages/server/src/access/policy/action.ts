// The actions of S3 that a bucket policy can name, by the kind of their resource.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html

import { anyText, anyUnit, globOf } from './glob.ts'

/** The kind of a resource. */
export type ResourceKind = 'bucket' | 'object'

function names(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.flatMap((line) => line.split(' ').map((name) => `s3:${name}`)))
}

export const bucketActions: ReadonlySet<string> = names(
  'CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket',
  'DeleteBucketMetadataTableConfiguration DeleteBucketPolicy DeleteBucketWebsite',
  'GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS',
  'GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification',
  'GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus',
  'GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging GetBucketVersioning',
  'GetBucketWebsite GetEncryptionConfiguration GetIntelligentTieringConfiguration',
  'GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration',
  'GetReplicationConfiguration ListBucket ListBucketMultipartUploads ListBucketVersions',
  'ListTagsForResource PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac PutBucketAcl',
  'PutBucketCORS PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration',
  'PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock PutBucketRequestPayment',
  'PutBucketTagging PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration',
  'PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration',
  'PutMetricsConfiguration PutReplicationConfiguration TagResource UntagResource',
  'UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataJournalTableConfiguration',
)

export const objectActions: ReadonlySet<string> = names(
  'AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectTagging DeleteObjectVersion',
  'DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold',
  'GetObjectRetention GetObjectTagging GetObjectTorrent GetObjectVersion GetObjectVersionAcl',
  'GetObjectVersionAttributes GetObjectVersionForReplication GetObjectVersionTagging',
  'GetObjectVersionTorrent InitiateReplication ListMultipartUploadParts',
  'ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention',
  'PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging ReplicateDelete ReplicateObject',
  'ReplicateTags RestoreObject UpdateObjectEncryption',
)

/** Actions without a bucket, which a bucket policy can name in vain only. */
const accountActions: ReadonlySet<string> = names(
  'ListAllMyBuckets GetAccountPublicAccessBlock PutAccountPublicAccessBlock ListAccessPoints',
)

const allActions = [...bucketActions, ...objectActions, ...accountActions]
const allByLowerCase = allActions.map((action) => ({ action, lower: action.toLowerCase() }))

/** The actions that an entry of an Action element matches, in any case; none if it is invalid. */
export function actionsMatching(entry: string): readonly string[] {
  if (entry === '*') return allActions
  const parts = [...entry.toLowerCase()].map((unit) =>
    unit === '*' ? anyText : unit === '?' ? anyUnit : unit,
  )
  const glob = globOf(parts)
  return allByLowerCase.filter(({ lower }) => glob.matches(lower)).map(({ action }) => action)
}

/** The kind of the resource of an action; undefined for one that needs neither bucket nor object. */
export function kindOfAction(action: string): ResourceKind | undefined {
  if (bucketActions.has(action)) return 'bucket'
  return objectActions.has(action) ? 'object' : undefined
}
