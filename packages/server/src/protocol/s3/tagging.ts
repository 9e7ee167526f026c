// Tags in documents and headers, and the routes of an object's tags.

import type { PutSettingInput } from '../../operation/bucket-setting.ts'
import {
  type BucketTags,
  deleteBucketTagging,
  getBucketTagging,
  putBucketTagging,
} from '../../operation/bucket-tagging.ts'
import {
  deleteObjectTagging,
  getObjectTagging,
  type PutTaggingInput,
  putObjectTagging,
} from '../../operation/object-tagging.ts'
import type { Tag } from '../../operation/tag.ts'
import { parseQuery } from '../http/request.ts'
import { malformedXml, parseXml, type XmlElement } from '../xml/parse.ts'
import type { XmlWriter } from '../xml/write.ts'
import { documentAnswer, emptyAnswer, type Route, route } from './answer.ts'
import { invalidArgument, type S3Error } from './error.ts'
import { documentOf } from './payload.ts'
import { headerOf, type S3Request } from './request.ts'
import { bucketOf, noSetting, objectOf } from './setting.ts'

const taggingHeader = 'x-amz-tagging'

/**
 * The tags in a header, in the form of a query: `a=1&b=2`. Undefined without the header.
 * @throws S3Error `InvalidArgument`
 */
export function taggingOf(request: Pick<S3Request, 'headers'>): readonly Tag[] | undefined {
  const text = headerOf(request, taggingHeader)
  return text === undefined ? undefined : parseTagging(text)
}

function parseTagging(text: string): readonly Tag[] {
  let parameters: readonly { readonly name: string; readonly value: string }[]
  try {
    parameters = parseQuery(text).parameters
  } catch (cause) {
    throw invalidTagging(text, cause)
  }
  const tags = parameters.map(({ name, value }) => ({ key: name, value }))
  if (new Set(tags.map(({ key }) => key)).size < tags.length) throw invalidTagging(text)
  return tags
}

function invalidTagging(text: string, cause?: unknown): S3Error {
  return invalidArgument(
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    taggingHeader,
    text,
    { cause },
  )
}

/** The tags in a form's field, which is a document. @throws StoreError `MalformedXml` */
export function taggingInField(text: string): readonly Tag[] {
  return decodeTagging(parseXml(Buffer.from(text)))
}

/** The tags in a request's body. @throws StoreError `MalformedXml`; S3Error `MissingRequestBodyError` */
export async function taggingDocumentOf(request: S3Request): Promise<readonly Tag[]> {
  const document = await documentOf(request, { isRequired: true })
  if (document === undefined) throw malformedXml()
  return decodeTagging(document)
}

/** @throws StoreError `MalformedXml` for anything but the schema's own elements */
function decodeTagging({ name, children }: XmlElement): readonly Tag[] {
  const [set, ...more] = children
  if (name !== 'Tagging' || set?.name !== 'TagSet' || more.length > 0) throw malformedXml()
  return decodeTags(set)
}

/** The tags in an element that has nothing else. @throws StoreError `MalformedXml` */
export function decodeTags({ children }: XmlElement): readonly Tag[] {
  return children.map(decodeTag)
}

function decodeTag({ name, children }: XmlElement): Tag {
  const key = children.find((child) => child.name === 'Key')
  const value = children.find((child) => child.name === 'Value')
  const isTag = name === 'Tag' && children.length === 2
  if (!isTag || key === undefined || value === undefined) throw malformedXml()
  if (key.children.length + value.children.length > 0) throw malformedXml()
  return { key: key.text, value: value.text }
}

/** Writes the set of tags of an answer. */
export function writeTagSet(xml: XmlWriter, tags: readonly Tag[]): void {
  xml.open('TagSet')
  for (const { key, value } of tags) {
    xml.open('Tag').element('Key', key).element('Value', value).close('Tag')
  }
  xml.close('TagSet')
}

export const getObjectTaggingRoute: Route = route(getObjectTagging, objectOf, ({ tags }) =>
  documentAnswer('Tagging', (xml) => writeTagSet(xml, tags)),
)

export const putObjectTaggingRoute: Route = route(
  putObjectTagging,
  async (request): Promise<PutTaggingInput> => ({
    ...objectOf(request),
    tags: await taggingDocumentOf(request),
  }),
  () => emptyAnswer(200),
)

export const deleteObjectTaggingRoute: Route = route(deleteObjectTagging, objectOf, () =>
  emptyAnswer(204),
)

export const getBucketTaggingRoute: Route = route(
  getBucketTagging,
  bucketOf,
  (found, { bucket }) => {
    if (found === undefined) throw noSetting(bucket, 'NoSuchTagSet', 'The TagSet does not exist')
    return documentAnswer('Tagging', (xml) => writeTagSet(xml, found.tags))
  },
)

export const putBucketTaggingRoute: Route = route(
  putBucketTagging,
  async (request): Promise<PutSettingInput<BucketTags>> => ({
    ...bucketOf(request),
    setting: { tags: await taggingDocumentOf(request) },
  }),
  () => emptyAnswer(204),
)

export const deleteBucketTaggingRoute: Route = route(deleteBucketTagging, bucketOf, () =>
  emptyAnswer(204),
)
