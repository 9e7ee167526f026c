// How SimpleDB tells refusals that every protocol has.

import type { SharedRefusal } from '../../../base/refusal/shared.ts'
import { httpError, internalError, type WireError, type WireTable } from './wire.ts'

const unavailable: WireError = {
  status: 503,
  code: 'ServiceUnavailable',
  message: 'Service AmazonSimpleDB is currently unavailable. Please try again later',
}

const storageTexts = {
  disk: 'The disk is full.',
  reserve: 'The disk is nearly full; only removals go on.',
  blobs: 'The server has no room left for this body.',
  memory: 'The memory allowed to the store is full.',
} as const

/** Characters of a URI, or form, that a refusal shows. */
const shownUriLength = 1024

export const sharedErrors: WireTable<SharedRefusal> = {
  AccessDenied: ({ action }) => accessFailure(action),
  InvalidUri: ({ uri }) => ({
    status: 400,
    code: 'InvalidURI',
    message: `The URI ${uri.slice(0, shownUriLength)} is not valid.`,
  }),
  HeaderSectionTooLarge: () =>
    httpError(
      'Your request header and query parameters used to make the request exceed the maximum allowed size.',
    ),
  InvalidHost: () => httpError('The request must have one Host header that names a host.'),
  TransferEncodingInHttp10: () =>
    httpError('An HTTP/1.0 request can not have a Transfer-Encoding header.'),
  RepeatedHeader: ({ name }) =>
    httpError(`The request must not have more than one ${name} header.`),
  TooManyParameters: () => httpError('It has too many parameters.'),
  InvalidContentLength: () => httpError('The Content-Length header is not a valid number.'),
  IncompleteBody: () =>
    httpError(
      'You did not provide the number of bytes specified by the Content-Length HTTP header.',
    ),
  WastefulChunks: () => httpError('The chunks of the request body are too small.'),
  RequestTimeout: () => ({
    status: 408,
    code: 'RequestTimeout',
    message:
      'Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.',
  }),
  MessageTooLong: ({ maximumBytes }) =>
    httpError(`The request body has more than ${maximumBytes} bytes.`),
  SlowDown: () => unavailable,
  StoreClosed: () => unavailable,
  ReadTooLong: () => unavailable,
  DeclaredDead: () => unavailable,
  // SimpleDB has no such error, since its disks are never full. The SDKs don't retry a 507, which would be in vain.
  InsufficientStorage: ({ space }) => ({
    status: 507,
    code: 'InsufficientStorage',
    message: storageTexts[space],
  }),
  CommitFailed: () => internalError,
  StoreFailed: () => internalError,
  TransactionTooLarge: ({ rows, sizeBytes }) =>
    httpError(`The request changes too much at once: ${rows} rows, ${sizeBytes} bytes.`),
  RowKeyTooLong: ({ sizeBytes, maximumBytes }) =>
    httpError(`The key needs ${sizeBytes} bytes; at most ${maximumBytes} fit.`),
}

/** The refusal of `action`, if that may be told. */
export function accessFailure(action: string | undefined): WireError {
  const message = `Access to the resource ${action ?? 'AmazonSimpleDB'} is denied.`
  return { status: 403, code: 'AccessFailure', message }
}
