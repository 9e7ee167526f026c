// What requests can ask for: every operation of S3's, by method, by what it is about, and by the query
// parameter that names it. What isn't there yet stands in the table too, so that it is refused by name.

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
import { deleteObjectsRoute } from './delete.ts'
import { parameterNotImplemented } from './error.ts'
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
import { selectFolderContentRoute, selectObjectContentRoute } from './select.ts'
import {
  bucketSettings,
  getBucketAclRoute,
  getBucketVersioningRoute,
  getObjectAclRoute,
  getObjectTaggingRoute,
} from './setting.ts'

/** What a request is about. */
export type Level = 'SERVICE' | 'BUCKET' | 'OBJECT'

/** The routes of one method on one level: by the parameter that names them, '' for none. */
export type Routes = Readonly<Record<string, Route>>

/** An operation of S3's that isn't here. */
function absent(name: string, parameter: string): Route {
  return {
    name,
    answer: () => Promise.reject(parameterNotImplemented(parameter)),
  }
}

/** Routes to operations that aren't here, by parameter. */
function allAbsent(names: Readonly<Record<string, string>>): Record<string, Route> {
  return Object.fromEntries(
    Object.entries(names).map(([parameter, name]) => [parameter, absent(name, parameter)]),
  )
}

const serviceGet: Routes = { '': listBucketsRoute }

const bucketGet: Routes = {
  ...bucketSettings,
  ...allAbsent({
    abac: 'GetBucketAbac',
    analytics: 'GetBucketAnalyticsConfiguration',
    archive: 'ArchiveBucket',
    'intelligent-tiering': 'GetBucketIntelligentTieringConfiguration',
    inventory: 'GetBucketInventoryConfiguration',
    metadataConfiguration: 'GetBucketMetadataConfiguration',
    metadataTable: 'GetBucketMetadataTableConfiguration',
    metrics: 'GetBucketMetricsConfiguration',
    session: 'CreateSession',
  }),
  '': listObjectsRoute,
  acl: getBucketAclRoute,
  lease: listLeasesRoute,
  'list-type': listObjectsV2Route,
  location: getBucketLocationRoute,
  uploads: listMultipartUploadsRoute,
  versioning: getBucketVersioningRoute,
  versions: listObjectVersionsRoute,
}

const bucketPut: Routes = {
  ...allAbsent({
    abac: 'PutBucketAbac',
    accelerate: 'PutBucketAccelerateConfiguration',
    acl: 'PutBucketAcl',
    analytics: 'PutBucketAnalyticsConfiguration',
    cors: 'PutBucketCors',
    encryption: 'PutBucketEncryption',
    'intelligent-tiering': 'PutBucketIntelligentTieringConfiguration',
    inventory: 'PutBucketInventoryConfiguration',
    lifecycle: 'PutBucketLifecycleConfiguration',
    logging: 'PutBucketLogging',
    metadataAnnotationTable: 'UpdateBucketMetadataAnnotationTableConfiguration',
    metadataInventoryTable: 'UpdateBucketMetadataInventoryTableConfiguration',
    metadataJournalTable: 'UpdateBucketMetadataJournalTableConfiguration',
    metrics: 'PutBucketMetricsConfiguration',
    notification: 'PutBucketNotificationConfiguration',
    'object-lock': 'PutObjectLockConfiguration',
    ownershipControls: 'PutBucketOwnershipControls',
    policy: 'PutBucketPolicy',
    publicAccessBlock: 'PutPublicAccessBlock',
    replication: 'PutBucketReplication',
    requestPayment: 'PutBucketRequestPayment',
    tagging: 'PutBucketTagging',
    versioning: 'PutBucketVersioning',
    website: 'PutBucketWebsite',
  }),
  '': createBucketRoute,
  lease: renewLeaseRoute,
}

const bucketDelete: Routes = {
  ...allAbsent({
    analytics: 'DeleteBucketAnalyticsConfiguration',
    cors: 'DeleteBucketCors',
    encryption: 'DeleteBucketEncryption',
    'intelligent-tiering': 'DeleteBucketIntelligentTieringConfiguration',
    inventory: 'DeleteBucketInventoryConfiguration',
    lifecycle: 'DeleteBucketLifecycle',
    metadataConfiguration: 'DeleteBucketMetadataConfiguration',
    metadataTable: 'DeleteBucketMetadataTableConfiguration',
    metrics: 'DeleteBucketMetricsConfiguration',
    ownershipControls: 'DeleteBucketOwnershipControls',
    policy: 'DeleteBucketPolicy',
    publicAccessBlock: 'DeletePublicAccessBlock',
    replication: 'DeleteBucketReplication',
    tagging: 'DeleteBucketTagging',
    website: 'DeleteBucketWebsite',
  }),
  '': deleteBucketRoute,
  lease: releaseLeaseRoute,
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
    'legal-hold': 'GetObjectLegalHold',
    retention: 'GetObjectRetention',
    torrent: 'GetObjectTorrent',
  }),
  '': getObjectRoute,
  acl: getObjectAclRoute,
  archive: archiveFolderRoute,
  attributes: getObjectAttributesRoute,
  tagging: getObjectTaggingRoute,
  uploadId: listPartsRoute,
}

const objectPut: Routes = {
  ...allAbsent({
    acl: 'PutObjectAcl',
    annotation: 'PutObjectAnnotation',
    encryption: 'UpdateObjectEncryption',
    'legal-hold': 'PutObjectLegalHold',
    retention: 'PutObjectRetention',
    tagging: 'PutObjectTagging',
  }),
  '': putObjectRoute,
  partNumber: uploadPartRoute,
  renameObject: renameRoute,
  uploadId: uploadPartRoute,
}

const objectPost: Routes = {
  ...allAbsent({ restore: 'RestoreObject' }),
  select: selectObjectContentRoute,
  uploadId: completeMultipartUploadRoute,
  uploads: createMultipartUploadRoute,
}

const objectDelete: Routes = {
  ...allAbsent({ annotation: 'DeleteObjectAnnotation', tagging: 'DeleteObjectTagging' }),
  '': deleteObjectRoute,
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
