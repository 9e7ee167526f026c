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
} as const

const uriTexts = {
  syntax: "Couldn't parse the specified URI.",
  host: 'The URI names another host than the Host header.',
} as const

export const sharedErrors: WireTable<SharedRefusal> = {
  AccessDenied: () => ({ status: 403, code: 'AccessFailure', message: 'Access Denied' }),
  InvalidUri: ({ problem }) => ({
    status: 400,
    code: 'InvalidURI',
    message: uriTexts[problem],
  }),
  InvalidContentLength: () => httpError('The Content-Length header is not a valid number.'),
  IncompleteBody: () =>
    httpError(
      'You did not provide the number of bytes specified by the Content-Length HTTP header.',
    ),
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
