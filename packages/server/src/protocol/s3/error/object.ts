// S3's errors of operations on buckets and objects.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html

import type { AccessRefusal } from '../../../base/refusal/access.ts'
import type { LeaseRefusal } from '../../../base/refusal/lease.ts'
import type {
  ConditionName,
  ConditionSubject,
  RequestedRange,
  S3Refusal,
} from '../../../base/refusal/s3.ts'
import type { UploadRefusal } from '../../../base/refusal/upload.ts'
import { argumentError, requestError, type WireError, type WireTable } from './wire.ts'

const conditionNames: Readonly<Record<ConditionName, string>> = {
  ifMatch: 'If-Match',
  ifNoneMatch: 'If-None-Match',
  ifModifiedSince: 'If-Modified-Since',
  ifUnmodifiedSince: 'If-Unmodified-Since',
  ifModifiedAt: 'x-amz-if-match-last-modified-time',
  ifSizeBytes: 'x-amz-if-match-size',
  ifInitiatedAt: 'x-amz-if-match-initiated-time',
}

const conditionPrefixes: Readonly<Record<ConditionSubject, string>> = {
  target: '',
  'copy source': 'x-amz-copy-source-',
  'rename source': 'x-amz-rename-source-',
}

export const objectErrors: WireTable<
  Exclude<S3Refusal, AccessRefusal | UploadRefusal | LeaseRefusal>
