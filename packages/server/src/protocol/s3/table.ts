// All operations of S3, by kind of resource, method, and query parameter. Unimplemented operations are included, so
// that they are refused by name.

import {
  deleteOwnershipControlsRoute,
  deletePublicAccessBlockRoute,
  getOwnershipControlsRoute,
  getPublicAccessBlockRoute,
  getRequestPaymentRoute,
  putOwnershipControlsRoute,
  putPublicAccessBlockRoute,
  putRequestPaymentRoute,
} from './access-setting.ts'
import {
  getBucketAclRoute,
  getObjectAclRoute,
  putBucketAclRoute,
  putObjectAclRoute,
} from './acl.ts'
import type { Route } from './answer.ts'
import { archiveFolderRoute, headArchiveRoute } from './archive.ts'
import {
  createBucketRoute,
  deleteBucketRoute,
  getBucketLocationRoute,
  headBucketRoute,
  listBucketsRoute,
} from './bucket.ts'
import { copyObjectRoute } from './copy.ts'
import { deleteBucketCorsRoute, getBucketCorsRoute, putBucketCorsRoute } from './cors.ts'
import { deleteObjectsRoute } from './delete.ts'
import { operationNotImplemented } from './error.ts'
import { copyFolderRoute, deleteFolderRoute, renameRoute } from './folder.ts'
import { acquireLeaseRoute, listLeasesRoute, releaseLeaseRoute, renewLeaseRoute } from './lease.ts'
import {
  listMultipartUploadsRoute,
  listObjectsRoute,
  listObjectsV2Route,
  listObjectVersionsRoute,
} from './list.ts'
import {
  abortMultipartUploadRoute,
  completeMultipartUploadRoute,
  createMultipartUploadRoute,
  listPartsRoute,
  uploadPartCopyRoute,
  uploadPartRoute,
} from './multipart.ts'
import {
  deleteObjectRoute,
  getObjectAttributesRoute,
  getObjectRoute,
  headObjectRoute,
  putObjectRoute,
} from './object.ts'
import {
  deleteBucketPolicyRoute,
  getBucketPolicyRoute,
  getBucketPolicyStatusRoute,
  putBucketPolicyRoute,
} from './policy.ts'
import { selectFolderContentRoute, selectObjectContentRoute } from './select.ts'
import {
  bucketRemovals,
  bucketSettings,
  getBucketVersioningRoute,
  getObjectLegalHoldRoute,
  getObjectRetentionRoute,
} from './setting.ts'
import {
  putBucketAbacRoute,
  putBucketAccelerateRoute,
  putBucketLoggingRoute,
  putBucketNotificationRoute,
} from './setting-put.ts'
import {
  deleteBucketTaggingRoute,
  deleteObjectTaggingRoute,
  getBucketTaggingRoute,
  getObjectTaggingRoute,
  putBucketTaggingRoute,
  putObjectTaggingRoute,
} from './tagging.ts'
import {
  deleteBucketWebsiteRoute,
  getBucketWebsiteRoute,
  putBucketWebsiteRoute,
} from './website.ts'

/** The kind of resource of a request. */
export type Level = 'SERVICE' | 'BUCKET' | 'OBJECT'

/** The routes of one method on one level, by query parameter; '' for none. */
export type Routes = Readonly<Record<string, Route>>

/** The route of an unimplemented operation. */
function absent(name: string, parameter: string): Route {
  return {
    name,
    answer: () => Promise.reject(operationNotImplemented(name, parameter)),
  }
}

/** Routes of unimplemented operations, by parameter. */
function allAbsent(names: Readonly<Record<string, string>>): Record<string, Route> {
  return Object.fromEntries(
    Object.entries(names).map(([parameter, name]) => [parameter, absent(name, parameter)]),
  )
}

const serviceGet: Routes = { '': listBucketsRoute }

const bucketGet: Routes = {
  ...bucketSettings,
  ...allAbsent({
    archive: 'ArchiveBucket',
    session: 'CreateSession',
  }),
  '': listObjectsRoute,
  acl: getBucketAclRoute,
  cors: getBucketCorsRoute,
  lease: listLeasesRoute,
  'list-type': listObjectsV2Route,
  location: getBucketLocationRoute,
  ownershipControls: getOwnershipControlsRoute,
  policy: getBucketPolicyRoute,
  policyStatus: getBucketPolicyStatusRoute,
  publicAccessBlock: getPublicAccessBlockRoute,
  requestPayment: getRequestPaymentRoute,
  tagging: getBucketTaggingRoute,
  uploads: listMultipartUploadsRoute,
  versioning: getBucketVersioningRoute,
  versions: listObjectVersionsRoute,
  website: getBucketWebsiteRoute,
}

