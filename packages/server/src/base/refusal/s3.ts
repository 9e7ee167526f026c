// Refusals of operations on buckets and objects. Sizes are bytes; times are milliseconds since the epoch.

import type { LeaseRefusal } from './lease.ts'
import type { UploadRefusal } from './upload.ts'

type BucketRefusal =
  | { readonly code: 'InvalidBucketName'; readonly bucket: string }
  | { readonly code: 'NoSuchBucket'; readonly bucket: string }
  | { readonly code: 'BucketAlreadyExists'; readonly bucket: string }
  | { readonly code: 'BucketAlreadyOwnedByYou'; readonly bucket: string }
  | { readonly code: 'BucketNotEmpty'; readonly bucket: string }
  | { readonly code: 'TooManyBuckets' }
  /** No region has such a name. */
  | { readonly code: 'InvalidLocationConstraint'; readonly location: string }
  /** Another region than the server's. */
  | { readonly code: 'IllegalLocationConstraint'; readonly location: string | undefined }

type ObjectRefusal =
  /** `key` is that of an object or folder; undefined where a condition found no object. */
  | { readonly code: 'NoSuchKey'; readonly key?: string | undefined }
  | { readonly code: 'NoSuchVersion'; readonly versionId?: string | undefined }
  | { readonly code: 'EmptyKey' }
  | {
      readonly code: 'KeyTooLong'
      /** Undefined where not one key but a folder's name, or keys below it, would be too long. */
      readonly sizeBytes?: number | undefined
      readonly maximumBytes: number
    }
  | { readonly code: 'MetadataTooLarge'; readonly sizeBytes: number; readonly maximumBytes: number }
  | { readonly code: 'InvalidStorageClass' }
  | {
      readonly code: 'InvalidRange'
      readonly requested: RequestedRange
      readonly sizeBytes: number
    }
  | { readonly code: 'NoSuchPart'; readonly partNumber: number }
  | { readonly code: 'InvalidContinuationToken' }
  | { readonly code: 'IdempotencyParameterMismatch' }

/** First and last byte, or a number of bytes at the end. */
export type RequestedRange =
  | { readonly start: number; readonly end?: number | undefined }
  | { readonly suffix: number }

/** Conditions of requests; the last three are exact values. */
export type ConditionName =
  | 'ifMatch'
  | 'ifNoneMatch'
  | 'ifModifiedSince'
  | 'ifUnmodifiedSince'
  | 'ifModifiedAt'
  | 'ifSizeBytes'
  | 'ifInitiatedAt'

/** What a condition is about: the object that is read or replaced, or another source. */
export type ConditionSubject = 'target' | 'copy source' | 'rename source'

type ConditionRefusal =
  | {
      readonly code: 'PreconditionFailed'
      readonly condition: ConditionName
      readonly subject: ConditionSubject
    }
  | { readonly code: 'NotModified'; readonly etag: string; readonly modifiedAt: number }
  /** There are objects in a folder that must not be replaced. */
  | { readonly code: 'FolderExists' }
  /** A folder has neither an ETag nor a time. */
  | { readonly code: 'FolderCondition' }

type BodyRefusal =
  /** `maximumBytes` is left out where it is the limit of a whole object, not of the request. */
  | { readonly code: 'EntityTooLarge'; readonly maximumBytes?: number | undefined }
  | { readonly code: 'EntityTooSmall' }
  /** MD5s, base64. */
  | { readonly code: 'BadDigest'; readonly expected: string; readonly actual: string }
  | { readonly code: 'ChecksumMismatch'; readonly algorithm: string }

type CopyRefusal =
  | { readonly code: 'CopySourceTooLarge'; readonly maximumBytes: number }
  | { readonly code: 'CopySourceChanged' }
  /** An object on itself, without any change. */
  | { readonly code: 'CopyToItself' }
  | { readonly code: 'FolderCopyToItself' }
  | { readonly code: 'RenameToItself' }
  | { readonly code: 'FolderRenameIntoItself' }
  /** From a folder to an object, or the reverse. */
  | { readonly code: 'RenameChangesKind' }
  | { readonly code: 'NotAFolderName' }
  /** Whether all keys would fit can't be told in one transaction. */
  | { readonly code: 'FolderTooLargeToMeasure'; readonly maximumRows: number }

/** Those of documents and forms that carry a request. */
type DocumentRefusal =
  | { readonly code: 'MalformedXml' }
  | { readonly code: 'NotAForm' }
  | { readonly code: 'MalformedForm' }
  | { readonly code: 'FormWithoutFile' }
  | { readonly code: 'FormFieldsTooLarge'; readonly maximumBytes: number }

export type S3Refusal =
  | BucketRefusal
  | ObjectRefusal
  | ConditionRefusal
  | BodyRefusal
  | CopyRefusal
  | DocumentRefusal
  | UploadRefusal
  | LeaseRefusal
