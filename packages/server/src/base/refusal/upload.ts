// Refusals of multipart uploads. Algorithms and types of checksums are spelled as in the rows.

export type UploadRefusal =
  | { readonly code: 'NoSuchUpload'; readonly uploadId: string }
  | { readonly code: 'InvalidUploadIdMarker'; readonly marker: string }
  | { readonly code: 'PartNumberOutOfBounds'; readonly partNumber: number }
  /** A copy range that extends beyond its source. */
  | { readonly code: 'InvalidCopyRange'; readonly sourceBytes: number }
  | { readonly code: 'NoParts' }
  | { readonly code: 'InvalidPartOrder' }
  | {
      readonly code: 'InvalidPart'
      readonly uploadId: string
      readonly partNumber: number
      readonly etag: string
    }
  | {
      readonly code: 'PartTooSmall'
      readonly sizeBytes: number
      readonly minimumBytes: number
      readonly partNumber: number
      readonly etag: string
    }
  | {
      readonly code: 'ObjectSizeMismatch'
      readonly announcedBytes: number
      readonly actualBytes: number
    }
  /** An object was created at the key while the upload was in progress. */
  | { readonly code: 'ConditionalRequestConflict'; readonly key: string }
  | { readonly code: 'ChecksumTypeWithoutAlgorithm' }
  | { readonly code: 'ChecksumTypeUnsupported'; readonly type: string; readonly algorithm: string }
  /** The upload was created with checksums of another type. */
  | { readonly code: 'ChecksumTypeMismatch'; readonly type: string }
  | {
      readonly code: 'ChecksumAlgorithmMismatch'
      readonly expected: string
      readonly actual: string
    }
  /** The list of parts must repeat each part's checksum. */
  | {
      readonly code: 'PartChecksumMissing'
      readonly algorithm: string
      readonly partNumber: number
    }
  /** The object's checksum can't be computed from those of its parts. */
  | { readonly code: 'ChecksumNotComputable'; readonly algorithm: string }
