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
  /** No region has this name. */
  | { readonly code: 'InvalidLocationConstraint'; readonly location: string }
  /** A region other than the server's. */
  | { readonly code: 'IllegalLocationConstraint'; readonly location: string | undefined }

type ObjectRefusal =
  /** `key`: of an object or folder; undefined if a condition found no object. */
  | { readonly code: 'NoSuchKey'; readonly key?: string | undefined }
  | { readonly code: 'NoSuchVersion'; readonly versionId?: string | undefined }
  | { readonly code: 'EmptyKey' }
  | {
      readonly code: 'KeyTooLong'
      /** Undefined if a folder's name, or keys below it, would be too long, not one key. */
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

/** First and last byte, or the length of a suffix. */
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

/** The subject of a condition: the object that is read or replaced, or another source. */
export type ConditionSubject = 'target' | 'copy source' | 'rename source'

type ConditionRefusal =
  | {
      readonly code: 'PreconditionFailed'
      readonly condition: ConditionName
      readonly subject: ConditionSubject
    }
  | { readonly code: 'NotModified'; readonly etag: string; readonly modifiedAt: number }
  /** The target folder has objects and must not be replaced. */
  | { readonly code: 'FolderExists' }
  /** A folder has neither an ETag nor a time. */
  | { readonly code: 'FolderCondition' }

type BodyRefusal =
  /** `maximumBytes` is left out if the limit is that of a whole object, not of the request. */
  | { readonly code: 'EntityTooLarge'; readonly maximumBytes?: number | undefined }
  | { readonly code: 'EntityTooSmall' }
  /** MD5s, base64. */
  | { readonly code: 'BadDigest'; readonly expected: string; readonly actual: string }
  | { readonly code: 'ChecksumMismatch'; readonly algorithm: string }

/** The problem of a tag; `system`: its key is reserved for AWS. */
export type InvalidTagProblem = 'key' | 'value' | 'duplicate' | 'system'

type TagRefusal =
  | {
      readonly code: 'InvalidTag'
      readonly of: 'object' | 'bucket'
      readonly problem: InvalidTagProblem
      readonly key: string
      readonly value: string
    }
  | {
      readonly code: 'TooManyTags'
      readonly of: 'object' | 'bucket'
      readonly maximum: number
    }

type CopyRefusal =
  | { readonly code: 'CopySourceTooLarge'; readonly maximumBytes: number }
  | { readonly code: 'CopySourceChanged' }
  /** A copy of an object to itself without any change. */
  | { readonly code: 'CopyToItself' }
  | { readonly code: 'FolderCopyToItself' }
  | { readonly code: 'RenameToItself' }
  | { readonly code: 'FolderRenameIntoItself' }
  /** A rename of a folder to an object, or the reverse. */
  | { readonly code: 'RenameChangesKind' }
  | { readonly code: 'NotAFolderName' }
  /** One transaction can't check that all keys would fit. */
  | { readonly code: 'FolderTooLargeToMeasure'; readonly maximumRows: number }

/** Refusals of documents and forms that carry a request. */
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
  | TagRefusal
  | CopyRefusal
  | DocumentRefusal
  | UploadRefusal
  | LeaseRefusal
