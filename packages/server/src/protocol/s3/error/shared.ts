// S3's errors for the refusals that every protocol has.

import type { SharedRefusal } from '../../../base/refusal/shared.ts'
import { messageWords } from '../../http/wording.ts'
import { internalError, requestError, slowDown, type WireTable } from './wire.ts'

const storageTexts = {
  disk: 'The disk is full.',
  reserve: 'The disk is nearly full; only removals go on.',
  blobs: 'The server has no room left for this body.',
  memory: 'The memory allowed to the store is full.',
} as const

const incompleteTexts = {
  body: messageWords.incompleteBody,
  chunk: 'The request body terminated unexpectedly',
} as const

const uriTexts = {
  syntax: "Couldn't parse the specified URI.",
  host: 'The URI names another host than the Host header.',
} as const

export const sharedErrors: WireTable<SharedRefusal> = {
  AccessDenied: ({ action, region, setting }) => ({
    status: 403,
    code: 'AccessDenied',
    message:
      setting === undefined
        ? 'Access Denied'
        : `Access Denied because of the ${setting} block public access setting`,
    fields: { Action: action, Region: region },
  }),
  InvalidUri: ({ uri, problem }) => ({
    status: 400,
    code: 'InvalidURI',
    message: uriTexts[problem],
    fields: { URI: uri },
  }),
  HeaderSectionTooLarge: ({ maximumBytes }) => ({
    status: 400,
    code: 'RequestHeaderSectionTooLarge',
    message: messageWords.headerSectionTooLarge,
    fields: { MaxSizeAllowed: String(maximumBytes) },
  }),
  InvalidHost: () => requestError(messageWords.invalidHost),
  TransferEncodingInHttp10: () => requestError(messageWords.transferEncodingInHttp10),
  RepeatedHeader: ({ name }) => requestError(messageWords.repeatedHeader(name)),
  TooManyParameters: () => requestError(messageWords.tooManyParameters),
  InvalidContentLength: () => requestError(messageWords.invalidContentLength),
  IncompleteBody: ({ part }) => ({
    status: 400,
    code: 'IncompleteBody',
    message: incompleteTexts[part],
  }),
  WastefulChunks: () => requestError(messageWords.wastefulChunks),
  RequestTimeout: () => ({
    status: 400,
    code: 'RequestTimeout',
    message: messageWords.requestTimeout,
  }),
  MessageTooLong: ({ maximumBytes }) => ({
    status: 400,
    code: 'MaxMessageLengthExceeded',
    message: 'Your request was too large.',
    fields: { MaxMessageLengthBytes: String(maximumBytes) },
  }),
  SlowDown: () => slowDown('Please reduce your request rate.'),
  StoreClosed: () => ({
    status: 503,
    code: 'ServiceUnavailable',
    message: 'The store is closed.',
  }),
  ReadTooLong: ({ limitMs }) => ({
    status: 503,
    code: 'ServiceUnavailable',
    message: `A read of the store took over ${limitMs} ms.`,
  }),
  DeclaredDead: () => ({
    status: 503,
    code: 'ServiceUnavailable',
    message: 'This process of the server was declared dead, and ends. Please try again.',
  }),
  // S3 has no such error. The SDKs don't retry a 507, which suits a full disk.
  InsufficientStorage: ({ space }) => ({
    status: 507,
    code: 'InsufficientStorage',
    message: storageTexts[space],
  }),
  CommitFailed: () => internalError,
  StoreFailed: () => internalError,
  TransactionTooLarge: ({ rows, sizeBytes }) =>
    requestError(`The request changes too much at once: ${rows} rows, ${sizeBytes} bytes.`),
  RowKeyTooLong: ({ sizeBytes, maximumBytes }) => ({
    status: 400,
    code: 'KeyTooLongError',
    message: `The key needs ${sizeBytes} bytes; at most ${maximumBytes} fit.`,
  }),
}
