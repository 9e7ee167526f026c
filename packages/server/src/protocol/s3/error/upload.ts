// S3's errors of multipart uploads.

import type { UploadRefusal } from '../../../base/refusal/upload.ts'
import { argumentError, requestError, type WireTable } from './wire.ts'

export const uploadErrors: WireTable<UploadRefusal> = {
  NoSuchUpload: ({ uploadId }) => ({
    status: 404,
    code: 'NoSuchUpload',
    message:
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    fields: { UploadId: uploadId },
  }),
  InvalidUploadIdMarker: ({ marker }) =>
    argumentError('Invalid uploadId marker', 'upload-id-marker', marker),
  PartNumberOutOfBounds: ({ partNumber }) =>
    argumentError(
      'Part number must be an integer between 1 and 10000, inclusive',
      'partNumber',
      String(partNumber),
    ),
  InvalidCopyRange: ({ sourceBytes }) => ({
    status: 400,
    code: 'InvalidArgument',
    message: `Range specified is not valid for source object of size: ${sourceBytes}`,
  }),
  NoParts: () => ({
    status: 400,
    code: 'MalformedXML',
    message: 'You must specify at least one part',
  }),
  InvalidPartOrder: () => ({
    status: 400,
    code: 'InvalidPartOrder',
    message:
      'The list of parts was not in ascending order. The parts list must be specified in order by part number.',
  }),
  InvalidPart: ({ uploadId, partNumber, etag }) => ({
    status: 400,
    code: 'InvalidPart',
    message:
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    fields: { UploadId: uploadId, PartNumber: String(partNumber), ETag: etag },
  }),
  PartTooSmall: ({ sizeBytes, minimumBytes, partNumber, etag }) => ({
    status: 400,
    code: 'EntityTooSmall',
    message: 'Your proposed upload is smaller than the minimum allowed size',
    fields: {
      ProposedSize: String(sizeBytes),
      MinSizeAllowed: String(minimumBytes),
      PartNumber: String(partNumber),
      ETag: etag,
    },
  }),
  ObjectSizeMismatch: ({ announcedBytes, actualBytes }) =>
    requestError(
      `The provided 'x-amz-mp-object-size' header value ${announcedBytes} does not match what was computed: ${actualBytes}`,
    ),
  ConditionalRequestConflict: ({ key }) => ({
    status: 409,
    code: 'ConditionalRequestConflict',
    message:
      'The conditional request cannot succeed due to a conflicting operation against this resource.',
    fields: { Condition: 'If-None-Match', Key: key },
  }),
  ChecksumTypeWithoutAlgorithm: () =>
    requestError(
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    ),
  ChecksumTypeUnsupported: ({ type, algorithm }) =>
    requestError(
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    ),
  ChecksumTypeMismatch: ({ type }) =>
    requestError(
      `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`,
    ),
  ChecksumAlgorithmMismatch: ({ expected, actual }) =>
    requestError(
      `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${actual.toLowerCase()}`,
    ),
  PartChecksumMissing: ({ algorithm, partNumber }) =>
    requestError(
      `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${partNumber} in the request.`,
    ),
  ChecksumNotComputable: ({ algorithm }) =>
    requestError(
      `The ${algorithm.toLowerCase()} checksum of the whole object cannot be computed from those of its parts.`,
    ),
}