const bucketPut: Routes = {
  ...allAbsent({
    analytics: 'PutBucketAnalyticsConfiguration',
    encryption: 'PutBucketEncryption',
    'intelligent-tiering': 'PutBucketIntelligentTieringConfiguration',
    inventory: 'PutBucketInventoryConfiguration',
    lifecycle: 'PutBucketLifecycleConfiguration',
    metadataAnnotationTable: 'UpdateBucketMetadataAnnotationTableConfiguration',
    metadataInventoryTable: 'UpdateBucketMetadataInventoryTableConfiguration',
    metadataJournalTable: 'UpdateBucketMetadataJournalTableConfiguration',
    metrics: 'PutBucketMetricsConfiguration',
    'object-lock': 'PutObjectLockConfiguration',
    replication: 'PutBucketReplication',
    versioning: 'PutBucketVersioning',
  }),
  '': createBucketRoute,
  abac: putBucketAbacRoute,
  accelerate: putBucketAccelerateRoute,
  acl: putBucketAclRoute,
  cors: putBucketCorsRoute,
  lease: renewLeaseRoute,
  logging: putBucketLoggingRoute,
  notification: putBucketNotificationRoute,
  ownershipControls: putOwnershipControlsRoute,
  policy: putBucketPolicyRoute,
  publicAccessBlock: putPublicAccessBlockRoute,
  requestPayment: putRequestPaymentRoute,
  tagging: putBucketTaggingRoute,
  website: putBucketWebsiteRoute,
}

const bucketDelete: Routes = {
  ...bucketRemovals,
  '': deleteBucketRoute,
  cors: deleteBucketCorsRoute,
  lease: releaseLeaseRoute,
  ownershipControls: deleteOwnershipControlsRoute,
  policy: deleteBucketPolicyRoute,
  publicAccessBlock: deletePublicAccessBlockRoute,
  tagging: deleteBucketTaggingRoute,
  website: deleteBucketWebsiteRoute,
}

const bucketPost: Routes = {
  ...allAbsent({
    metadataConfiguration: 'CreateBucketMetadataConfiguration',
    metadataTable: 'CreateBucketMetadataTableConfiguration',
  }),
  delete: deleteObjectsRoute,
  lease: acquireLeaseRoute,
}

const objectGet: Routes = {
  ...allAbsent({
    annotation: 'GetObjectAnnotation',
    annotations: 'ListObjectAnnotations',
    torrent: 'GetObjectTorrent',
  }),
  '': getObjectRoute,
  acl: getObjectAclRoute,
  archive: archiveFolderRoute,
  attributes: getObjectAttributesRoute,
  'legal-hold': getObjectLegalHoldRoute,
  retention: getObjectRetentionRoute,
  tagging: getObjectTaggingRoute,
  uploadId: listPartsRoute,
}

const objectPut: Routes = {
  ...allAbsent({
    annotation: 'PutObjectAnnotation',
    encryption: 'UpdateObjectEncryption',
    'legal-hold': 'PutObjectLegalHold',
    retention: 'PutObjectRetention',
  }),
  '': putObjectRoute,
  acl: putObjectAclRoute,
  partNumber: uploadPartRoute,
  renameObject: renameRoute,
  tagging: putObjectTaggingRoute,
  uploadId: uploadPartRoute,
}

const objectPost: Routes = {
  ...allAbsent({ restore: 'RestoreObject' }),
  select: selectObjectContentRoute,
  uploadId: completeMultipartUploadRoute,
  uploads: createMultipartUploadRoute,
}

const objectDelete: Routes = {
  ...allAbsent({ annotation: 'DeleteObjectAnnotation' }),
  '': deleteObjectRoute,
  tagging: deleteObjectTaggingRoute,
  uploadId: abortMultipartUploadRoute,
}

/** Every route, by level and method. */
export const table: Readonly<Record<Level, Readonly<Record<string, Routes>>>> = {
  SERVICE: { GET: serviceGet },
  BUCKET: {
    GET: bucketGet,
    HEAD: { '': headBucketRoute },
    PUT: bucketPut,
    DELETE: bucketDelete,
    POST: bucketPost,
  },
  OBJECT: {
    GET: objectGet,
    HEAD: { '': headObjectRoute, archive: headArchiveRoute },
    PUT: objectPut,
    DELETE: objectDelete,
    POST: objectPost,
  },
}

/** The routes of requests with `x-amz-copy-source`, in place of those of the same parameters. */
export const copyRoutes: ReadonlyMap<Route, Route> = new Map([
  [putObjectRoute, copyObjectRoute],
  [uploadPartRoute, uploadPartCopyRoute],
])

/** The routes of requests with `x-amz-rename-source`. */
export const renameRoutes: ReadonlyMap<Route, Route> = new Map([[putObjectRoute, renameRoute]])

/** The routes of requests with `x-holdfast-recursive`. */
export const folderRoutes: ReadonlyMap<Route, Route> = new Map([
  [copyObjectRoute, copyFolderRoute],
  [deleteObjectRoute, deleteFolderRoute],
  [selectObjectContentRoute, selectFolderContentRoute],
])
