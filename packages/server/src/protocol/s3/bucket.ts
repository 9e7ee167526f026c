// Buckets on the wire: list, create, head, delete, location.

import { s3Limits } from '../../base/limits.ts'
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  headBucket,
  listBuckets,
} from '../../operation/bucket.ts'
import { childrenOf, childText, malformedXml } from '../xml/parse.ts'
import { escapeXml, XmlWriter } from '../xml/write.ts'
import {
  documentAnswer,
  emptyAnswer,
  isoTime,
  type Route,
  route,
  s3Namespace,
  xmlAnswer,
} from './answer.ts'
import { headerNotImplemented, parameterNotImplemented } from './error.ts'
import { writeOwner } from './owner.ts'
import { documentOf } from './payload.ts'
import { headerOf, type S3Request, wholeNumber } from './request.ts'

export const listBucketsRoute: Route = route(
  listBuckets,
  ({ query }) => ({
    prefix: query.get('prefix'),
    region: query.get('bucket-region') || undefined,
    continuationToken: query.get('continuation-token') || undefined,
    limit: wholeNumber('max-buckets', query.get('max-buckets') || undefined, {
      minimum: 1,
      maximum: s3Limits.bucketsPerOwner,
    }),
  }),
  ({ owner, buckets, continuationToken }, _request, { prefix, region, limit }) => {
    // S3 has the region of a bucket only in the newer, paginated listing.
    const hasRegions = prefix !== undefined || region !== undefined || limit !== undefined
    return documentAnswer('ListAllMyBucketsResult', (xml) => {
      writeOwner(xml, 'Owner', owner)
      xml.open('Buckets')
      for (const bucket of buckets) {
        xml.open('Bucket').element('Name', bucket.name)
        xml.element('CreationDate', isoTime(bucket.createdAt))
        if (hasRegions) xml.element('BucketRegion', bucket.region)
        xml.close('Bucket')
      }
      xml.close('Buckets').element('ContinuationToken', continuationToken)
      xml.element('Prefix', prefix)
    })
  },
)

export const createBucketRoute: Route = route(
  createBucket,
  async (request) => {
    checkCreateHeaders(request)
    return { bucket: request.bucket, locationConstraint: await locationConstraintOf(request) }
  },
  (_output, { bucket }) => emptyAnswer(200, { Location: `/${bucket}` }),
)

/** Headers of CreateBucket that ask for kinds of buckets that aren't here. */
function checkCreateHeaders(request: S3Request): void {
  const demands = {
    'x-amz-bucket-object-lock-enabled': 'false',
    'x-amz-object-ownership': 'BucketOwnerEnforced',
    'x-amz-bucket-namespace': 'global',
  }
  for (const [name, offered] of Object.entries(demands)) {
    const value = headerOf(request, name)
    if (value !== undefined && value.toLowerCase() !== offered.toLowerCase()) {
      throw headerNotImplemented(name)
    }
  }
}

async function locationConstraintOf(request: S3Request): Promise<string | undefined> {
  const document = await documentOf(request, { isRequired: false })
  if (document === undefined) return undefined
  if (document.name !== 'CreateBucketConfiguration') throw malformedXml()
  for (const { name, children } of document.children) {
    // Directory buckets, and tags that would be lost.
    if (name === 'Location' || name === 'Bucket') throw parameterNotImplemented(name)
    if (name === 'Tags' && children.length > 0) throw parameterNotImplemented(name)
  }
  if (childrenOf(document, 'LocationConstraint').length > 1) throw malformedXml()
  return childText(document, 'LocationConstraint')?.trim() || undefined
}

export const headBucketRoute: Route = route(
  headBucket,
  ({ bucket }) => ({ bucket }),
  ({ region }) =>
    emptyAnswer(200, {
      'x-amz-bucket-region': region,
      'x-amz-access-point-alias': 'false',
      'Content-Type': 'application/xml',
    }),
)

export const deleteBucketRoute: Route = route(
  deleteBucket,
  ({ bucket }) => ({ bucket }),
  () => emptyAnswer(204),
)

export const getBucketLocationRoute: Route = route(
  getBucketLocation,
  ({ bucket }) => ({ bucket }),
  // The oldest region has no name here.
  ({ location }) => {
    const root = new XmlWriter().open('LocationConstraint', { xmlns: s3Namespace })
    const text = location === 'us-east-1' ? '' : escapeXml(location)
    return xmlAnswer(`${root}${text}</LocationConstraint>`)
  },
)
