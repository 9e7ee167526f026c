// Folder operations. Each is a request of S3 with an addition: RenameObject with keys that end in '/', which S3
// refuses; CopyObject and DeleteObject of such a key with `x-holdfast-recursive`.

import {
  type CopyFolderInput,
  copyFolder,
  type DeleteFolderInput,
  deleteFolder,
  type RenameInput,
  rename,
} from '../../operation/folder.ts'
import { decodeText } from '../http/request.ts'
import { documentAnswer, emptyAnswer, isoTime, type Route, route } from './answer.ts'
import { copySourceOf, isReplacing, isReplacingTags, refuseSourceRange } from './copy.ts'
import { describesObject } from './description.ts'
import { headerNotImplemented, invalidArgument, invalidRequest, type S3Error } from './error.ts'
import { readConditions, refuseConditions, writeConditions } from './header.ts'
import { foreignToDeletion } from './object.ts'
import { clientTokenOf, contentOf, headerOf, refuseVersion, type S3Request } from './request.ts'

export const renameSourceHeader = 'x-amz-rename-source'
/**
 * The header by which a request means the folder rather than the object of that key. The response echoes it. A
 * server without folder support ignores the header and doesn't echo it.
 */
export const recursiveHeader = 'x-holdfast-recursive'
const replaceHeader = 'x-holdfast-replace'

/** RenameObject, of an object or a folder. */
export const renameRoute: Route = {
  ...route(
    rename,
    (request): RenameInput => {
      const { bucket, key } = request
      refuseVersion(request)
      refuseBody(request)
      refuseConditions(request)
      return {
        bucket,
        ...renameSourceOf(request),
        to: key,
        conditions: renameConditions(request),
        sourceConditions: readConditions(request, `${renameSourceHeader}-`),
        replace: flagOf(request, replaceHeader),
        clientToken: clientTokenOf(request),
      }
    },
    () => emptyAnswer(200),
  ),
  accepts: new Set([renameSourceHeader, replaceHeader]),
}

/** CopyObject of a folder. */
export const copyFolderRoute: Route = {
  ...route(
    copyFolder,
    (request): CopyFolderInput => {
      const { bucket, key } = request
      const source = copySourceOf(request)
      requireFolders(request, source.key, key)
      refuseVersion(request)
      refuseDescription(request)
      refuseSourceRange(request)
      if (source.versionId !== undefined) throw noSuchCondition('versionId')
      if (Object.values(source.conditions).some((condition) => condition !== undefined)) {
        throw noSuchCondition('x-amz-copy-source-if-…')
      }
      return {
        source: { bucket: source.bucket, folder: source.key },
        bucket,
        folder: key,
        replace: flagOf(request, replaceHeader),
        conditions: writeConditions(request),
        clientToken: clientTokenOf(request),
      }
    },
    ({ copiedAt }) => {
      const answer = documentAnswer('CopyObjectResult', (xml) => {
        xml.element('LastModified', isoTime(copiedAt))
      })
      answer.headers[recursiveHeader] = 'true'
      return answer
    },
  ),
  accepts: new Set([recursiveHeader, replaceHeader]),
}

/** DeleteObject of a folder. */
export const deleteFolderRoute: Route = {
  ...route(
    deleteFolder,
    (request): DeleteFolderInput => {
      const { bucket, key } = request
      requireFolders(request, key)
      refuseVersion(request)
      refuseConditions(request, foreignToDeletion)
      for (const name of ['if-match', 'x-amz-if-match-size', 'x-amz-if-match-last-modified-time']) {
        if (headerOf(request, name) !== undefined) throw noSuchCondition(name)
      }
      return { bucket, folder: key }
    },
    () => emptyAnswer(204, { [recursiveHeader]: 'true' }),
  ),
  accepts: new Set([recursiveHeader]),
}

/**
 * The source of a rename, percent-encoded: a key, or `/bucket/key` if there is no such key.
 * @throws S3Error `InvalidArgument`
 */
function renameSourceOf(request: S3Request): Pick<RenameInput, 'from' | 'alternativeFrom'> {
  const sent = headerOf(request, renameSourceHeader)
  if (sent === undefined || sent === '') {
    throw invalidArgument('The rename source must be specified.', renameSourceHeader, sent ?? '')
  }
  const from = decodeText(sent)
  for (const prefix of [`/${request.bucket}/`, `${request.bucket}/`]) {
    if (from.startsWith(prefix) && from.length > prefix.length) {
      return { from, alternativeFrom: from.slice(prefix.length) }
    }
  }
  // S3's pattern allows one leading slash, which isn't part of the key.
  return from.startsWith('/') && from.length > 1
    ? { from, alternativeFrom: from.slice(1) }
    : { from }
}

/** Refuses a body, which would be lost. @throws S3Error `InvalidRequest` */
function refuseBody(request: S3Request): void {
  if (contentOf(request).decodedBytes === 0) return
  throw invalidRequest('A rename takes no body.')
}

/** A copied folder's objects keep their own descriptions. @throws S3Error `NotImplemented` for a new one */
function refuseDescription(request: S3Request): void {
  if (isReplacing(request)) throw headerNotImplemented('x-amz-metadata-directive')
  if (isReplacingTags(request)) throw headerNotImplemented('x-amz-tagging-directive')
  for (const name in request.headers) {
    if (describesObject(name) || name === 'x-amz-checksum-algorithm') {
      throw headerNotImplemented(name)
    }
  }
}

/** @throws S3Error `NotImplemented` for an If-None-Match other than `*` */
function renameConditions(request: S3Request): RenameInput['conditions'] {
  const conditions = readConditions(request)
  const { ifNoneMatch } = conditions
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw invalidArgument('If-None-Match can only be *.', 'If-None-Match', ifNoneMatch.join(', '))
  }
  return conditions
}

/** @throws S3Error `InvalidArgument` for anything but true and false */
function flagOf(request: S3Request, name: string): boolean {
  const sent = headerOf(request, name)
  if (sent === undefined || sent === 'false') return false
  if (sent === 'true') return true
  throw invalidArgument(`${name} is true or false.`, name, sent)
}

/** @throws S3Error `InvalidRequest` unless the request is recursive and every key is a folder's */
function requireFolders(request: S3Request, ...keys: readonly string[]): void {
  if (!flagOf(request, recursiveHeader)) {
    throw invalidArgument(`${recursiveHeader} can only be true.`, recursiveHeader, 'false')
  }
  if (keys.every((key) => key.endsWith('/'))) return
  throw invalidRequest(`${recursiveHeader} is for folders: keys that end in "/".`)
}

function noSuchCondition(name: string): S3Error {
  return invalidRequest(`${name} does not apply to a folder.`)
}