> = {
  InvalidBucketName: ({ bucket }) =>
    bucketError(400, 'InvalidBucketName', 'The specified bucket is not valid.', bucket),
  NoSuchBucket: ({ bucket }) =>
    bucketError(404, 'NoSuchBucket', 'The specified bucket does not exist', bucket),
  BucketAlreadyExists: ({ bucket }) =>
    bucketError(
      409,
      'BucketAlreadyExists',
      'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
      bucket,
    ),
  BucketAlreadyOwnedByYou: ({ bucket }) =>
    bucketError(
      409,
      'BucketAlreadyOwnedByYou',
      'Your previous request to create the named bucket succeeded and you already own it.',
      bucket,
    ),
  BucketNotEmpty: ({ bucket }) =>
    bucketError(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty', bucket),
  TooManyBuckets: () => ({
    status: 400,
    code: 'TooManyBuckets',
    message: 'You have attempted to create more buckets than allowed',
  }),
  InvalidLocationConstraint: ({ location }) => ({
    status: 400,
    code: 'InvalidLocationConstraint',
    message: 'The specified location-constraint is not valid',
    fields: { LocationConstraint: location },
  }),
  IllegalLocationConstraint: ({ location }) => ({
    status: 400,
    code: 'IllegalLocationConstraintException',
    message: `The ${location ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  }),
  NoSuchKey: ({ key }) => ({
    status: 404,
    code: 'NoSuchKey',
    message: 'The specified key does not exist.',
    fields: { Key: key },
  }),
  NoSuchVersion: ({ versionId }) => ({
    status: 404,
    code: 'NoSuchVersion',
    message: 'The specified version does not exist.',
    fields: { VersionId: versionId },
  }),
  EmptyKey: () => argumentError('User key must have a length greater than 0.', 'key', ''),
  KeyTooLong: ({ sizeBytes, maximumBytes }) => ({
    status: 400,
    code: 'KeyTooLongError',
    message: 'Your key is too long',
    ...(sizeBytes === undefined ? {} : { fields: sizeFields(sizeBytes, maximumBytes) }),
  }),
  MetadataTooLarge: ({ sizeBytes, maximumBytes }) => ({
    status: 400,
    code: 'MetadataTooLarge',
    message: 'Your metadata headers exceed the maximum allowed metadata size',
    fields: sizeFields(sizeBytes, maximumBytes),
  }),
  InvalidStorageClass: () => ({
    status: 400,
    code: 'InvalidStorageClass',
    message: 'The storage class you specified is not valid',
  }),
  InvalidTag: tagError,
  TooManyTags: ({ of, maximum }) => ({
    status: 400,
    code: 'BadRequest',
    message:
      of === 'object'
        ? `Object tags cannot be greater than ${maximum}`
        : `Bucket tag count cannot be greater than ${maximum}`,
  }),
  InvalidRange: ({ requested, sizeBytes }) => ({
    status: 416,
    code: 'InvalidRange',
    message: 'The requested range is not satisfiable',
    fields: { RangeRequested: rangeText(requested), ActualObjectSize: String(sizeBytes) },
  }),
  NoSuchPart: ({ partNumber }) => ({
    status: 416,
    code: 'InvalidPartNumber',
    message: 'The requested partnumber is not satisfiable',
    fields: { PartNumberRequested: String(partNumber) },
  }),
  InvalidContinuationToken: () =>
    argumentError('The continuation token provided is incorrect', 'continuation-token'),
  IdempotencyParameterMismatch: () => ({
    status: 400,
    code: 'IdempotencyParameterMismatch',
    message: 'The request uses the same client token as a previous, but non-identical request.',
  }),
  PreconditionFailed: ({ condition, subject }) =>
    preconditionFailed({ Condition: `${conditionPrefixes[subject]}${conditionNames[condition]}` }),
  NotModified: ({ etag, modifiedAt }) => ({
    status: 304,
    code: 'NotModified',
    message: 'Not Modified',
    fields: { ETag: etag, LastModified: String(modifiedAt) },
  }),
  FolderExists: () => preconditionFailed({}),
  FolderCondition: () =>
    requestError(
      'A folder has no ETag and no time: of the conditions, only If-None-Match: * applies to it.',
    ),
  EntityTooLarge: ({ maximumBytes }) => ({
    status: 400,
    code: 'EntityTooLarge',
    message: 'Your proposed upload exceeds the maximum allowed size',
    fields: { MaxSizeAllowed: maximumBytes?.toString() },
  }),
  EntityTooSmall: () => ({
    status: 400,
    code: 'EntityTooSmall',
    message: 'Your proposed upload is smaller than the minimum allowed size',
  }),
  BadDigest: ({ expected, actual }) => ({
    status: 400,
    code: 'BadDigest',
    message: 'The Content-MD5 you specified did not match what we received.',
    fields: { ExpectedDigest: expected, CalculatedDigest: actual },
  }),
  ChecksumMismatch: ({ algorithm }) => ({
    status: 400,
    code: 'BadDigest',
    message: `The ${algorithm} you specified did not match the calculated checksum.`,
  }),
  CopySourceTooLarge: ({ maximumBytes }) =>
    requestError(
      `The specified copy source is larger than the maximum allowable size for a copy source: ${maximumBytes}`,
    ),
  CopySourceChanged: () => ({
    status: 409,
    code: 'ConditionalRequestConflict',
    message: 'The source object was changed while it was copied. Please try again.',
  }),
  CopyToItself: () =>
    requestError(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    ),
  FolderCopyToItself: () => requestError('A folder cannot be copied to itself.'),
  RenameToItself: () => requestError('An object cannot be renamed to itself.'),
  FolderRenameIntoItself: () =>
    requestError('A folder cannot be renamed to itself or into itself.'),
  RenameChangesKind: () =>
    requestError(
      'A folder can only be renamed to a folder, and an object to an object: both keys end in "/", or neither does.',
    ),
  NotAFolderName: () => ({
    status: 400,
    code: 'InvalidArgument',
    message: 'A folder is named by a key prefix that ends in "/".',
  }),
  FolderTooLargeToMeasure: ({ maximumRows }) => ({
    status: 400,
    code: 'KeyTooLongError',
    message: `Keys in the folder may be too long for its new place: a longer one was in it once, and it has more than ${maximumRows} entries, too many to look at in one transaction.`,
  }),
  MalformedXml: () => ({
    status: 400,
    code: 'MalformedXML',
    message:
      'The XML you provided was not well-formed or did not validate against our published schema',
  }),
  NotAForm: () =>
    requestError('The Content-Type of a form upload must be multipart/form-data with a boundary.'),
  MalformedForm: () => ({
    status: 400,
    code: 'MalformedPOSTRequest',
    message: 'The body of your POST request is not well-formed multipart/form-data.',
  }),
  FormWithoutFile: () =>
    argumentError('POST requires exactly one file upload per request.', 'file', '0'),
  FormFieldsTooLarge: ({ maximumBytes }) => ({
    status: 400,
    code: 'MaxPostPreDataLengthExceeded',
    message: 'Your POST request fields preceding the upload file were too large.',
    fields: { MaxPostPreDataLengthBytes: String(maximumBytes) },
  }),
}

function bucketError(status: number, code: string, message: string, bucket: string): WireError {
  return { status, code, message, fields: { BucketName: bucket } }
}

function tagError(tag: Extract<S3Refusal, { readonly code: 'InvalidTag' }>): WireError {
  const { of, problem, key, value } = tag
  const error = (message: string, fields: Readonly<Record<string, string>>): WireError => {
    return { status: 400, code: 'InvalidTag', message, fields }
  }
  switch (problem) {
    case 'key':
      return error('The TagKey you have provided is invalid', { TagKey: key })
    case 'value':
      return error('The TagValue you have provided is invalid', { TagKey: key, TagValue: value })
    case 'duplicate':
      return error('Cannot provide multiple Tags with the same key', { TagKey: key })
    case 'system':
      return of === 'object'
        ? error('Your TagKey cannot be prefixed with aws:', { TagKey: key })
        : error('System tags cannot be added/updated by requester', { TagKey: key })
  }
}

function preconditionFailed(fields: Readonly<Record<string, string>>): WireError {
  const message = 'At least one of the pre-conditions you specified did not hold'
  return { status: 412, code: 'PreconditionFailed', message, fields }
}

function sizeFields(sizeBytes: number, maximumBytes: number): Readonly<Record<string, string>> {
  return { Size: String(sizeBytes), MaxSizeAllowed: String(maximumBytes) }
}

function rangeText(range: RequestedRange): string {
  return 'suffix' in range ? `bytes=-${range.suffix}` : `bytes=${range.start}-${range.end ?? ''}`
}
