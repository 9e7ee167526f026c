// DeleteObjects: many keys in one document, each with its own result.

import { s3Limits } from '../../base/limits.ts'
import { type DeleteObjectsInput, deleteObjects } from '../../operation/delete.ts'
import { childrenOf, childText, malformedXml, type XmlElement } from '../xml/parse.ts'
import { documentAnswer, type Route, route } from './answer.ts'
import { reportError } from './error.ts'
import { parseDate, parseEntityTags } from './header.ts'
import { documentOf } from './payload.ts'
import type { S3Request } from './request.ts'

interface DeleteDocument extends DeleteObjectsInput {
  /** True if only failures are to be reported. */
  readonly isQuiet: boolean
}

export const deleteObjectsRoute: Route = route(
  deleteObjects,
  decodeDelete,
  ({ results }, _request, { isQuiet }) =>
    documentAnswer('DeleteResult', (xml) => {
      for (const { key, versionId, error } of results) {
        if (error !== undefined) {
          const { code, message } = reportError(error)
          xml.open('Error').element('Key', key).element('VersionId', versionId)
          xml.element('Code', code).message('Message', message).close('Error')
        } else if (!isQuiet) {
          xml.open('Deleted').element('Key', key).element('VersionId', versionId)
          xml.close('Deleted')
        }
      }
    }),
)

async function decodeDelete(request: S3Request): Promise<DeleteDocument> {
  const document = await documentOf(request, {
    isRequired: true,
    isProtected: true,
    isList: true,
  })
  if (document?.name !== 'Delete') throw malformedXml()
  const objects = childrenOf(document, 'Object')
  if (objects.length === 0 || objects.length > s3Limits.deleteKeys) throw malformedXml()
  return {
    bucket: request.bucket,
    objects: objects.map(decodeObject),
    isQuiet: childText(document, 'Quiet')?.trim().toLowerCase() === 'true',
  }
}

function decodeObject(element: XmlElement): DeleteObjectsInput['objects'][number] {
  const key = childText(element, 'Key')
  if (key === undefined || key === '') throw malformedXml()
  const etag = childText(element, 'ETag')
  return {
    key,
    versionId: childText(element, 'VersionId') || undefined,
    conditions: {
      ifMatch: etag === undefined ? undefined : parseEntityTags(etag, 'strong'),
      ifModifiedAt: conditionOf(element, 'LastModifiedTime', parseDate),
      ifSizeBytes: conditionOf(element, 'Size', (text) =>
        /^\d{1,15}$/.test(text) ? Number(text) : undefined,
      ),
    },
  }
}

/** Parses a condition in a child's text. An invalid condition must not be ignored. */
function conditionOf(
  element: XmlElement,
  name: string,
  parse: (text: string) => number | undefined,
): number | undefined {
  const text = childText(element, name)?.trim()
  if (text === undefined) return undefined
  const value = parse(text)
  if (value === undefined) throw malformedXml()
  return value
}
