// SimpleDB's errors for the refusals that every protocol has.

import type { SharedRefusal } from '../../../base/refusal/shared.ts'
import { messageWords } from '../../http/wording.ts'
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

/** The number of characters of a URI or form in an error. */
const shownUriLength = 1024

export const sharedErrors: WireTable<SharedRefusal> = {
  AccessDenied: ({ action }) => accessFailure(action),
  InvalidUri: ({ uri }) => ({
    status: 400,
    code: 'InvalidURI',
    message: `The URI ${uri.slice(0, shownUriLength)} is not valid.`,
  }),
  HeaderSectionTooLarge: () => httpError(messageWords.headerSectionTooLarge),
  InvalidHost: () => httpError(messageWords.invalidHost),
  TransferEncodingInHttp10: () => httpError(messageWords.transferEncodingInHttp10),
  RepeatedHeader: ({ name }) => httpError(messageWords.repeatedHeader(name)),
  TooManyParameters: () => httpError(messageWords.tooManyParameters),
  InvalidContentLength: () => httpError(messageWords.invalidContentLength),
  IncompleteBody: () => httpError(messageWords.incompleteBody),
  WastefulChunks: () => httpError(messageWords.wastefulChunks),
  RequestTimeout: () => ({
    status: 408,
    code: 'RequestTimeout',
    message: messageWords.requestTimeout,
  }),
  MessageTooLong: ({ maximumBytes }) =>
    httpError(`The request body has more than ${maximumBytes} bytes.`),
  SlowDown: () => unavailable,
  StoreClosed: () => unavailable,
  ReadTooLong: () => unavailable,
  DeclaredDead: () => unavailable,
  // SimpleDB has no such error. The SDKs don't retry a 507, which suits a full disk.
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

/** The error for denied access to `action`; undefined if the action must not be revealed. */
export function accessFailure(action: string | undefined): WireError {
  const message = `Access to the resource ${action ?? 'AmazonSimpleDB'} is denied.`
  return { status: 403, code: 'AccessFailure', message }
}
